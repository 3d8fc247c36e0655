"""FAST PATH: one client's WebSocket, on the transport taken over from the HTTP server.

RFC 6455 without extensions: what comes must be masked, whole in UTF-8, and at most `max_payload` long.
"""

import asyncio
from typing import TYPE_CHECKING

from hubbub.realtime.engine import payload
from hubbub.realtime.engine.payload import Frame, Malformed
from hubbub.realtime.engine.rfc6455 import Broken, is_close_code, is_utf8, unmasked
from hubbub.realtime.engine.session import BROKEN, LOST, Session

if TYPE_CHECKING:
    from hubbub.realtime.engine.server import Engine
    from hubbub.realtime.engine.timers import Timer

PROTOCOL_ERROR, NOT_UTF8, TOO_BIG, NORMAL = 1002, 1007, 1009, 1000
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
CONTROL_BYTES = 125


class WebSocket(asyncio.Protocol):
    """A session's transport, or the candidate for it while it is probed."""

    __slots__ = (
        "_closing",
        "_fragments",
        "_kind",
        "_limit",
        "_need",
        "_out",
        "_out_bytes",
        "_probed",
        "_rest",
        "_stalled",
        "_transport",
        "engine",
        "session",
    )

    name = "websocket"

    def __init__(self, engine: "Engine", transport: asyncio.Transport) -> None:
        self.engine = engine
        self.session: Session | None = None
        self._transport = transport
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._stalled = False
        self._closing = False
        self._probed = False
        self._rest: bytearray | None = None
        self._need = 0
        self._fragments: bytearray | None = None
        self._kind = 0
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
        if not self._out:
            self.engine.flush_soon(self)
        self._out.append(frame.wire)
        self._out_bytes += frame.size

    def take(self) -> list[bytes]:
        """What is to be written now, of which the queue is emptied."""
        out, self._out = self._out, []
        self._out_bytes = 0
        return out

    def write(self, data: bytes) -> None:
        """Write encoded frames."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._stalled and self._transport.get_write_buffer_size() > self.engine.max_output:
            self.abort()

    def pause_writing(self) -> None:
        self._stalled = True

    def resume_writing(self) -> None:
        self._stalled = False

    # In.

    def pause(self) -> None:
        self._transport.pause_reading()

    def resume(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        rest = self._rest
        if rest is not None:
            rest += data
            if len(rest) < self._need:
                return
            data, self._rest = bytes(rest), None
        try:
            used = self._read(data)
        except Broken as broken:
            self._fail(broken.code, broken.why)
        except Malformed as malformed:
            self._malformed(str(malformed))
        else:
            if used < len(data):
                self._rest = bytearray(data[used:]) if used else bytearray(data)

    def _read(self, data: bytes) -> int:
        """Handle the whole frames in `data`; returns how many bytes they are, and sets `_need` for more."""
        start, end = 0, len(data)
        while True:
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
                length = int.from_bytes(data[start + 2 : at - 4], "big")
            if length > self.engine.max_payload:
                raise Broken(TOO_BIG, "too long")
            if end < at + length:
                self._need = at + length - start
                break
            if not masked:
                raise Broken(PROTOCOL_ERROR, "not masked")
            first, start = data[start], at + length
            self._frame(first, unmasked(data[at - 4 : at], data[at:start]))
            if self._transport.is_closing():
                return end
        self._check_head(data, start, end)
        return start

    def _check_head(self, data: bytes, start: int, end: int) -> None:
        """Do not wait for the rest of what can't be right."""
        if end > start and data[start] & 0x70:
            raise Broken(PROTOCOL_ERROR, "reserved bits")
        if end > start + 1 and data[start + 1] < 128:  # noqa: PLR2004 - the mask bit
            raise Broken(PROTOCOL_ERROR, "not masked")

    def _frame(self, first: int, data: bytes) -> None:
        if first == 0x81 and self._fragments is None:  # noqa: PLR2004 - a whole text, nearly always
            self._text(data)
            return
        opcode, last = first & 15, first & 128
        if first & 0x70:
            raise Broken(PROTOCOL_ERROR, "reserved bits")
        if opcode >= CLOSE:
            if not last or len(data) > CONTROL_BYTES:
                raise Broken(PROTOCOL_ERROR, "a control frame in parts")
            self._control(opcode, data)
        else:
            self._part(opcode, data, last=bool(last))

    def _part(self, opcode: int, data: bytes, *, last: bool) -> None:
        if opcode > BINARY or (opcode == CONTINUATION) is (self._fragments is None):
            raise Broken(PROTOCOL_ERROR, "not the frame that was due")
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
            raise Malformed("not a probe")
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
            self.send(payload.PROBE)
            self.engine.probed(session)
        elif packet == "5" and self._probed:
            if self._limit is not None:
                self._limit.cancel()
                self._limit = None
            self.engine.upgraded(session, self)
        else:
            raise Malformed("not a probe")

    def _control(self, opcode: int, data: bytes) -> None:
        if opcode == PING:
            self.write(payload.head(0x80 | PONG, len(data)) + data)
        elif opcode == CLOSE:
            code = int.from_bytes(data[:2], "big") if len(data) > 1 else NORMAL
            if len(data) == 1 or not is_close_code(code) or not is_utf8(data[2:]):
                raise Broken(PROTOCOL_ERROR, "not a close frame")
            if not self._closing:
                self._say_goodbye(code)
            self._transport.close()
            self._lost(LOST)
        elif opcode != PONG:
            raise Broken(PROTOCOL_ERROR, "no such frame")

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
        if self._limit is not None:
            self._limit.cancel()
        self._limit = self.engine.timers.after(self.engine.close_timeout, self.abort)

    def _say_goodbye(self, code: int) -> None:
        self._closing = True
        self.write(b"".join(self.take()) + payload.head(0x80 | CLOSE, 2) + code.to_bytes(2, "big"))
        if self._stalled and not self._transport.is_closing():
            # Who does not take what is sent gets no more than the usual time either.
            self._limit = self._limit or self.engine.timers.after(self.engine.close_timeout, self.abort)

    def _fail(self, code: int, why: str) -> None:
        if self.session is not None and not self._closing:
            self.engine.complain(self.session, why)
        self.close(BROKEN, flush=True, code=code)
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
        self._transport.abort()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        self._closing = True
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
