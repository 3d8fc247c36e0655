"""FAST PATH: the input of a WebSocket: frames, in slices, within the limits of the connection.

RFC 6455 without extensions. A frame must be masked, and its payload at most `max_payload` long.
"""

import asyncio
from abc import abstractmethod
from functools import partial

from hubbub.core import clock, metrics
from hubbub.realtime.engine.bounds import MAX_CLOSING_BYTES, SLICE_BYTES, SLICE_PACKETS
from hubbub.realtime.engine.packets import ProtocolError
from hubbub.realtime.engine.rfc6455 import (
    CloseCode,
    WebSocketError,
    check_header,
    read_extended_length,
    unmask,
)
from hubbub.realtime.engine.session import Session, TransportHost
from hubbub.realtime.engine.shares import LARGE_READ_BYTES


class WebSocketInput(asyncio.Protocol):
    """The receiving half of a WebSocket.

    A read is handled in slices, so that connections take turns. Input over a limit waits unread.
    """

    __slots__ = (
        "_backlog",
        "_backlog_start",
        "_closing",
        "_closing_bytes",
        "_delayed",
        "_fragments",
        "_needed_bytes",
        "_partial_frame",
        "_paused",
        "_stopped",
        "_transport",
        "engine",
        "session",
    )

    def __init__(self, engine: TransportHost, transport: asyncio.Transport) -> None:
        self.engine = engine  # the server
        self.session: Session | None = None  # None before the handshake and after the end
        self._transport = transport  # asyncio's transport of the connection
        self._closing = False  # whether a close frame was sent
        self._partial_frame: bytearray | None = None  # the beginning of an incomplete frame
        self._needed_bytes = 0  # length of `_partial_frame` from which on it can be handled
        self._backlog: bytes | None = None  # input that was read and waits for its turn
        self._backlog_start = 0  # index in `_backlog` at which the waiting input begins
        self._paused = False  # whether the session paused this connection
        self._delayed = False  # whether the input waits for a turn of the loop, a share or a bucket
        self._stopped = False  # whether no further frame is handled now: paused or closing
        self._closing_bytes = 0  # bytes received after the close frame was sent
        self._fragments: bytearray | None = None  # a message whose last fragment is not received yet

    @abstractmethod
    def _on_frame(self, first_byte: int, data: bytes) -> None:
        """Handle a frame: its first byte, its payload without the mask.

        Raises WebSocketError, ProtocolError.
        """

    @abstractmethod
    def _fail(self, close_code: int, reason: str) -> None:
        """Close the connection with a close code."""

    @abstractmethod
    def _fail_protocol(self, reason: str) -> None:
        """End the session for a packet that violates the protocol."""

    def pause(self) -> None:
        self._paused = self._stopped = True
        self._transport.pause_reading()

    def resume(self) -> None:
        self._paused = self._stopped = False
        if self._delayed:
            return
        if self._backlog is not None:
            self._schedule_backlog()
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def on_accepted(self) -> None:
        if self._delayed:
            self._process_backlog()

    def _schedule_backlog(self) -> None:
        """Handle the backlog in the next turn of the event loop."""
        self._delayed = True
        asyncio.get_running_loop().call_soon(self._process_backlog)

    def _process_backlog(self) -> None:
        """Handle the backlog, then read from the client again."""
        self._delayed = False
        session = self.session
        if self._paused or self._closing or session is None:
            return
        data, self._backlog = self._backlog, None
        if data is not None:
            self._handle(data, self._backlog_start, session.input_limiter.charge_bytes(0, clock.monotonic()))
        self._resume_reading()

    def _resume_reading(self) -> None:
        if not (self._paused or self._delayed or self._closing):
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        session = self.session
        if session is None or self._closing:
            packets = self._charge_closing_bytes(len(data))
        else:
            session.received_at = now = clock.monotonic()
            packets = session.input_limiter.charge_bytes(len(data), now)
        partial_frame = self._partial_frame
        if partial_frame is not None:
            partial_frame += data
            if len(partial_frame) < self._needed_bytes:
                if session is not None and not self._closing and session.input_limiter.overdrawn:
                    self._wait_for_limiter(session)
                return
            data, self._partial_frame = bytes(partial_frame), None
        if self._backlog is None:
            if session is None or session.input_limiter.accepted:
                self._handle(data, 0, packets)
            elif not self.engine.turn_budget.try_run(partial(self._handle, data, 0, packets)):
                self._backlog, self._backlog_start, self._delayed = data, 0, True
                self.engine.turn_budget.enqueue(self._process_backlog)
        else:  # read before the transport stopped reading, or before the turn of a first input
            self._backlog, self._backlog_start = self._backlog[self._backlog_start :] + data, 0
            if len(self._backlog) > SLICE_BYTES:
                self._transport.pause_reading()

    def _charge_closing_bytes(self, size: int) -> int:
        """Charge input that is read to find the client's close frame. `close_timeout` limits its time."""
        self._closing_bytes += size
        if self._closing_bytes <= MAX_CLOSING_BYTES:
            return SLICE_PACKETS
        self._transport.pause_reading()
        return 0

    def _handle(self, data: bytes, start: int, packets: int) -> None:
        """Handle at most `packets` frames from `start` on. Keep the rest for later."""
        session = self.session
        size = len(data) - start
        if size <= LARGE_READ_BYTES or session is None or self._closing or session.input_limiter.unlimited:
            self._handle_now(data, start, packets)
            return
        reserved = min(size, SLICE_BYTES)
        if wait := session.ip_share.reserve(reserved, clock.monotonic()):
            self._backlog, self._backlog_start, self._delayed = data, start, True
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(wait, self._handle_reserved, reserved)
        else:
            self._handle_large(session, data, start, packets, reserved)

    def _handle_reserved(self, reserved: int) -> None:
        """Handle a large read at its reserved time."""
        self._delayed = False
        session, data = self.session, self._backlog
        if self._paused or self._closing or session is None or data is None:
            return
        self._backlog = None
        packets = session.input_limiter.charge_bytes(0, clock.monotonic())
        self._handle_large(session, data, self._backlog_start, packets, reserved)
        self._resume_reading()

    def _handle_large(self, session: Session, data: bytes, start: int, packets: int, reserved: int) -> None:
        left, next_frame = self._handle_now(data, start, packets)
        session.ip_share.charge(max(0, next_frame - start - reserved), packets - left)

    def _handle_now(self, data: bytes, start: int, packets: int) -> tuple[int, int]:
        """Handle frames. Return how many of `packets` are left, and where the next frame begins."""
        session = self.session
        try:
            next_frame, left, done = self._read(data, start, packets) if packets else (start, 0, False)
        except WebSocketError as broken:
            self._fail(broken.close_code, broken.reason)
            return packets, start
        except ProtocolError as malformed:
            self._fail_protocol(str(malformed))
            return packets, start
        self._store_remainder(session, data, next_frame, packets - left, done=done)
        return left, next_frame

    def _store_remainder(
        self, session: Session | None, data: bytes, next_frame: int, handled: int, *, done: bool
    ) -> None:
        """Keep the rest of a read for its turn, or until the bucket holds something again."""
        if done and next_frame < len(data):
            self._partial_frame = bytearray(data[next_frame:]) if next_frame else bytearray(data)
        if session is None or self._closing:
            return
        limiter = session.input_limiter
        limiter.charge_packets(handled)
        if not done and next_frame < len(data):
            self._backlog, self._backlog_start = data, next_frame
        elif not limiter.overdrawn:
            return
        if limiter.empty:
            self._wait_for_limiter(session)
        elif not self._paused:
            self._transport.pause_reading()
            self._schedule_backlog()

    def _wait_for_limiter(self, session: Session) -> None:
        """Leave the connection unread until its bucket holds something again."""
        if self._delayed:
            return
        if not session.input_limiter.accepted:
            if session.connect_pending:
                self._delay(session.engine.bounds.flooding_s)
            else:
                session.refuse("over the limits before acceptance")
            return
        seconds = session.input_limiter.wait_seconds(clock.monotonic())
        if seconds < 0:
            session.close_flooding()
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
        if session.input_limiter.accepted:
            self._process_backlog()
        else:
            session.refuse("over the limits before acceptance")

    def _read(self, data: bytes, start: int, left: int) -> tuple[int, int, bool]:
        """Handle whole frames of `data`, at most `left` frames and about SLICE_BYTES.

        Returns where the next frame begins, the rest of `left`, and whether no whole frame is left.
        """
        stop_at, end = start + SLICE_BYTES, len(data)
        max_length = self.engine.max_payload
        while left and start < stop_at:
            if end < start + 6:
                self._needed_bytes = 6
                break
            masked, length = data[start + 1] & 128, data[start + 1] & 127
            payload_start = start + 6
            if length > 125:  # noqa: PLR2004 - RFC 6455, 5.2
                payload_start += 2 if length == 126 else 8  # noqa: PLR2004 - likewise
                if end < payload_start:
                    self._needed_bytes = payload_start - start
                    break
                length = read_extended_length(data, start, length)
            if length > max_length:
                raise WebSocketError(CloseCode.MESSAGE_TOO_BIG, "too long")
            if end < payload_start + length:
                self._needed_bytes = payload_start + length - start
                break
            if not masked:
                raise WebSocketError(CloseCode.PROTOCOL_ERROR, "not masked")
            first_byte, start = data[start], payload_start + length
            left -= 1
            self._on_frame(
                first_byte, unmask(data[payload_start - 4 : payload_start], data[payload_start:start])
            )
            if self._stopped:
                return start, left, False
        else:
            return start, left, start == end
        check_header(data[start : start + 2], in_message=self._fragments is not None)
        return start, left, True
