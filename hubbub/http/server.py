"""The only module that touches the insides of aiohttp 3.14: requests that never reach a route, limits.

HTTP that can't be parsed, and an `Expect` that can't be met, are answered by aiohttp itself: as plain text,
without an id, with a traceback in the log for each. Here they become problem documents like all others.
aiohttp waits an hour for a header, and for ever for a client that does not read its answer. Here both end.
aiohttp parses whatever comes, as fast as it comes. Here an IP address waits that sends more than its share.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from hubbub.core import client_ip, metrics
from hubbub.core.errors import HubbubError, Internal, RateLimited, forget_traceback
from hubbub.http import problems
from hubbub.http.app_keys import ACCEPTED, ADMITTED
from hubbub.http.ip_limits import HELD_BYTES, SLICE_REQUESTS, ClientIp, IpLimits
from hubbub.http.middleware import cors, request_id

HEADER_S = 15.0  # for a request's header to come in whole, and for the first byte of a connection
STALLED_S = 30.0  # in which a client takes nothing of its answer
KEEPALIVE_S = 75.0  # between requests; longer than proxies keep a connection that they may still use

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Protocol(RequestHandler):
    __slots__ = ("_due", "_held", "_stall", "_wire", "client", "discards", "header_s", "limits", "stalled_s")

    header_s: float
    stalled_s: float
    limits: IpLimits
    client: ClientIp | None  # the IP address; None for a trusted proxy
    discards: bool  # the request was answered before its body was read; the rest is of no use
    _held: bytes | None  # what was read and waits until the IP address may send requests again

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire: asyncio.Transport | None = cast("asyncio.Transport", transport)
        self._stall: asyncio.TimerHandle | None = None
        self._due: asyncio.TimerHandle | None = self._loop.call_later(self.header_s, self._too_slow)
        super().connection_made(transport)

    def release(self) -> None:
        """Do not count the connection any more. Safe to call twice."""
        if self.client is not None:
            self.client.open -= 1
            self.client.held_bytes -= len(self._held or b"")
            self.client = self._held = None

    def connection_lost(self, exc: BaseException | None) -> None:
        self._wire = None
        self.release()
        for timer in (self._due, self._stall):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        client = self.client
        if client is not None and self.discards and not self.limits.discard(client, len(data)):
            if self._wire is not None:
                self._wire.pause_reading()  # until aiohttp closes the connection, in `lingering_time`
            return
        if client is not None:
            wait = self.limits.wait(client)
            if wait or client.waiting or self._held is not None:
                self._hold(client, data, wait)
                return
        self._parse(data)

    def _hold(self, client: ClientIp, data: bytes, wait: float) -> None:
        """Keep what was read until the IP address may send requests again, and read no more."""
        if client.held_bytes + len(data) > HELD_BYTES:
            metrics.count("connections_refused", "held")
            self.abort()
            return
        client.held_bytes += len(data)
        if self._held is None:
            metrics.count("requests_delayed")
            self._held = b""
            self.limits.queue(client, self._release, wait)
        self._held += data
        if self._wire is not None:
            self._wire.pause_reading()

    def _release(self) -> None:
        client, held = self.client, self._held
        if client is None or held is None or self._wire is None:
            return
        self._held = None
        client.held_bytes -= len(held)
        if not (self._reading_paused or self._buffer_paused):
            self._wire.resume_reading()
        self._parse(held)

    def abort(self) -> None:
        """Close the connection at once."""
        if self._wire is not None:
            self._wire.abort()

    def _parse(self, data: bytes) -> None:
        before = self._request_count
        super().data_received(data)
        if self._messages and (error := getattr(self._messages[-1][0], "exc", None)) is not None:
            forget_traceback(error)  # its frames hold the data, and the message that holds the exception
        if self.client is not None and self.limits.rates and self._request_count != before:
            self.limits.charge(self.client, self._request_count - before)
        if self._request_count != before:
            if self._due is not None:
                self._due.cancel()
                self._due = None
        elif data and self._due is None and self._waiter is not None:  # the beginning of another header
            self._due = self._loop.call_later(self.header_s, self._too_slow)

    def _too_slow(self) -> None:
        self._due = None
        if self._waiter is not None:
            metrics.count("slow_requests")
            self.force_close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    async def start(self) -> None:
        try:
            await super().start()
        finally:
            self._watch()  # what is not taken yet keeps a closed connection open

    def _watch(self) -> None:
        if self._wire is not None and self._stall is None:
            size = self._wire.get_write_buffer_size()
            if size:
                self._stall = self._loop.call_later(self.stalled_s, self._check, size)

    def _check(self, before: int) -> None:
        self._stall = None
        if self._wire is not None and self._wire.get_write_buffer_size() >= before:
            metrics.count("slow_requests")
            self._wire.abort()
        else:
            self._watch()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What can't be parsed, and what fails outside of all middleware."""
        if request.writer.output_size > 0:
            raise ConnectionError("The answer is under way already.")
        malformed = status < web.HTTPInternalServerError.status_code
        if malformed:
            metrics.count("malformed_requests")
            self.log_debug("a request can't be parsed: %s", message)
        else:
            self.log_exception("a request failed outside of its route", exc_info=exc)
        if exc is not None:
            forget_traceback(exc)
        response = _answer(request, problems.BadRequest() if malformed else Internal())
        response.force_close()
        return response

    def log_exception(self, *args: object, **kw: object) -> None:
        """What a client sends as a body, and nobody reads, is no error of ours."""
        if isinstance(kw.get("exc_info"), web.RequestPayloadError | HttpProcessingError):
            metrics.count("malformed_requests")
        else:
            super().log_exception(*args, **kw)


class Server(web.Server):
    header_s = HEADER_S
    stalled_s = STALLED_S
    limits = IpLimits(rates=False)

    def __call__(self) -> RequestHandler:
        """The protocol of a connection that is not counted."""
        return self.protocol(None)

    def protocol(self, client: ClientIp | None) -> "_Protocol":
        """The protocol of a connection that is counted for an IP address; None for a trusted proxy."""
        made = _Protocol(self, loop=self._loop, **self._kwargs)
        made.header_s, made.stalled_s = self.header_s, self.stalled_s
        made.client, made.limits, made._held = client, self.limits, None  # noqa: SLF001 - its maker
        made.discards = False
        return made


class Runner(web.AppRunner):
    """Runs an application whose every answer has an id and, if it is a refusal, the shape of one.

    Times in seconds; who takes longer is hung up on.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        header_s: float = HEADER_S,
        stalled_s: float = STALLED_S,
        shutdown_timeout: float = 60.0,
        lingering_time: float = 2.0,
        limits: IpLimits | None = None,
    ) -> None:
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=KEEPALIVE_S,
            shutdown_timeout=shutdown_timeout,
            lingering_time=lingering_time,
            auto_decompress=False,
        )
        self._times = (header_s, stalled_s)
        self._limits = IpLimits(rates=False) if limits is None else limits  # one that is empty is false

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        server = Server(
            _shaped(made.request_handler, self._limits),
            request_factory=made.request_factory,
            loop=made._loop,  # noqa: SLF001 - see above
            **made._kwargs,  # noqa: SLF001 - likewise
        )
        server.header_s, server.stalled_s = self._times
        server.limits = self._limits
        return server


def _shaped(handle: Handler, limits: IpLimits) -> Handler:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        protocol = cast("_Protocol", request.protocol)
        client = protocol.client
        protocol.discards = False
        if client is None and limits.rates and client_ip.is_within(request.remote or "", limits.trusted):
            client = limits.find(client_ip.from_request(request, limits.trusted))
            if wait := await limits.admit(client):
                metrics.count("requests_limited", "ip")
                return _answer(request, RateLimited(retry_after_ms=round(wait * 1000)))
        elif client is not None and limits.untrusted is not None and "X-Forwarded-For" in request.headers:
            limits.untrusted.note(request.remote or "")
        if client is not None and client.slice_requests > SLICE_REQUESTS:
            await asyncio.sleep(0)  # of requests in one read each has a turn of the event loop
        try:
            response = await handle(request)
        except web.HTTPException as error:  # raised before any middleware ran
            return _answer(request, problems.of_http(error))
        refused = response.status >= web.HTTPBadRequest.status_code
        protocol.discards = not request.content.is_eof()
        if client is not None and not refused and (ADMITTED in request or ACCEPTED in request):
            limits.give_back(client)
        return response

    return handler


def _answer(request: web.BaseRequest, error: HubbubError) -> web.Response:
    given = request_id.of(request)
    response = problems.document(error, given)
    response.headers["X-Request-ID"] = given
    cors.security_headers(response)
    return response
