"""/auth: registration, login, refresh and logout."""

import contextlib

from aiohttp import web

from hubbub.core.errors import InvalidToken
from hubbub.http.app_keys import PRINCIPAL, container_of
from hubbub.http.middleware import auth as authentication
from hubbub.http.middleware import refresh_cookie
from hubbub.http.request import context, ok, read, request_info
from hubbub.http.routes import Routes
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.auth.two_factor import MfaRequired
from hubbub.services.accounts import registration
from hubbub.services.auth import login as login_operations
from hubbub.services.auth import sessions

routes = Routes()


@routes.post(
    "/api/v1/auth/register",
    name="auth.register",
    tag="auth",
    summary="Register an account and log in",
    description=(
        "Creates the account, joins it to the default rooms, starts a session and sends a "
        "verification e-mail. `conflict` names the field that is taken."
    ),
    body=wire.Register,
    response=wire.TokenPair,
    status=201,
    errors=("conflict",),
)
async def register(request: web.Request) -> web.Response:
    tokens = await registration.register(
        container_of(request), await read(request, wire.Register), request_info(request)
    )
    return refresh_cookie.login_response(request, tokens, status=201, location="/api/v1/auth/me")


@routes.post(
    "/api/v1/auth/login",
    name="auth.login",
    tag="auth",
    summary="Log in with a password",
    description=(
        "Starts a session. If two-factor is enabled, the response is an MFA challenge, and "
        "`/auth/2fa/verify` completes the login. An unknown e-mail address and a wrong password have "
        "the same response after the same time. Failures delay the next attempt."
    ),
    body=wire.Login,
    response=(wire.TokenPair, MfaRequired),
    errors=("unauthenticated", "suspended"),
)
async def login(request: web.Request) -> web.Response:
    result = await login_operations.login(
        container_of(request), await read(request, wire.Login), request_info(request)
    )
    return refresh_cookie.login_response(request, result)


@routes.post(
    "/api/v1/auth/refresh",
    name="auth.refresh",
    tag="auth",
    summary="Exchange a refresh token for a new pair of tokens",
    description=(
        "The old refresh token becomes invalid. Using it again revokes the session, because it may "
        "be stolen. The client keeps the new pair before it uses it."
    ),
    body=wire.Refresh,
    response=wire.TokenPair,
    errors=("invalid_token", "suspended"),
)
async def refresh(request: web.Request) -> web.Response:
    token = refresh_cookie.read(request)
    command = await read(request, wire.Refresh, {"refresh_token": token} if token is not None else {})
    tokens = await sessions.refresh(container_of(request), command, request_info(request))
    return refresh_cookie.login_response(request, tokens)


@routes.post(
    "/api/v1/auth/logout",
    name="auth.logout",
    tag="auth",
    summary="Log out",
    description=(
        "Revokes the session of the access token, or that of the cookie of `HUBBUB_REFRESH_COOKIE`. Its "
        "sockets are closed within a second."
    ),
    body=wire.Logout,
)
async def logout(request: web.Request) -> web.Response:
    await read(request, wire.Logout)
    await _end_session(request)
    return refresh_cookie.logout_response(request)


async def _end_session(request: web.Request) -> None:
    """End the session of the cookie; without one, that of the access token. Raises Unauthenticated."""
    if PRINCIPAL not in request:
        with contextlib.suppress(InvalidToken):
            token = refresh_cookie.read(request) or ""
            await sessions.logout_by_refresh_token(container_of(request), token, request_info(request))
            return
        request[PRINCIPAL] = await authentication.authenticate_token(request)
    await sessions.logout(context(request))


@routes.get(
    "/api/v1/auth/me",
    name="auth.get_me",
    tag="auth",
    summary="Get the caller's account",
    description="Contains the e-mail address and the role, which profiles leave out.",
    response=wire.Account,
)
async def me(request: web.Request) -> web.Response:
    return ok(await registration.me(context(request)))
