"""Errors as RFC 9457 problem documents, the errors of HTTP alone, and the status of each code."""

from typing import Any, ClassVar

from aiohttp import web

from hubbub.core.errors import HubbubError, Internal, NotFound, StorageFull, TooLarge
from hubbub.http.app_keys import REQUEST_ID
from hubbub.http.pages import error_pages
from hubbub.schemas.base import encode


class BadRequest(HubbubError):
    """The request itself is malformed, before its content is read."""

    code: ClassVar[str] = "bad_request"
    default: ClassVar[str] = "The request is not valid HTTP."


class InvalidJson(HubbubError):
    code: ClassVar[str] = "invalid_json"
    default: ClassVar[str] = "The body is not valid JSON."


class UnsupportedMediaType(HubbubError):
    code: ClassVar[str] = "unsupported_media_type"
    default: ClassVar[str] = "Send JSON, with the header Content-Type: application/json."


class MethodNotAllowed(HubbubError):
    code: ClassVar[str] = "method_not_allowed"
    default: ClassVar[str] = "This URL does not support that method."


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
    "precondition_failed": 412,
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
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not valid",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available",
    507: "The storage is full",
}
STORAGE_FULL_STATUS = 507


def status_of(error: HubbubError) -> int:
    """Return the HTTP status of an error."""
    return STORAGE_FULL_STATUS if isinstance(error, StorageFull) else STATUS_BY_CODE[error.code]


def to_response(request: web.BaseRequest, error: HubbubError) -> web.Response:
    """Return the problem document of an error; for a browser at a public page, a page."""
    request_id = request.get(REQUEST_ID, "")
    problem = problem_response(error, request_id)
    if not error_pages.applies(request):
        return problem
    return error_pages.replace(problem, TITLE_BY_STATUS[problem.status], error.message, request_id)


def problem_response(error: HubbubError, request_id: str) -> web.Response:
    """Return the problem document of an error, also for a request that failed before it got its id."""
    status = status_of(error)
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
    set_retry_after(response, error)
    if status == web.HTTPUnauthorized.status_code:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def set_retry_after(response: web.Response, error: HubbubError) -> None:
    """Set `Retry-After`, in whole seconds rounded up, if the error says when a retry may succeed."""
    if error.retry_after_ms is not None:
        response.headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))


def from_http_exception(error: web.HTTPException) -> HubbubError:
    """Return the error for an exception of aiohttp."""
    if isinstance(error, web.HTTPNotFound):
        return NotFound("This URL does not exist.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        return MethodNotAllowed()
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return TooLarge()
    return BadRequest(error.reason) if error.status < web.HTTPInternalServerError.status_code else Internal()
