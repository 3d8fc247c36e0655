"""FAST PATH: the WebSocket of one client, on the connection taken over from aiohttp.

RFC 6455 without extensions. Each text message must be valid UTF-8. websocket_input.py reads the frames,
whole_messages.py the usual ones.
"""

import asyncio
from typing import TYPE_CHECKING

from hubbub.core import metrics
from hubbub.realtime.engine import packets
from hubbub.realtime.engine.packets import Frame, ProtocolError
from hubbub.realtime.engine.rfc6455 import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    CloseCode,
    WebSocketError,
    check_header,
    is_close_code,
    is_utf8,
)
from hubbub.realtime.engine.session import Session, TransportHost
from hubbub.realtime.engine.transport import TRANSPORT_CLOSE, TRANSPORT_ERROR
from hubbub.realtime.engine.whole_messages import WHOLE_TEXT, WholeMessageInput

if TYPE_CHECKING:
    from hubbub.realtime.engine.timers import Timer


class WebSocket(WholeMessageInput):
    """The transport of a session, or its upgrade candidate until the upgrade is complete."""

    __slots__ = (
        "_deadline_timer",
        "_fragments_opcode",
        "_output",
        "_pending_pong",
        "_probed",
        "output_bytes",
        "stalled",
    )

    name = "websocket"

    def __init__(self, engine: TransportHost, transport: asyncio.Transport) -> None:
        super().__init__(engine, transport)
        self._output: list[bytes] = []  # encoded frames that are written at the end of the turn
        self.output_bytes = 0  # size of `_output`
        self._pending_pong: bytes | None = None  # the PONG for the latest PING, until it is written
        self.stalled = False  # whether the write buffer is over STALLED_BYTES
        self._probed = False  # whether the client sent the probe of the upgrade
        self._fragments_opcode = 0  # opcode of the message in `_fragments`
        self._deadline_timer: Timer | None = None  # aborts an upgrade or a close that takes too long
        transport.set_write_buffer_limits(high=engine.STALLED_BYTES)
        engine.websockets.add(self)

    # Output.

    @property
    def waiting_bytes(self) -> int:
        if self.stalled:
            return self.output_bytes + self._transport.get_write_buffer_size()
        return self.output_bytes

    def send(self, frame: Frame) -> None:
        """Queue a frame. All frames of one turn of the event loop go out in one write."""
        if not self._output and (self._pending_pong is None or self.stalled):
            self.engine.schedule_flush(self)
        self._output.append(frame.wire)
        self.output_bytes += frame.size

    def drain_output(self) -> list[bytes]:
        """Return the frames to write now, and empty the queue."""
        frames, self._output = self._output, []
        self.output_bytes = 0
        if self._pending_pong is not None and not self.stalled:
            frames.append(self._pending_pong)
            self._pending_pong = None
        return frames

    def write(self, data: bytes) -> None:
        """Write encoded frames. Close a connection whose client leaves more than its limit unread."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self.stalled and self._transport.get_write_buffer_size() > self._max_output_bytes():
            metrics.count("output_limit_closures")
            self.abort()

    def _max_output_bytes(self) -> int:
        if self.session is not None:
            return self.session.max_output_bytes
        return self.engine.bounds.unaccepted_output_bytes

    def _queue_pong(self, data: bytes) -> None:
        """Keep the PONG for the latest PING. It also answers earlier PINGs (RFC 6455, 5.5.3)."""
        if self._pending_pong is None and not self._output and not self.stalled:
            self.engine.schedule_flush(self)
        self._pending_pong = packets.frame_header(0x80 | PONG, len(data)) + data

    def pause_writing(self) -> None:
        self.stalled = True

    def resume_writing(self) -> None:
        self.stalled = False
        if self._pending_pong is not None and not self._output:
            self.engine.schedule_flush(self)

    # Input: frames from WebSocketInput, whole messages from WholeMessageInput.

    def _on_frame(self, first_byte: int, data: bytes) -> None:
        if first_byte == WHOLE_TEXT and self._fragments is None:
            self._on_text(data)
            return
        check_header(bytes((first_byte, 0x80 | min(len(data), 126))), in_message=self._fragments is not None)
        opcode = first_byte & 15
        if opcode >= CLOSE:
            self._on_control(opcode, data)
        else:
            self._on_fragment(opcode, data, fin=bool(first_byte & 128))

    def _on_fragment(self, opcode: int, data: bytes, *, fin: bool) -> None:
        if self._fragments is None:
            self._fragments, self._fragments_opcode = bytearray(), opcode
        self._fragments += data
        if len(self._fragments) > self.engine.max_payload:
            raise WebSocketError(CloseCode.MESSAGE_TOO_BIG, "too long")
        if not fin:
            return
        whole, self._fragments = bytes(self._fragments), None
        if self._fragments_opcode == TEXT:
            self._on_text(whole)
        elif self.session is None or self._closing:
            return
        elif self.session.transport is not self:
            raise ProtocolError("not a probe")
        else:
            self.session.receive_binary(whole)

    def _on_text(self, data: bytes | bytearray) -> None:
        try:
            packet = data.decode()
        except UnicodeDecodeError:
            raise WebSocketError(CloseCode.INVALID_UTF8, "not UTF-8") from None
        session = self.session
        if session is None or self._closing:
            return
        if session.transport is self:
            session.receive(packet)
        else:
            self._on_upgrade_packet(session, packet)

    def _on_upgrade_packet(self, session: Session, packet: str) -> None:
        if packet == "2probe" and not self._probed:
            self._probed = True
            self.send(packets.PROBE)
            self.engine.on_probe(session)
        elif packet == "5" and self._probed:
            if self._deadline_timer is not None:
                self._deadline_timer.cancel()
                self._deadline_timer = None
            self.engine.on_upgraded(session, self)
        else:
            raise ProtocolError("not a probe")

    def _on_control(self, opcode: int, data: bytes) -> None:
        if opcode == PING:
            self._queue_pong(data)
        elif opcode == CLOSE:
            code = int.from_bytes(data[:2], "big") if len(data) > 1 else CloseCode.NORMAL_CLOSURE
            if len(data) == 1 or not is_close_code(code) or not is_utf8(data[2:]):
                raise WebSocketError(CloseCode.PROTOCOL_ERROR, "not a close frame")
            if not self._closing:
                self._send_close(code)
            self._stopped = True
            self._transport.close()
            self._on_lost(TRANSPORT_CLOSE)

    # End.

    def set_deadline(self, seconds: float) -> None:
        """Close the connection if the upgrade is not complete after `seconds`."""
        self._deadline_timer = self.engine.timers.after(seconds, self.abort)

    def close(self, reason: str, *, flush: bool, code: int = CloseCode.NORMAL_CLOSURE) -> None:  # noqa: ARG002 - a transport's signature
        """Write the queue if `flush`, then a close frame. The client has `close_timeout` for its own."""
        if self._closing or self._transport.is_closing():
            return
        if not flush:
            self.drain_output()
        self._send_close(code)
        if self._paused or self._delayed:  # read on, for the client's close frame
            self._paused = self._delayed = self._stopped = False
            self._backlog = None
            self._transport.resume_reading()
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        self._deadline_timer = self.engine.timers.after(self.engine.close_timeout, self.abort)

    def _send_close(self, close_code: int) -> None:
        self._closing = True
        self.write(
            b"".join(self.drain_output())
            + packets.frame_header(0x80 | CLOSE, 2)
            + close_code.to_bytes(2, "big")
        )
        if self.stalled and not self._transport.is_closing() and self._deadline_timer is None:
            # A client that reads nothing has no more than the usual time either.
            self._deadline_timer = self.engine.timers.after(self.engine.close_timeout, self.abort)

    def _fail(self, close_code: int, reason: str) -> None:
        if self.session is not None and not self._closing:
            if self.session.transport is self and not self.session.closed:
                self.engine.session_handler.on_protocol_error(self.session)
            self.engine.log_protocol_error(self.session, reason)
        self.close(TRANSPORT_ERROR, flush=True, code=close_code)
        self._stopped = True
        self._transport.close()
        self._on_lost(TRANSPORT_ERROR)

    def _fail_protocol(self, reason: str) -> None:
        session = self.session
        if session is not None and session.transport is self:
            session.fail_protocol(reason)
        else:
            self._fail(CloseCode.PROTOCOL_ERROR, reason)

    def abort(self) -> None:
        """Close the connection at once, without a close frame."""
        self._stopped = True
        self._transport.abort()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        self._closing = self._stopped = True
        self._backlog = None
        self.drain_output()
        self.engine.websockets.discard(self)
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
            self._deadline_timer = None
        self._on_lost(TRANSPORT_CLOSE if exc is None else TRANSPORT_ERROR)

    def _on_lost(self, reason: str) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        if session.transport is self:
            session.close(reason, flush=False)
        elif session.upgrade_candidate is self:
            session.upgrade_candidate = None
