"""The HTTP server: requests that reach no route, time limits, and limits of IP addresses.

This is the only module that uses internals of aiohttp 3.14. To HTTP that can't be parsed, and to an `Expect`
that can't be met, aiohttp responds with plain text, without an id, and logs a traceback. Here they become
problem documents. aiohttp waits an hour for a header, and without limit for a client that does not read its
response. Here both have a time limit. aiohttp parses all input at once. Here input over the limit waits.
"""

import asyncio
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from hubbub.core import metrics
from hubbub.core.errors import Internal, clear_tracebacks
from hubbub.core.turn_budget import TurnBudget
from hubbub.http import problems
from hubbub.http.ip_limits import MAX_BUFFERED_BYTES, ClientIp, IpLimits
from hubbub.http.opening import Opening, Upgrade
from hubbub.http.request_handler import EarlyResponder, problem_response, wrap_handler

HEADER_TIMEOUT_S = 15.0  # for receiving a request's whole header, and for the first byte of a connection
STALL_TIMEOUT_S = 30.0  # without a byte of the response taken by the client
KEEPALIVE_TIMEOUT_S = 75.0  # between requests; longer than proxies keep an idle connection


class _Protocol(RequestHandler):
    """aiohttp's protocol of a connection, with time limits and the limits of its IP address."""

    __slots__ = (
        "_deferred", "_header_timer", "_stall_timer", "_tcp_transport", "client", "discards_body",
        "header_timeout_s", "limits", "stall_timeout_s",
    )  # fmt: skip

    header_timeout_s: float
    stall_timeout_s: float
    limits: IpLimits
    client: ClientIp | None  # the IP address; None for a trusted proxy
    discards_body: bool  # the response precedes the end of the body, whose rest is not used
    _deferred: bytes | None  # input that waits until the IP address may send requests again

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._tcp_transport: asyncio.Transport | None = cast("asyncio.Transport", transport)
        self._stall_timer: asyncio.TimerHandle | None = None
        self._header_timer: asyncio.TimerHandle | None = self._loop.call_later(
            self.header_timeout_s, self._on_header_timeout
        )
        super().connection_made(transport)

    def take_over(self, transport: asyncio.Transport, data: bytes, header_deadline: float) -> None:
        """Begin with a connection that has sent `data`, with the loop time by which its header must end."""
        transport.set_protocol(self)
        self.connection_made(transport)
        assert self._header_timer is not None  # noqa: S101 - `connection_made` starts it
        self._header_timer.cancel()
        self._header_timer = self._loop.call_at(header_deadline, self._on_header_timeout)
        self.data_received(data)

    def release(self) -> None:
        """Stop counting the connection. Safe to call twice."""
        if self.client is not None:
            self.client.open_connections -= 1
            self.client.buffered_bytes -= len(self._deferred or b"")
            self.client = self._deferred = None

    def connection_lost(self, exc: BaseException | None) -> None:
        self._tcp_transport = None
        self.release()
        for timer in (self._header_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        client = self.client
        if client is not None and self.discards_body and not self.limits.acquire_discard(client, len(data)):
            if self._tcp_transport is not None:
                self._tcp_transport.pause_reading()  # until aiohttp closes it, in `lingering_time`
            return
        if client is not None:
            wait = self.limits.request_delay_s(client)
            if wait or client.release_queue or self._deferred is not None:
                self._defer(client, data, wait)
                return
        self._parse(data)

    def _defer(self, client: ClientIp, data: bytes, wait: float) -> None:
        """Keep input until the IP address may send requests again, and stop reading."""
        if client.buffered_bytes + len(data) > MAX_BUFFERED_BYTES:
            metrics.count("connections_refused", "held")
            self.abort()
            return
        client.buffered_bytes += len(data)
        if self._deferred is None:
            metrics.count("requests_delayed")
            self._deferred = b""
            self.limits.enqueue(client, self._parse_deferred, wait)
        self._deferred += data
        if self._tcp_transport is not None:
            self._tcp_transport.pause_reading()

    def _parse_deferred(self) -> None:
        client, deferred = self.client, self._deferred
        if client is None or deferred is None or self._tcp_transport is None:
            return
        self._deferred = None
        client.buffered_bytes -= len(deferred)
        if not (self._reading_paused or self._buffer_paused):
            self._tcp_transport.resume_reading()
        self._parse(deferred)

    def abort(self) -> None:
        """Close the connection at once."""
        if self._tcp_transport is not None:
            self._tcp_transport.abort()

    def _parse(self, data: bytes) -> None:
        before = self._request_count
        super().data_received(data)
        if self._messages and (error := getattr(self._messages[-1][0], "exc", None)) is not None:
            # Its frames refer to the data, and to the message that refers to the exception.
            clear_tracebacks(error)
        if self.client is not None and self.limits.limit_rates and self._request_count != before:
            self.limits.charge(self.client, self._request_count - before)
        if self._request_count != before:
            if self._header_timer is not None:
                self._header_timer.cancel()
                self._header_timer = None
        elif data and self._header_timer is None and self._waiter is not None:
            # The beginning of another header.
            self._header_timer = self._loop.call_later(self.header_timeout_s, self._on_header_timeout)

    def _on_header_timeout(self) -> None:
        self._header_timer = None
        if self._waiter is not None:
            metrics.count("slow_requests")
            self.force_close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_output()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    async def start(self) -> None:
        try:
            await super().start()
        finally:
            self._watch_output()  # output that is not taken keeps a closed connection open

    def _watch_output(self) -> None:
        if self._tcp_transport is not None and self._stall_timer is None:
            size = self._tcp_transport.get_write_buffer_size()
            if size:
                self._stall_timer = self._loop.call_later(self.stall_timeout_s, self._on_stall_timer, size)

    def _on_stall_timer(self, size_before: int) -> None:
        self._stall_timer = None
        if self._tcp_transport is not None and self._tcp_transport.get_write_buffer_size() >= size_before:
            metrics.count("slow_requests")
            self._tcp_transport.abort()
        else:
            self._watch_output()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Respond to a request that can't be parsed, or that failed outside of all middleware."""
        if request.writer.output_size > 0:
            raise ConnectionError("The response has begun.")
        malformed = status < web.HTTPInternalServerError.status_code
        if malformed:
            metrics.count("malformed_requests")
            self.log_debug("a request can't be parsed: %s", message)
        else:
            self.log_exception("a request failed outside of its route", exc_info=exc)
        if exc is not None:
            clear_tracebacks(exc)
        response = problem_response(request, problems.BadRequest() if malformed else Internal())
        response.force_close()
        return response

    def log_exception(self, *args: object, **kw: object) -> None:
        """Log an exception, but only count an invalid body that no handler read."""
        if isinstance(kw.get("exc_info"), web.RequestPayloadError | HttpProcessingError):
            metrics.count("malformed_requests")
        else:
            super().log_exception(*args, **kw)


class Server(web.Server):
    header_timeout_s = HEADER_TIMEOUT_S
    stall_timeout_s = STALL_TIMEOUT_S
    limits = IpLimits(limit_rates=False)
    upgrade: Upgrade | None = None  # accepts WebSocket handshakes; None: aiohttp handles all requests
    turn_budget: TurnBudget  # the time of a turn of the event loop for handshakes
    openings: set[Opening]  # connections without a request

    def __call__(self) -> RequestHandler:
        """Return the protocol of a connection that is not counted."""
        return self.create_request_protocol(None)

    def create_protocol(self, client: ClientIp | None) -> Opening:
        """Return the protocol of a new connection, counted for an IP address; None is a trusted proxy."""
        return Opening(self, client)

    def create_request_protocol(self, client: ClientIp | None) -> "_Protocol":
        """Return the protocol of a connection that aiohttp handles."""
        protocol = _Protocol(self, loop=self._loop, **self._kwargs)
        protocol.header_timeout_s, protocol.stall_timeout_s = self.header_timeout_s, self.stall_timeout_s
        protocol.client, protocol.limits, protocol._deferred = client, self.limits, None  # noqa: SLF001 - its maker
        protocol.discards_body = False
        return protocol

    async def shutdown(self, timeout: float | None = None) -> None:
        """Close all connections; those without a request at once."""
        for opening in list(self.openings):
            opening.abort()
        await super().shutdown(timeout)


class Runner(web.AppRunner):
    """Runs an application. Every response has an id, and every error is a problem document.

    Times are in seconds; the connection of a client that takes longer is closed.
    """

    def __init__(  # noqa: PLR0913 - settings, by name
        self,
        app: web.Application,
        *,
        header_timeout_s: float = HEADER_TIMEOUT_S,
        stall_timeout_s: float = STALL_TIMEOUT_S,
        shutdown_timeout: float = 60.0,
        lingering_time: float = 2.0,
        limits: IpLimits | None = None,
        upgrade: Upgrade | None = None,
        turn_budget: TurnBudget | None = None,
        respond_early: EarlyResponder | None = None,
    ) -> None:
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=KEEPALIVE_TIMEOUT_S,
            shutdown_timeout=shutdown_timeout,
            lingering_time=lingering_time,
            auto_decompress=False,
        )
        self._timeouts = (header_timeout_s, stall_timeout_s)
        self._limits = IpLimits(limit_rates=False) if limits is None else limits  # an empty one is false
        self._upgrade = upgrade
        self._respond_early = respond_early
        self._turn_budget = TurnBudget() if turn_budget is None else turn_budget

    async def _make_server(self) -> web.Server:
        aiohttp_server = await super()._make_server()
        server = Server(
            wrap_handler(aiohttp_server.request_handler, self._limits, self._respond_early),
            request_factory=aiohttp_server.request_factory,
            loop=aiohttp_server._loop,  # noqa: SLF001 - see above
            **aiohttp_server._kwargs,  # noqa: SLF001 - likewise
        )
        server.header_timeout_s, server.stall_timeout_s = self._timeouts
        server.limits, server.upgrade = self._limits, self._upgrade
        server.turn_budget, server.openings = self._turn_budget, set()
        return server
