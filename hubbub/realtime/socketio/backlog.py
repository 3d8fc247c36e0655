"""The bound for events of a client that wait: over it, the connection is not read."""

from hubbub.realtime.engine.serial_queue import FlowControl

MAX_WAITING_EVENTS = 128
MAX_WAITING_BYTES = 256 * 1024  # on the wire; the one event that exceeds it is taken


class Backlog:
    """Counts the events of one client that are not answered yet, and their bytes."""

    __slots__ = ("_closed", "_flow_control", "_paused", "waiting_bytes", "waiting_events")

    def __init__(self, flow_control: FlowControl) -> None:
        self._flow_control = flow_control
        self._paused = False
        self._closed = False
        self.waiting_events = 0
        self.waiting_bytes = 0

    def add(self, size: int) -> None:
        """Count one more event. Must be paired with `remove`."""
        self.waiting_events += 1
        self.waiting_bytes += size
        if self.waiting_events < MAX_WAITING_EVENTS and self.waiting_bytes < MAX_WAITING_BYTES:
            return
        if not self._paused and not self._closed:
            self._paused = True
            self._flow_control.pause()

    def remove(self, size: int) -> None:
        """Count one less. The client is read again when half of the bound is free."""
        self.waiting_events -= 1
        self.waiting_bytes -= size
        if (
            self._paused
            and self.waiting_events <= MAX_WAITING_EVENTS // 2
            and self.waiting_bytes <= MAX_WAITING_BYTES // 2
        ):
            self._paused = False
            self._flow_control.resume()

    def close(self) -> None:
        """Let the client be read, whatever waits: nothing of it will be handled. Safe to call twice."""
        self._closed = True
        if self._paused:
            self._paused = False
            self._flow_control.resume()
