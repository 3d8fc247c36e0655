"""FAST PATH: what a WebSocket receives: frames, in slices, within the limits of the connection.

RFC 6455 without extensions: what comes must be masked, and at most `max_payload` long.
"""

import asyncio
from typing import TYPE_CHECKING

from hubbub.core import clock, metrics
from hubbub.realtime.engine.bounds import CLOSING_BYTES, SLICE_BYTES, SLICE_PACKETS
from hubbub.realtime.engine.packets import ProtocolError
from hubbub.realtime.engine.rfc6455 import (
    PROTOCOL_ERROR,
    TOO_BIG,
    Broken,
    check_head,
    long_length,
    unmasked,
)
from hubbub.realtime.engine.session import Session
from hubbub.realtime.engine.shares import LARGE_READ

if TYPE_CHECKING:
    from hubbub.realtime.engine.server import Engine


class WebSocketInput(asyncio.Protocol):
    """The receiving half of a connection.

    A read is handled in slices, so that connections take turns. What is over a limit waits unread.
    """

    __slots__ = (
        "_backlog",
        "_closing",
        "_delayed",
        "_fragments",
        "_held",
        "_late",
        "_need",
        "_rest",
        "_start",
        "_stop",
        "_transport",
        "engine",
        "session",
    )

    def __init__(self, engine: "Engine", transport: asyncio.Transport) -> None:
        self.engine = engine
        self.session: Session | None = None
        self._transport = transport
        self._closing = False
        self._rest: bytearray | None = None  # the beginning of a frame
        self._need = 0  # bytes of `_rest` from which on there is something to do
        self._backlog: bytes | None = None  # input that was read and waits for its turn
        self._start = 0  # where in `_backlog` it begins
        self._held = False  # whether the session holds this connection
        self._delayed = False  # whether the input waits for a turn of the loop or for a bucket
        self._stop = False  # whether no further frame is handled now: held or closing
        self._late = 0  # bytes that came after the closing began
        self._fragments: bytearray | None = None  # a message whose last fragment is still to come

    def _frame(self, first: int, data: bytes) -> None:
        """Handle a frame: its first byte, its payload without the mask. Raises Broken, Malformed."""
        raise NotImplementedError

    def _fail(self, code: int, why: str) -> None:
        """Close the connection with a close code."""
        raise NotImplementedError

    def _malformed(self, why: str) -> None:
        """End the session for a packet that breaks the protocol."""
        raise NotImplementedError

    def pause(self) -> None:
        self._held = self._stop = True
        self._transport.pause_reading()

    def resume(self) -> None:
        self._held = self._stop = False
        if self._delayed:
            return
        if self._backlog is not None:
            self._take_turn()
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def accepted(self) -> None:
        if self._delayed:
            self._read_on()

    def _take_turn(self) -> None:
        """Go on in the next turn of the event loop."""
        self._delayed = True
        asyncio.get_running_loop().call_soon(self._read_on)

    def _read_on(self) -> None:
        """Handle the backlog, then read again."""
        self._delayed = False
        session = self.session
        if self._held or self._closing or session is None:
            return
        data, self._backlog = self._backlog, None
        if data is not None:
            self._handle(data, self._start, session.intake.receive(0, clock.monotonic()))
        self._resume_reading()

    def _resume_reading(self) -> None:
        if not (self._held or self._delayed or self._closing):
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        session = self.session
        if session is None or self._closing:
            packets = self._receive_late(len(data))
        else:
            session.received_at = now = clock.monotonic()
            packets = session.intake.receive(len(data), now)
        rest = self._rest
        if rest is not None:
            rest += data
            if len(rest) < self._need:
                if session is not None and not self._closing and session.intake.in_debt:
                    self._wait(session)
                return
            data, self._rest = bytes(rest), None
        if self._backlog is None:
            self._handle(data, 0, packets)
        else:  # read before the transport stopped reading
            self._backlog, self._start = self._backlog[self._start :] + data, 0

    def _receive_late(self, size: int) -> int:
        """Read on for the client's close frame, within a bound; a time limit does the rest."""
        self._late += size
        if self._late <= CLOSING_BYTES:
            return SLICE_PACKETS
        self._transport.pause_reading()
        return 0

    def _handle(self, data: bytes, start: int, packets: int) -> None:
        """Handle frames from `start` on, at most `packets`; keep what is left for later."""
        session = self.session
        size = len(data) - start
        if size <= LARGE_READ or session is None or self._closing or session.intake.unlimited:
            self._handle_now(data, start, packets)
            return
        reserved = min(size, SLICE_BYTES)
        if wait := session.share.reserve(reserved, clock.monotonic()):
            self._backlog, self._start, self._delayed = data, start, True
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(wait, self._handle_reserved, reserved)
        else:
            self._handle_large(session, data, start, packets, reserved)

    def _handle_reserved(self, reserved: int) -> None:
        """The time for a large read has come."""
        self._delayed = False
        session, data = self.session, self._backlog
        if self._held or self._closing or session is None or data is None:
            return
        self._backlog = None
        packets = session.intake.receive(0, clock.monotonic())
        self._handle_large(session, data, self._start, packets, reserved)
        self._resume_reading()

    def _handle_large(self, session: Session, data: bytes, start: int, packets: int, reserved: int) -> None:
        left, used = self._handle_now(data, start, packets)
        session.share.spend(max(0, used - start - reserved), packets - left)

    def _handle_now(self, data: bytes, start: int, packets: int) -> tuple[int, int]:
        """Return how many of `packets` are left, and where the next frame begins."""
        session = self.session
        try:
            used, left, done = self._read(data, start, packets) if packets else (start, 0, False)
        except Broken as broken:
            self._fail(broken.code, broken.why)
            return packets, start
        except ProtocolError as malformed:
            self._malformed(str(malformed))
            return packets, start
        self._keep(session, data, used, packets - left, done=done)
        return left, used

    def _keep(self, session: Session | None, data: bytes, used: int, spent: int, *, done: bool) -> None:
        """Keep what was not handled for its turn, or until the bucket holds something again."""
        if done and used < len(data):
            self._rest = bytearray(data[used:]) if used else bytearray(data)
        if session is None or self._closing:
            return
        intake = session.intake
        intake.spend(spent)
        if not done and used < len(data):
            self._backlog, self._start = data, used
        elif not intake.in_debt:
            return
        if intake.empty:
            self._wait(session)
        elif not self._held:
            self._transport.pause_reading()
            self._take_turn()

    def _wait(self, session: Session) -> None:
        """Leave the connection unread until its bucket holds something again."""
        if self._delayed:
            return
        if not session.intake.accepted:
            if session.waits:
                self._delay(session.engine.bounds.flooding_s)
            else:
                session.refuse("over the limits before acceptance")
            return
        seconds = session.intake.wait(clock.monotonic())
        if seconds < 0:
            session.flooding()
        else:
            self._delay(seconds)

    def _delay(self, seconds: float) -> None:
        metrics.count("input_delays")
        self._delayed = True
        self._transport.pause_reading()
        self.engine.timers.after(seconds, self._end_delay)

    def _end_delay(self) -> None:
        session = self.session
        if not self._delayed or self._closing or session is None:
            return
        if session.intake.accepted:
            self._read_on()
        else:
            session.refuse("over the limits before acceptance")

    def _read(self, data: bytes, start: int, left: int) -> tuple[int, int, bool]:
        """Handle whole frames of `data`, at most `left` and about SLICE_BYTES.

        Returns where the next frame begins, what is left of `left`, and whether no whole frame is left.
        """
        stop_at, end = start + SLICE_BYTES, len(data)
        most = self.engine.max_payload
        while left and start < stop_at:
            if end < start + 6:
                self._need = 6
                break
            masked, length = data[start + 1] & 128, data[start + 1] & 127
            at = start + 6
            if length > 125:  # noqa: PLR2004 - RFC 6455, 5.2
                at += 2 if length == 126 else 8  # noqa: PLR2004 - likewise
                if end < at:
                    self._need = at - start
                    break
                length = long_length(data, start, length)
            if length > most:
                raise Broken(TOO_BIG, "too long")
            if end < at + length:
                self._need = at + length - start
                break
            if not masked:
                raise Broken(PROTOCOL_ERROR, "not masked")
            first, start = data[start], at + length
            left -= 1
            self._frame(first, unmasked(data[at - 4 : at], data[at:start]))
            if self._stop:
                return start, left, False
        else:
            return start, left, start == end
        check_head(data[start : start + 2], in_message=self._fragments is not None)
        return start, left, True
