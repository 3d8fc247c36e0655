"""The handler of all requests of a server: charges IP addresses, and responds before any middleware."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from aiohttp import web

from hubbub.core import client_ip, metrics
from hubbub.core.errors import HubbubError, RateLimited
from hubbub.http import problems
from hubbub.http.app_keys import PRINCIPAL, SOCKET_ACCEPTED
from hubbub.http.ip_limits import MAX_SLICE_REQUESTS, ClientIp, IpLimits
from hubbub.http.middleware import cors, request_id

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
# None: it does not respond.
EarlyResponder = Callable[[web.BaseRequest], Awaitable[web.StreamResponse | None]]


class CountedProtocol(Protocol):
    """What the handling of a request needs of the connection that sent it."""

    client: ClientIp | None  # the IP address; None for a trusted proxy
    discards_body: bool  # the response precedes the end of the body, whose rest is not used


def wrap_handler(inner: Handler, limits: IpLimits, respond_early: EarlyResponder | None = None) -> Handler:
    """Return the handler of all requests of a server, around that of an application.

    `respond_early` may respond instead of the application, after the limits of the IP address.
    """

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        protocol = cast("CountedProtocol", request.protocol)
        client = protocol.client
        protocol.discards_body = False
        if client is not None:
            _record_untrusted_proxy(request, limits)
        elif (client := _proxied_client(request, limits)) is not None and (
            wait := await limits.acquire_request(client)
        ):
            metrics.count("requests_limited", "ip")
            return problem_response(request, RateLimited(retry_after_ms=round(wait * 1000)))
        if client is not None and client.slice_requests > MAX_SLICE_REQUESTS:
            await asyncio.sleep(0)  # each request of one read has its turn of the event loop
        try:
            early = await respond_early(request) if respond_early is not None else None
            response = early if early is not None else await inner(request)
        except web.HTTPException as error:  # raised before the middlewares
            return problem_response(request, problems.from_http_exception(error))
        protocol.discards_body = not request.content.is_eof()
        if client is not None:
            _adjust_charge(request, response, client, limits)
        return response

    return handler


def _record_untrusted_proxy(request: web.BaseRequest, limits: IpLimits) -> None:
    if limits.untrusted_proxies is not None and "X-Forwarded-For" in request.headers:
        limits.untrusted_proxies.record(request.remote or "")


def _proxied_client(request: web.BaseRequest, limits: IpLimits) -> ClientIp | None:
    """Return the client behind a trusted proxy; None over a Unix socket, and if rates are not limited."""
    if not limits.limit_rates or not client_ip.is_within(request.remote or "", limits.trusted_proxies):
        return None
    return limits.client_of(client_ip.from_request(request, limits.trusted_proxies))


def _adjust_charge(
    request: web.BaseRequest, response: web.StreamResponse, client: ClientIp, limits: IpLimits
) -> None:
    """Refund a request without an error of an authenticated caller; charge one with the response 429 more."""
    if response.status == web.HTTPTooManyRequests.status_code:
        limits.charge_rate_limited(client)
    elif response.status < web.HTTPBadRequest.status_code and (
        PRINCIPAL in request or SOCKET_ACCEPTED in request
    ):
        limits.refund_request(client)


def problem_response(request: web.BaseRequest, error: HubbubError) -> web.Response:
    """Return the problem document of an error of a request that no middleware has seen."""
    resolved_id = request_id.resolve(request)
    response = problems.problem_response(error, resolved_id)
    response.headers["X-Request-ID"] = resolved_id
    cors.set_public_headers(request.path, response.headers)
    cors.set_security_headers(response)
    return response
