"""The bound for events of a client that wait: over it, the connection is not read."""

from typing import Protocol

EVENTS = 128
EVENT_BYTES = 256 * 1024  # on the wire; the one event that exceeds it is taken


class Reading(Protocol):
    """Whatever reads from the client."""

    def pause(self) -> None:
        """Read no more until as many `resume`."""

    def resume(self) -> None:
        """Read again."""


class Backlog:
    """Counts the events of one client that are not answered yet, and their bytes."""

    __slots__ = ("_closed", "_paused", "_reading", "events", "waiting_bytes")

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._paused = False
        self._closed = False
        self.events = 0
        self.waiting_bytes = 0

    def add(self, size: int) -> None:
        """Count one more event. Must be paired with `remove`."""
        self.events += 1
        self.waiting_bytes += size
        if self.events < EVENTS and self.waiting_bytes < EVENT_BYTES:
            return
        if not self._paused and not self._closed:
            self._paused = True
            self._reading.pause()

    def remove(self, size: int) -> None:
        """Count one less. The client is read again when half of the bound is free."""
        self.events -= 1
        self.waiting_bytes -= size
        if self._paused and self.events <= EVENTS // 2 and self.waiting_bytes <= EVENT_BYTES // 2:
            self._paused = False
            self._reading.resume()

    def close(self) -> None:
        """Let the client be read, whatever waits: nothing of it will be handled. Safe to call twice."""
        self._closed = True
        if self._paused:
            self._paused = False
            self._reading.resume()
