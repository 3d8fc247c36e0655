"""/auth/oauth: login with Google, GitHub and other issuers; /auth/identities: linked identities."""

from uuid import UUID

from aiohttp import web

from hubbub.http.app_keys import PRINCIPAL, container_of
from hubbub.http.middleware import auth as authentication
from hubbub.http.middleware import refresh_cookie
from hubbub.http.request import context, no_content, ok, query, read, request_info
from hubbub.http.routes import Routes
from hubbub.schemas.accounts import oauth as wire
from hubbub.schemas.accounts.accounts import TokenPair
from hubbub.schemas.auth.two_factor import MfaRequired
from hubbub.services.accounts import identities, oauth_login
from hubbub.services.context import Container

routes = Routes()
STATE_COOKIE = "hubbub_oauth"


@routes.get(
    "/api/v1/auth/oauth",
    name="oauth.list_providers",
    tag="oauth",
    summary="List the OAuth providers for login",
    description="The configured ones, in the order of the settings. The list may be empty.",
    response=list[wire.Provider],
    needs_database=False,
)
async def list_providers(request: web.Request) -> web.Response:
    return ok(oauth_login.list_providers(container_of(request)))


@routes.get(
    "/api/v1/auth/oauth/{provider}/authorize",
    name="oauth.authorize",
    tag="oauth",
    summary="Redirect to an OAuth provider",
    description=(
        "Sets a cookie that the callback needs, valid for 10 minutes. With `redirect`, that page "
        "receives a code for `/auth/oauth/exchange`. With `confirm`, the login confirms a session."
    ),
    query=wire.Authorize,
    status=302,
    errors=("not_found", "unauthenticated", "token_expired", "session_revoked", "suspended"),
)
async def authorize(request: web.Request) -> web.Response:
    container = container_of(request)
    cookie_name, secure = _cookie_attributes(container)
    command = query(request, wire.Authorize)
    session = await _session_to_confirm(request, command)
    url, login_state = await oauth_login.authorize(
        container, request.match_info["provider"], command, session
    )
    response = _redirect(url)
    # Lax: sent with the redirect of the provider, and not with requests that another site embeds.
    response.set_cookie(
        cookie_name,
        login_state,
        max_age=int(oauth_login.STATE_LIFETIME.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="Lax",
    )
    return response


@routes.get(
    "/api/v1/auth/oauth/{provider}/callback",
    name="oauth.callback",
    tag="oauth",
    summary="Receive the redirect of an OAuth provider",
    description=(
        "Called by the browser, not by clients. Responds with tokens, or redirects to the page of "
        "`redirect` with a code or an error in the fragment."
    ),
    query=wire.Callback,
    response=(TokenPair, MfaRequired),
    redirects=True,
    may_confirm_session=True,
    errors=(
        *("not_found", "invalid_token", "forbidden", "suspended", "conflict"),
        *("unauthenticated", "session_revoked"),
    ),
)
async def callback(request: web.Request) -> web.Response:
    container = container_of(request)
    cookie_name, secure = _cookie_attributes(container)
    result = await oauth_login.handle_callback(
        container,
        request.match_info["provider"],
        query(request, wire.Callback),
        request.cookies.get(cookie_name, ""),
        request_info(request),
    )
    response = (
        _redirect(result.location)
        if result.location is not None
        else _login_response(request, result.response)
    )
    response.del_cookie(cookie_name, path="/", secure=secure, httponly=True, samesite="Lax")
    return response


@routes.post(
    "/api/v1/auth/oauth/exchange",
    name="oauth.exchange",
    tag="oauth",
    summary="Exchange the code of an OAuth login for tokens",
    description=(
        "The code is valid once, for one minute. A wrong `verifier` makes it invalid. If two-factor "
        "is enabled, the response is an MFA challenge."
    ),
    body=wire.Exchange,
    response=(TokenPair, MfaRequired),
    may_confirm_session=True,
    errors=(
        *("invalid_token", "suspended", "forbidden"),
        *("unauthenticated", "token_expired", "session_revoked"),
    ),
)
async def exchange(request: web.Request) -> web.Response:
    command = await read(request, wire.Exchange)
    ctx = None
    if command.confirm:
        request[PRINCIPAL] = await authentication.authenticate_token(request)
        ctx = context(request)
    result = await oauth_login.exchange(container_of(request), command, request_info(request), ctx)
    return _login_response(request, result)


@routes.get(
    "/api/v1/auth/identities",
    name="identities.list",
    tag="identities",
    summary="List the linked OAuth identities",
    description="Those that may log in to the caller's account.",
    response=list[wire.Identity],
)
async def list_own(request: web.Request) -> web.Response:
    return ok(await identities.list_own(context(request)))


@routes.delete(
    "/api/v1/auth/identities/{identity_id}",
    name="identities.unlink",
    tag="identities",
    summary="Unlink an OAuth identity",
    description=(
        "Fails with `conflict` if the account would have neither a password nor another identity. "
        "Needs a confirmed session."
    ),
    needs_confirmed_session=True,
    query=wire.IdentityRef,
    errors=("conflict",),
)
async def unlink(request: web.Request) -> web.Response:
    await identities.unlink(context(request), query(request, wire.IdentityRef))
    return no_content()


async def _session_to_confirm(request: web.Request, command: wire.Authorize) -> tuple[UUID, UUID] | None:
    """Return user and session to confirm; None if the page exchanges a code. Raises Unauthenticated."""
    if command.confirm != "true" or (command.redirect is not None and "Authorization" not in request.headers):
        return None
    caller = await authentication.authenticate_token(request)
    return (caller.user.id, caller.session_id) if caller.session_id is not None else None


def _cookie_attributes(container: Container) -> tuple[str, bool]:
    """Return the cookie's name and `Secure`. `__Host-`: no neighbouring domain can set it."""
    secure = container.settings.env == "production" or str(container.settings.public_url).startswith("https:")
    return (f"__Host-{STATE_COOKIE}" if secure else STATE_COOKIE), secure


def _login_response(request: web.Request, result: TokenPair | MfaRequired | None) -> web.Response:
    return no_content() if result is None else refresh_cookie.login_response(request, result)


def _redirect(url: str) -> web.Response:
    return web.Response(status=302, headers={"Location": url})
