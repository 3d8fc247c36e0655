"""FAST PATH: one client's WebSocket, on the transport taken over from the HTTP server.

RFC 6455 without extensions; text must be whole in UTF-8. websocket_input.py reads the frames.
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
    PROTOCOL_ERROR,
    TEXT,
    TOO_BIG,
    Broken,
    check_head,
    is_close_code,
    is_utf8,
)
from hubbub.realtime.engine.session import BROKEN, LOST, NORMAL, Session
from hubbub.realtime.engine.websocket_input import WebSocketInput

if TYPE_CHECKING:
    from hubbub.realtime.engine.server import Engine
    from hubbub.realtime.engine.timers import Timer

NOT_UTF8 = 1007


class WebSocket(WebSocketInput):
    """A session's transport, or the candidate for it while it is probed."""

    __slots__ = ("_kind", "_limit", "_out", "_out_bytes", "_pong", "_probed", "_stalled")

    name = "websocket"

    def __init__(self, engine: "Engine", transport: asyncio.Transport) -> None:
        super().__init__(engine, transport)
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._pong: bytes | None = None  # the PONG that answers the latest PING, until it is written
        self._stalled = False  # whether the transport's write buffer is over its limit
        self._probed = False
        self._kind = 0  # of the message in `_fragments`
        self._limit: Timer | None = None
        transport.set_write_buffer_limits(high=engine.STALLED_BYTES)
        engine.websockets.add(self)

    # Out.

    @property
    def waiting_bytes(self) -> int:
        if self._stalled:
            return self._out_bytes + self._transport.get_write_buffer_size()
        return self._out_bytes

    def send(self, frame: Frame) -> None:
        """Queue; all that is queued in one turn of the loop goes out in one write."""
        if not self._out and (self._pong is None or self._stalled):
            self.engine.flush_soon(self)
        self._out.append(frame.wire)
        self._out_bytes += frame.size

    def take(self) -> list[bytes]:
        """What is to be written now, of which the queue is emptied."""
        out, self._out = self._out, []
        self._out_bytes = 0
        if self._pong is not None and not self._stalled:
            out.append(self._pong)
            self._pong = None
        return out

    def write(self, data: bytes) -> None:
        """Write encoded frames; end a connection whose client leaves more than its limit unread."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._stalled:
            session = self.session
            most = session.max_output if session is not None else self.engine.bounds.early_output_bytes
            if self._transport.get_write_buffer_size() > most:
                metrics.count("output_limit_closures")
                self.abort()

    def _answer_ping(self, data: bytes) -> None:
        """Keep the PONG for the latest PING; RFC 6455, 5.5.3, lets it answer those before."""
        if self._pong is None and not self._out and not self._stalled:
            self.engine.flush_soon(self)
        self._pong = packets.head(0x80 | PONG, len(data)) + data

    def pause_writing(self) -> None:
        self._stalled = True

    def resume_writing(self) -> None:
        self._stalled = False
        if self._pong is not None and not self._out:
            self.engine.flush_soon(self)

    # In: frames, from the receiving half.

    def _frame(self, first: int, data: bytes) -> None:
        if first == 0x81 and self._fragments is None:  # noqa: PLR2004 - a whole text, nearly always
            self._text(data)
            return
        check_head(bytes((first, 0x80 | min(len(data), 126))), in_message=self._fragments is not None)
        opcode = first & 15
        if opcode >= CLOSE:
            self._control(opcode, data)
        else:
            self._part(opcode, data, last=bool(first & 128))

    def _part(self, opcode: int, data: bytes, *, last: bool) -> None:
        if self._fragments is None:
            self._fragments, self._kind = bytearray(), opcode
        self._fragments += data
        if len(self._fragments) > self.engine.max_payload:
            raise Broken(TOO_BIG, "too long")
        if not last:
            return
        whole, self._fragments = bytes(self._fragments), None
        if self._kind == TEXT:
            self._text(whole)
        elif self.session is None or self._closing:
            return
        elif self.session.way is not self:
            raise ProtocolError("not a probe")
        else:
            self.session.receive_binary(whole)

    def _text(self, data: bytes) -> None:
        try:
            packet = data.decode()
        except UnicodeDecodeError:
            raise Broken(NOT_UTF8, "not UTF-8") from None
        session = self.session
        if session is None or self._closing:
            return
        if session.way is self:
            session.receive(packet)
        else:
            self._upgrade(session, packet)

    def _upgrade(self, session: Session, packet: str) -> None:
        if packet == "2probe" and not self._probed:
            self._probed = True
            self.send(packets.PROBE)
            self.engine.probed(session)
        elif packet == "5" and self._probed:
            if self._limit is not None:
                self._limit.cancel()
                self._limit = None
            self.engine.upgraded(session, self)
        else:
            raise ProtocolError("not a probe")

    def _control(self, opcode: int, data: bytes) -> None:
        if opcode == PING:
            self._answer_ping(data)
        elif opcode == CLOSE:
            code = int.from_bytes(data[:2], "big") if len(data) > 1 else NORMAL
            if len(data) == 1 or not is_close_code(code) or not is_utf8(data[2:]):
                raise Broken(PROTOCOL_ERROR, "not a close frame")
            if not self._closing:
                self._say_goodbye(code)
            self._stop = True
            self._transport.close()
            self._lost(LOST)

    # The end.

    def limit(self, seconds: float) -> None:
        """The upgrade must be done by then."""
        self._limit = self.engine.timers.after(seconds, self.abort)

    def close(self, reason: str, *, flush: bool, code: int = NORMAL) -> None:  # noqa: ARG002 - a way's
        """Write what is queued if `flush`, then a close frame; the client has `close_timeout` to answer."""
        if self._closing or self._transport.is_closing():
            return
        if not flush:
            self.take()
        self._say_goodbye(code)
        if self._held or self._delayed:  # the client's close frame is read, whatever waited before
            self._held = self._delayed = self._stop = False
            self._backlog = None
            self._transport.resume_reading()
        if self._limit is not None:
            self._limit.cancel()
        self._limit = self.engine.timers.after(self.engine.close_timeout, self.abort)

    def _say_goodbye(self, code: int) -> None:
        self._closing = True
        self.write(b"".join(self.take()) + packets.head(0x80 | CLOSE, 2) + code.to_bytes(2, "big"))
        if self._stalled and not self._transport.is_closing():
            # Who does not take what is sent gets no more than the usual time either.
            self._limit = self._limit or self.engine.timers.after(self.engine.close_timeout, self.abort)

    def _fail(self, code: int, why: str) -> None:
        if self.session is not None and not self._closing:
            if self.session.way is self and not self.session.closed:
                self.engine.receiver.malformed(self.session)
            self.engine.log_protocol_error(self.session, why)
        self.close(BROKEN, flush=True, code=code)
        self._stop = True
        self._transport.close()
        self._lost(BROKEN)

    def _malformed(self, why: str) -> None:
        session = self.session
        if session is not None and session.way is self:
            session.malformed(why)
        else:
            self._fail(PROTOCOL_ERROR, why)

    def abort(self) -> None:
        """Hang up at once."""
        self._stop = True
        self._transport.abort()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        self._closing = self._stop = True
        self._backlog = None
        self.take()
        self.engine.websockets.discard(self)
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        self._lost(LOST if exc is None else BROKEN)

    def _lost(self, reason: str) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        if session.way is self:
            session.close(reason, flush=False)
        elif session.upgrading is self:
            session.upgrading = None
