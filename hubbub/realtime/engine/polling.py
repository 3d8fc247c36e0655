"""Long-polling: a session's packets over plain requests, one poll and one POST at a time."""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from hubbub.realtime.engine import payload
from hubbub.realtime.engine.payload import Frame, Malformed
from hubbub.realtime.engine.session import BROKEN, CLIENT_GONE, LOST, SERVER_ENDED, Session

if TYPE_CHECKING:
    from hubbub.realtime.engine.server import Engine

PACKETS_A_POLL = 16 - 1  # Python's stock client refuses an answer of more than 16; one is the close packet
POLL_TYPE = "text/plain; charset=UTF-8"


class TooLong(Exception):
    """More than `max_payload`."""


class Polling:
    """The transport of a session that polls."""

    __slots__ = ("_out", "_out_bytes", "_poll", "_posting", "engine", "goodbye", "session")

    name = "polling"

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine
        self.session: Session
        self.goodbye: Frame | None = None
        self._out: list[Frame] = []
        self._out_bytes = 0
        self._poll: asyncio.Future[None] | None = None
        self._posting: asyncio.Event | None = None

    @property
    def waiting_bytes(self) -> int:
        return self._out_bytes

    # Out.

    def send(self, frame: Frame) -> None:
        """Queue for the next poll; one that waits is answered at the end of the loop's turn."""
        self._out.extend(frame.parts())
        self._out_bytes += frame.size
        if self._poll is not None:
            self.engine.flush_soon(self)
        elif self._out_bytes > self.engine.max_output:
            self.session.abort()

    def answer_poll(self) -> None:
        """Wake up the poll that waits."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def take(self) -> list[Frame]:
        """All that is queued."""
        out, self._out, self._out_bytes = self._out, [], 0
        return out

    async def poll(self, request: web.BaseRequest) -> bytes | None:
        """Wait for packets; the body to answer with. None: a second poll, which ends the session."""
        if self._poll is not None:
            # The first one is told that it is over.
            self.session.close(BROKEN, flush=True)
            return None
        if not self._out and self.goodbye is None and self.session.upgrading is None:
            self._poll = asyncio.get_running_loop().create_future()
            try:
                await self._poll
            finally:
                self._poll = None
        if request.transport is None or request.transport.is_closing():
            # Nobody is there to take what is queued, and nobody would know that it is missing.
            self.session.close(BROKEN, flush=False)
            return b""
        out = self._take_some()
        if self.goodbye is not None and not self._out:
            out.append(self.goodbye)
            self.engine.forget(self.session)
        elif self.goodbye is not None:
            self.engine.linger(self.session)
        return payload.encode(out or [payload.NOOP])

    def _take_some(self) -> list[Frame]:
        """As much as a poll's answer may hold."""
        if len(self._out) <= PACKETS_A_POLL:
            return self.take()
        some, self._out = self._out[:PACKETS_A_POLL], self._out[PACKETS_A_POLL:]
        self._out_bytes -= sum(frame.size for frame in some)
        return some

    # In.

    async def post(self, request: web.BaseRequest) -> bool:
        """Take in a body, whole. False: not decodable, or a second one at a time; the session ends.

        Raises TooLong.
        """
        if self._posting is not None:
            self.session.malformed("two POSTs at a time")
            return False
        self._posting = asyncio.Event()
        if not self.session.held:
            self._posting.set()
        try:
            async with asyncio.timeout(self.engine.body_timeout):
                body = await _body(request, self.engine.max_payload)
            self._receive(body)
            await self._posting.wait()
        except TimeoutError:
            self.session.malformed("a body that takes too long")
            return False
        except Malformed as malformed:
            self.session.malformed(str(malformed))
            return False
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
            self.session.malformed("a body that is cut off or badly encoded")
            return False
        finally:
            self._posting = None
        return True

    def _receive(self, body: bytes) -> None:
        session = self.session
        for packet in payload.decode(body):
            if session.closed:
                return
            if isinstance(packet, bytes):
                session.receive_binary(packet)
            else:
                session.receive(packet)

    def pause(self) -> None:
        """The POST under way is answered when its events are done."""
        if self._posting is not None:
            self._posting.clear()

    def resume(self) -> None:
        if self._posting is not None:
            self._posting.set()

    # The end.

    def close(self, reason: str, *, flush: bool) -> None:
        """The waiting poll, or else the next one, gets what is queued and a close packet.

        Who said goodbye itself, broke the protocol or shall come back finds no session any more, unless
        something is queued.
        """
        if not flush:
            self.take()
        self.goodbye = payload.NOOP if reason in {CLIENT_GONE, LOST} else payload.CLOSE
        if self._posting is not None:
            self._posting.set()
        if self._poll is not None:
            self.answer_poll()
        elif reason == SERVER_ENDED or (self._out and reason != CLIENT_GONE):
            self.engine.linger(self.session)

    def abort(self) -> None:
        """Drop what is queued."""
        self.close(BROKEN, flush=False)


async def _body(request: web.BaseRequest, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise TooLong
    found = bytearray()
    while chunk := await request.content.readany():
        found += chunk
        if len(found) > limit:
            raise TooLong
    return bytes(found)
