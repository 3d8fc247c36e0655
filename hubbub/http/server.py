"""The only module that touches the insides of aiohttp 3.14: requests that never reach a route.

HTTP that can't be parsed, and an `Expect` that can't be met, are answered by aiohttp itself: as plain text,
without an id, with a traceback in the log for each. Here they become problem documents like all others.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from hubbub.core import metrics
from hubbub.core.errors import HubbubError, Internal
from hubbub.http import problems
from hubbub.http.middleware import request_id

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Protocol(RequestHandler):
    __slots__ = ()

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


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application whose every answer has an id and, if it is a refusal, the shape of one."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            _shaped(made.request_handler),
            request_factory=made.request_factory,
            loop=made._loop,  # noqa: SLF001 - see above
            **made._kwargs,  # noqa: SLF001 - likewise
        )


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
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
