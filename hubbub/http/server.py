"""The only module that touches the insides of aiohttp 3.14: requests that never reach a route, time limits.

HTTP that can't be parsed, and an `Expect` that can't be met, are answered by aiohttp itself: as plain text,
without an id, with a traceback in the log for each. Here they become problem documents like all others.
aiohttp waits an hour for a header, and for ever for a client that does not read its answer. Here both end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from hubbub.core import metrics
from hubbub.core.errors import HubbubError, Internal
from hubbub.http import problems
from hubbub.http.middleware import cors, request_id

HEADER_S = 15.0  # for a request's header to come in whole, and for the first byte of a connection
STALLED_S = 30.0  # in which a client takes nothing of its answer
KEEPALIVE_S = 75.0  # between requests; longer than proxies keep a connection that they may still use

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Protocol(RequestHandler):
    __slots__ = ("_due", "_stall", "_wire", "header_s", "stalled_s")

    header_s: float
    stalled_s: float

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire: asyncio.Transport | None = cast("asyncio.Transport", transport)
        self._stall: asyncio.TimerHandle | None = None
        self._due: asyncio.TimerHandle | None = self._loop.call_later(self.header_s, self._too_slow)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._wire = None
        for timer in (self._due, self._stall):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._request_count
        super().data_received(data)
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
        response = _answer(request, problems.BadRequest() if malformed else Internal())
        response.force_close()
        return response

    def log_exception(self, *args: object, **kw: object) -> None:
        """What a client sends as a body, and nobody reads, is no error of ours."""
        if isinstance(kw.get("exc_info"), web.RequestPayloadError | HttpProcessingError):
            metrics.count("malformed_requests")
        else:
            super().log_exception(*args, **kw)


class _Server(web.Server):
    header_s = HEADER_S
    stalled_s = STALLED_S

    def __call__(self) -> RequestHandler:
        made = _Protocol(self, loop=self._loop, **self._kwargs)
        made.header_s, made.stalled_s = self.header_s, self.stalled_s
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
    ) -> None:
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=KEEPALIVE_S,
            shutdown_timeout=shutdown_timeout,
            lingering_time=lingering_time,
        )
        self._times = (header_s, stalled_s)

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        server = _Server(
            _shaped(made.request_handler),
            request_factory=made.request_factory,
            loop=made._loop,  # noqa: SLF001 - see above
            **made._kwargs,  # noqa: SLF001 - likewise
        )
        server.header_s, server.stalled_s = self._times
        return server


def _shaped(handle: Handler) -> Handler:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handle(request)
        except web.HTTPException as error:  # raised before any middleware ran
            return _answer(request, problems.of_http(error))

    return handler


def _answer(request: web.BaseRequest, error: HubbubError) -> web.Response:
    given = request_id.of(request)
    response = problems.document(error, given)
    response.headers["X-Request-ID"] = given
    cors.harden(response)
    return response
