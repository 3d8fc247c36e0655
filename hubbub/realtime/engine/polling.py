"""Long-polling: the packets of a session over plain requests, one poll and one POST at a time."""

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from hubbub.core import clock, metrics
from hubbub.realtime.engine import packets as payload
from hubbub.realtime.engine.bounds import SLICE_PACKETS
from hubbub.realtime.engine.packets import Frame, ProtocolError
from hubbub.realtime.engine.rfc6455 import CloseCode
from hubbub.realtime.engine.session import Session, TransportHost
from hubbub.realtime.engine.shares import LARGE_READ_BYTES
from hubbub.realtime.engine.transport import (
    CLIENT_DISCONNECT,
    SERVER_DISCONNECT,
    TRANSPORT_CLOSE,
    TRANSPORT_ERROR,
)

# Python's stock client refuses a response of more than 16 packets. One of them is the close packet.
MAX_PACKETS_PER_POLL = 16 - 1
POLL_CONTENT_TYPE = "text/plain; charset=UTF-8"


class PayloadTooLarge(Exception):
    """The body of a POST is longer than `max_payload`."""


class Polling:
    """The transport of a session that polls."""

    __slots__ = (
        "_body_timeout",
        "_output",
        "_payload_resumed",
        "_poll",
        "_wake",
        "closing_packet",
        "engine",
        "output_bytes",
        "session",
    )

    name = "polling"
    stalled = False  # it has no write buffer

    def __init__(self, engine: TransportHost) -> None:
        self.engine = engine  # the server
        self.session: Session  # set by `Engine.open_session`
        self.closing_packet: Frame | None = None  # last packet of an ended session: CLOSE or NOOP
        self._output: list[Frame] = []  # packets for the next poll
        self.output_bytes = 0  # size of `_output`
        self._poll: asyncio.Future[None] | None = None  # resolved to end the poll that waits
        self._wake: asyncio.Event | None = None  # ends the wait of a POST for its limits
        # Exists while a POST is handled. Cleared while the session is paused.
        self._payload_resumed: asyncio.Event | None = None
        self._body_timeout: asyncio.Timeout | None = None  # for the body of the current POST

    @property
    def waiting_bytes(self) -> int:
        return self.output_bytes

    # Output.

    def send(self, frame: Frame) -> None:
        """Queue for the next poll. A poll that waits ends at the end of this turn of the event loop."""
        self._output.extend(frame.packets())
        self.output_bytes += frame.size
        if self._poll is not None:
            self.engine.schedule_flush(self)
        if self.output_bytes > self.session.max_output_bytes:
            metrics.count("output_limit_closures")
            self.session.abort()

    def complete_poll(self) -> None:
        """End the poll that waits, if there is one."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def drain_output(self) -> list[Frame]:
        """Return the queued packets and empty the queue."""
        frames, self._output, self.output_bytes = self._output, [], 0
        return frames

    async def handle_poll(self, request: web.BaseRequest) -> bytes | None:
        """Wait for packets. Return the response body, or None for a second poll, which ends the session."""
        if self._poll is not None:
            # The first poll gets a close packet.
            self.session.close(TRANSPORT_ERROR, flush=True, code=CloseCode.POLICY_VIOLATION)
            return None
        if not self._output and self.closing_packet is None and self.session.upgrade_candidate is None:
            self._poll = asyncio.get_running_loop().create_future()
            try:
                await self._poll
            finally:
                self._poll = None
        if request.transport is None or request.transport.is_closing():
            # The response would be lost, and neither side could detect the gap.
            self.session.close(TRANSPORT_ERROR, flush=False)
            return b""
        frames = self._drain_batch()
        if self.closing_packet is not None and not self._output:
            frames.append(self.closing_packet)
            self.engine.stop_lingering(self.session)
        elif self.closing_packet is not None:
            self.engine.linger(self.session)
        return payload.encode(frames or [payload.NOOP])

    def _drain_batch(self) -> list[Frame]:
        """Remove from the queue as many packets as a response may hold."""
        if len(self._output) <= MAX_PACKETS_PER_POLL:
            return self.drain_output()
        batch, self._output = self._output[:MAX_PACKETS_PER_POLL], self._output[MAX_PACKETS_PER_POLL:]
        self.output_bytes -= sum(frame.size for frame in batch)
        return batch

    # Input.

    async def receive_payload(self, request: web.BaseRequest) -> bool:
        """Read and handle the body of a POST. Return False if the session ends.

        It ends for a body that cannot be decoded, for two POSTs at a time, and over a limit.
        Raises PayloadTooLarge.
        """
        if self._payload_resumed is not None:
            self.session.fail_protocol("two POSTs at a time")
            return False
        self._payload_resumed = asyncio.Event()
        if not self.session.paused:
            self._payload_resumed.set()
        try:
            return await self._process_payload(await self._read_payload(request))
        except TimeoutError:
            self.session.fail_protocol("a body that takes too long")
            return False
        except ProtocolError as malformed:
            self.session.fail_protocol(str(malformed))
            return False
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
            self.session.fail_protocol("a body that is cut off or badly encoded")
            return False
        finally:
            self._payload_resumed = None

    async def _read_payload(self, request: web.BaseRequest) -> bytes:
        """Read a body and charge it before it is decoded. Raises PayloadTooLarge, TimeoutError."""
        session = self.session
        max_bytes = self.engine.max_payload
        if not session.input_limiter.accepted and not session.connect_pending:
            max_bytes = min(max_bytes, session.input_limiter.unaccepted_bytes_left)
        try:
            async with asyncio.timeout(self.engine.body_timeout) as timeout:
                self._body_timeout = timeout
                try:
                    body = await _read_body(request, max_bytes)
                finally:
                    self._body_timeout = None
        except PayloadTooLarge:
            if max_bytes < self.engine.max_payload:
                session.refuse("over the limits before acceptance")
            raise
        session.received_at = now = clock.monotonic()
        session.input_limiter.charge_bytes(len(body), now)
        return body

    async def _process_payload(self, body: bytes) -> bool:
        """Handle the packets of a body, in slices, within the limits. Return whether all were handled.

        Raises ProtocolError.
        """
        session = self.session
        if len(body) > LARGE_READ_BYTES and not session.input_limiter.unlimited:
            await self._sleep(session.ip_share.reserve(len(body), clock.monotonic()))
        packets_left = 0
        for packet in payload.decode(body):
            if not packets_left:
                packets_left = await self._acquire_packets()
            if session.closed:
                return False
            packets_left -= 1
            session.input_limiter.charge_packets(1)
            if isinstance(packet, bytes):
                session.receive_binary(packet)
            else:
                session.receive(packet)
            if self._payload_resumed is not None and not self._payload_resumed.is_set():
                await self._payload_resumed.wait()
        while session.input_limiter.overdrawn and not session.closed:
            await self._acquire_packets()
        return True

    async def _acquire_packets(self) -> int:
        """Wait for the limits. Return how many packets may be handled now, 0 if the session was closed."""
        session = self.session
        limiter = session.input_limiter
        await asyncio.sleep(0)
        while not session.closed:
            packets = limiter.charge_bytes(0, clock.monotonic())
            if not limiter.empty:
                packets = min(packets, SLICE_PACKETS)
                if packets > 1 and not limiter.unlimited:
                    await self._sleep(session.ip_share.reserve(0, clock.monotonic()))
                    session.ip_share.charge(0, packets)
                return packets
            seconds = (
                limiter.wait_seconds(clock.monotonic()) if limiter.accepted else self.engine.bounds.flooding_s
            )
            if limiter.accepted and seconds >= 0:
                metrics.count("input_delays")
                await self._sleep(seconds)
            elif limiter.accepted:
                session.close_flooding()
            elif not session.connect_pending:
                session.refuse("over the limits before acceptance")
            else:
                await self._sleep(seconds)
                if not limiter.accepted:
                    session.refuse("over the limits before acceptance")
        return 0

    async def _sleep(self, seconds: float) -> None:
        """Wait for some seconds, or until the session ends or is accepted."""
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

    def on_accepted(self) -> None:
        if self._wake is not None:
            self._wake.set()

    def pause(self) -> None:
        """Delay the current POST: its next packet waits for `resume`."""
        if self._payload_resumed is not None:
            self._payload_resumed.clear()

    def resume(self) -> None:
        if self._payload_resumed is not None:
            self._payload_resumed.set()

    # End.

    def close(self, reason: str, *, flush: bool, code: int = CloseCode.NORMAL_CLOSURE) -> None:
        """End the waiting poll, or else the next one, with queued packets or a NOOP. Then the sid is unknown.

        A close packet follows only where a reconnect does not help (the server ended the session, or refuses
        what the client sends): Python's stock client does not reconnect after one.
        """
        if not flush:
            self.drain_output()
        final = reason == SERVER_DISCONNECT or code == CloseCode.POLICY_VIOLATION
        self.closing_packet = payload.CLOSE if final else payload.NOOP
        if self._payload_resumed is not None:
            self._payload_resumed.set()
        # An expired timeout can't be rescheduled: it may expire in the turn that closes the session.
        if self._body_timeout is not None and not self._body_timeout.expired():
            self._body_timeout.reschedule(0)
        self.on_accepted()
        if self._poll is not None:
            self.complete_poll()
        elif final or reason == TRANSPORT_CLOSE or (self._output and reason != CLIENT_DISCONNECT):
            self.engine.linger(self.session)

    def abort(self) -> None:
        """End the session without the queued packets."""
        self.close(TRANSPORT_ERROR, flush=False)


async def _read_body(request: web.BaseRequest, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise PayloadTooLarge
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > limit:
            raise PayloadTooLarge
    return bytes(body)
