"""Long-polling: a session's packets over plain requests, one poll and one POST at a time."""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from hubbub.core import clock, metrics
from hubbub.realtime.engine import packets as payload
from hubbub.realtime.engine.bounds import SLICE_PACKETS
from hubbub.realtime.engine.packets import Frame, ProtocolError
from hubbub.realtime.engine.session import (
    BROKEN,
    CLIENT_GONE,
    LOST,
    NORMAL,
    POLICY_VIOLATION,
    SERVER_ENDED,
    Session,
)
from hubbub.realtime.engine.shares import LARGE_READ

if TYPE_CHECKING:
    from hubbub.realtime.engine.server import Engine

PACKETS_A_POLL = 16 - 1  # Python's stock client refuses an answer of more than 16; one is the close packet
POLL_TYPE = "text/plain; charset=UTF-8"


class TooLong(Exception):
    """More than `max_payload`."""


class Polling:
    """The transport of a session that polls."""

    __slots__ = (
        "_body_limit",
        "_out",
        "_out_bytes",
        "_poll",
        "_posting",
        "_wake",
        "engine",
        "goodbye",
        "session",
    )

    name = "polling"

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine
        self.session: Session
        self.goodbye: Frame | None = None
        self._out: list[Frame] = []
        self._out_bytes = 0
        self._poll: asyncio.Future[None] | None = None
        self._wake: asyncio.Event | None = None  # of a POST that waits for its limits
        self._posting: asyncio.Event | None = None  # set unless the session holds its client
        self._body_limit: asyncio.Timeout | None = None  # of the POST under way; ends with the session

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
        if self._out_bytes > self.session.max_output:
            metrics.count("output_limit_closures")
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
            # The first one gets a close packet.
            self.session.close(BROKEN, flush=True, code=POLICY_VIOLATION)
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
        """Take in a body, whole. False: the session ends.

        That happens to a body that can't be decoded, to a second one at a time, and over a limit.
        Raises TooLong.
        """
        if self._posting is not None:
            self.session.malformed("two POSTs at a time")
            return False
        self._posting = asyncio.Event()
        if not self.session.held:
            self._posting.set()
        try:
            return await self._receive(await self._read(request))
        except TimeoutError:
            self.session.malformed("a body that takes too long")
            return False
        except ProtocolError as malformed:
            self.session.malformed(str(malformed))
            return False
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
            self.session.malformed("a body that is cut off or badly encoded")
            return False
        finally:
            self._posting = None

    async def _read(self, request: web.BaseRequest) -> bytes:
        """The body; charged before it is decoded. Raises TooLong, TimeoutError."""
        session = self.session
        most = self.engine.max_payload
        if not session.intake.accepted and not session.waits:
            most = min(most, session.intake.early_bytes)
        try:
            async with asyncio.timeout(self.engine.body_timeout) as limit:
                self._body_limit = limit
                try:
                    body = await _body(request, most)
                finally:
                    self._body_limit = None
        except TooLong:
            if most < self.engine.max_payload:
                session.refuse("over the limits before acceptance")
            raise
        session.received_at = now = clock.monotonic()
        session.intake.receive(len(body), now)
        return body

    async def _receive(self, body: bytes) -> bool:
        """Handle the packets of a body, in slices, as the limits allow; return whether all were handled.

        Raises Malformed.
        """
        session = self.session
        if len(body) > LARGE_READ and not session.intake.unlimited:
            await self._sleep(session.share.reserve(len(body), clock.monotonic()))
        left = 0
        for packet in payload.decode(body):
            if not left:
                left = await self._acquire()
            if session.closed:
                return False
            left -= 1
            session.intake.spend(1)
            if isinstance(packet, bytes):
                session.receive_binary(packet)
            else:
                session.receive(packet)
            if self._posting is not None and not self._posting.is_set():
                await self._posting.wait()
        while session.intake.in_debt and not session.closed:
            await self._acquire()
        return True

    async def _acquire(self) -> int:
        """Wait until the session may send; return how many packets may be handled now, 0 if it was closed."""
        session = self.session
        intake = session.intake
        await asyncio.sleep(0)
        while not session.closed:
            packets = intake.receive(0, clock.monotonic())
            if not intake.empty:
                packets = min(packets, SLICE_PACKETS)
                if packets > 1 and not intake.unlimited:
                    await self._sleep(session.share.reserve(0, clock.monotonic()))
                    session.share.spend(0, packets)
                return packets
            seconds = intake.wait(clock.monotonic()) if intake.accepted else self.engine.bounds.flooding_s
            if intake.accepted and seconds >= 0:
                metrics.count("input_delays")
                await self._sleep(seconds)
            elif intake.accepted:
                session.flooding()
            elif not session.waits:
                session.refuse("over the limits before acceptance")
            else:
                await self._sleep(seconds)
                if not intake.accepted:
                    session.refuse("over the limits before acceptance")
        return 0

    async def _sleep(self, seconds: float) -> None:
        """Wait; end early with the session, or when it is accepted."""
        if not seconds:
            return
        wake = asyncio.Event()
        timer = self.engine.timers.after(seconds, wake.set)
        self._wake = wake
        try:
            await wake.wait()
        finally:
            self._wake = None
            timer.cancel()

    def accepted(self) -> None:
        if self._wake is not None:
            self._wake.set()

    def pause(self) -> None:
        """The POST under way is answered when its events are done."""
        if self._posting is not None:
            self._posting.clear()

    def resume(self) -> None:
        if self._posting is not None:
            self._posting.set()

    # The end.

    def close(self, reason: str, *, flush: bool, code: int = NORMAL) -> None:
        """The waiting poll, or else the next one, gets what is queued or a noop; then the session is unknown.

        A close packet follows only where reconnecting does not help (the server ended the session, or refuses
        what the client sends): after one, Python's stock client stays away.
        """
        if not flush:
            self.take()
        final = reason == SERVER_ENDED or code == POLICY_VIOLATION
        self.goodbye = payload.CLOSE if final else payload.NOOP
        if self._posting is not None:
            self._posting.set()
        if self._body_limit is not None and not self._body_limit.expired():  # both may be due at once
            self._body_limit.reschedule(0)
        self.accepted()
        if self._poll is not None:
            self.answer_poll()
        elif final or reason == LOST or (self._out and reason != CLIENT_GONE):
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
