"""The refresh token as a cookie (`HUBBUB_REFRESH_COOKIE`), which no script of a page can read.

A request that a page of another site causes has no effect: the cookie is `SameSite=Strict`, and it is read
only together with a header that needs a preflight, and from no page of an origin that is not listed.
"""

from aiohttp import web
from msgspec import UNSET, structs

from hubbub.http.app_keys import CORS_ORIGINS, container_of
from hubbub.http.request import no_content, ok
from hubbub.schemas.accounts.accounts import TokenPair
from hubbub.schemas.auth.two_factor import MfaRequired

NAME = "hubbub_refresh"
PATH = "/api/v1/auth"
REQUIRED_HEADER = "X-Requested-With"
REFRESH_PATH, LOGOUT_PATH = f"{PATH}/refresh", f"{PATH}/logout"
PATHS = frozenset({REFRESH_PATH, LOGOUT_PATH})  # of the routes that read the cookie


def allows_credentials(request: web.Request, origin: str) -> bool:
    """Return whether a page of an origin may use the cookie with this request; `*` lists no origin."""
    return _may_have_cookie(request) and request.config_dict[CORS_ORIGINS].is_listed(request, origin)


def read(request: web.Request) -> str | None:
    """Return the refresh token of a request that may use the cookie; None without one."""
    if not _may_have_cookie(request) or REQUIRED_HEADER not in request.headers:
        return None
    origin = request.headers.get("Origin")
    if origin is not None and not allows_credentials(request, origin):
        return None
    return request.cookies.get(NAME) or None


def _may_have_cookie(request: web.Request) -> bool:
    return container_of(request).settings.refresh_cookie and request.path in PATHS


def authenticates(request: web.Request) -> bool:
    """Return whether the cookie names the session that a logout ends, also with an expired access token."""
    return request.path == LOGOUT_PATH and "X-API-Key" not in request.headers and read(request) is not None


def login_response(
    request: web.Request, result: TokenPair | MfaRequired, status: int = 200, location: str | None = None
) -> web.Response:
    """Respond with a pair of tokens, the refresh token as a cookie if that is on, or an MFA challenge."""
    settings = container_of(request).settings
    if not isinstance(result, TokenPair) or result.refresh_token is UNSET or not settings.refresh_cookie:
        return ok(result, status, location)
    response = ok(structs.replace(result, refresh_token=UNSET), status, location)
    _set(response, result.refresh_token, settings.refresh_token_ttl_s)
    return response


def logout_response(request: web.Request) -> web.Response:
    """Respond to a logout, and remove the cookie if there may be one."""
    response = no_content()
    if container_of(request).settings.refresh_cookie:
        _set(response, "", 0)
    return response


def _set(response: web.Response, value: str, max_age_s: int) -> None:
    """Set the header, which `Idempotency-Key` stores with the response."""
    response.headers["Set-Cookie"] = (
        f"{NAME}={value}; HttpOnly; Max-Age={max_age_s}; Path={PATH}; SameSite=Strict; Secure"
    )
