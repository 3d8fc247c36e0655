"""Errors as RFC 9457 problem documents: the one place that gives a code its status."""

from typing import Any, ClassVar

from aiohttp import web

from hubbub.core.errors import (
    HubbubError,
    Internal,
    MethodNotAllowed,
    NotFound,
    TooLarge,
)
from hubbub.http.app_keys import REQUEST_ID
from hubbub.schemas.base import encode


class BadRequest(HubbubError):
    """Of HTTP alone: the request itself is malformed, before anybody reads what it says."""

    code: ClassVar[str] = "bad_request"
    default: ClassVar[str] = "The request is not valid HTTP."


STATUS_BY_CODE = {
    "bad_request": 400,
    "invalid_json": 400,
    "invalid_token": 400,
    "unauthenticated": 401,
    "token_expired": 401,
    "session_revoked": 401,
    "forbidden": 403,
    "not_a_member": 403,
    "suspended": 403,
    "confirmation_required": 403,
    "not_found": 404,
    "unknown_event": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "invalid_payload": 422,
    "rate_limited": 429,
    "too_many_connections": 429,
    "internal": 500,
    "unavailable": 503,
}
TITLE_BY_STATUS = {
    400: "Bad request",
    401: "Not logged in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not valid",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available",
}


def to_response(request: web.Request, error: HubbubError) -> web.Response:
    """The problem document of a refusal."""
    return problem_response(error, request.get(REQUEST_ID, ""))


def problem_response(error: HubbubError, request_id: str) -> web.Response:
    """The problem document of a refusal, for a request that never came as far as its id."""
    status = STATUS_BY_CODE[error.code]
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLE_BY_STATUS[status],
        "status": status,
        "detail": error.message,
        "code": error.code,
        "request_id": request_id,
    }
    if error.fields:
        problem["errors"] = [{"field": field, "message": message} for field, message in error.fields]
    response = web.Response(body=encode(problem), status=status, content_type="application/problem+json")
    if error.retry_after_ms is not None:
        response.headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))
    if status == web.HTTPUnauthorized.status_code:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def from_http_exception(error: web.HTTPException) -> HubbubError:
    """Refusals of aiohttp itself in our words."""
    if isinstance(error, web.HTTPNotFound):
        return NotFound("There is nothing at this address.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        return MethodNotAllowed()
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return TooLarge()
    return BadRequest(error.reason) if error.status < web.HTTPInternalServerError.status_code else Internal()
