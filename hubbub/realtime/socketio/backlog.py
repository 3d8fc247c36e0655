"""The limit for events of a client that wait. Over it, the connection is not read."""

from hubbub.realtime.engine.serial_queue import FlowControl

MAX_WAITING_EVENTS = 128
MAX_WAITING_BYTES = 256 * 1024  # on the wire; the event that exceeds it is still accepted


class Backlog:
    """Counts the events of one client that are not finished yet, and their bytes."""

    __slots__ = ("_closed", "_flow_control", "_paused", "waiting_bytes", "waiting_events")

    def __init__(self, flow_control: FlowControl) -> None:
        self._flow_control = flow_control  # pauses the client
        self._paused = False  # whether this backlog paused the client
        self._closed = False  # whether the client has ended, and is no longer paused
        self.waiting_events = 0  # events that are not finished
        self.waiting_bytes = 0  # their bytes on the wire

    def add(self, size: int) -> None:
        """Count an event of `size` bytes. Must be paired with `remove`."""
        self.waiting_events += 1
        self.waiting_bytes += size
        if self.waiting_events < MAX_WAITING_EVENTS and self.waiting_bytes < MAX_WAITING_BYTES:
            return
        if not self._paused and not self._closed:
            self._paused = True
            self._flow_control.pause()

    def remove(self, size: int) -> None:
        """Stop counting an event. The client is read again when half of the limit is free."""
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
        """Read from the client again, whatever waits, since no event is handled. Safe to call twice."""
        self._closed = True
        if self._paused:
            self._paused = False
            self._flow_control.resume()
