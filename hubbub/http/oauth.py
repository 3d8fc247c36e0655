"""/auth/oauth: signing in with Google, GitHub and other issuers; /auth/identities: what is linked."""

from aiohttp import web

from hubbub.http.keys import parts_of
from hubbub.http.middleware import limits
from hubbub.http.request import context, data, nothing, origin, query, read
from hubbub.http.routes import Routes
from hubbub.schemas import oauth as wire
from hubbub.schemas.accounts import Signed
from hubbub.schemas.two_factor import MfaRequired
from hubbub.services import identities, oauth
from hubbub.services.context import Parts

routes = Routes()
COOKIE = "hubbub_oauth"


@routes.get("/api/v1/auth/oauth", says="Whom one may sign in with", shows=list[wire.Provider], stored=False)
async def list_providers(request: web.Request) -> web.Response:
    return data(oauth.offered(parts_of(request)))


@routes.get(
    "/api/v1/auth/oauth/{provider}/authorize",
    says="Go to a provider to sign in; `redirect` is the page that gets a code then",
    query=wire.Authorize,
    status=302,
    may=("not_found",),
)
async def authorize(request: web.Request) -> web.Response:
    parts = parts_of(request)
    name, secure = _cookie(parts)
    url, kept = await oauth.begin(parts, request.match_info["provider"], query(request, wire.Authorize))
    response = _to(url)
    # Lax: sent when the provider sends the browser back, and with nothing that another site embeds.
    response.set_cookie(
        name,
        kept,
        max_age=int(oauth.LASTS.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="Lax",
    )
    return response


@routes.get(
    "/api/v1/auth/oauth/{provider}/callback",
    says="Where the provider sends the browser back: tokens, or on to the page with a code or a refusal",
    query=wire.Callback,
    shows=(Signed, MfaRequired),
    moves=True,
    may=("not_found", "invalid_token", "forbidden", "suspended", "conflict"),
)
async def callback(request: web.Request) -> web.Response:
    parts = parts_of(request)
    name, secure = _cookie(parts)
    back = await oauth.finish(
        parts,
        request.match_info["provider"],
        query(request, wire.Callback),
        request.cookies.get(name, ""),
        origin(request),
    )
    response = _to(back.location) if back.location is not None else await _signed(request, back.signed)
    response.del_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
    return response


@routes.post(
    "/api/v1/auth/oauth/exchange",
    says="Get tokens for the code that a sign-in with a provider ended with; good once, for a minute",
    body=wire.Exchange,
    shows=(Signed, MfaRequired),
    may=("invalid_token", "suspended"),
)
async def exchange(request: web.Request) -> web.Response:
    command = await read(request, wire.Exchange)
    return await _signed(request, await oauth.exchange(parts_of(request), command, origin(request)))


@routes.get(
    "/api/v1/auth/identities",
    says="With which providers one can sign in to this account",
    shows=list[wire.Identity],
)
async def list_own(request: web.Request) -> web.Response:
    return data(await identities.list_own(context(request)))


@routes.delete(
    "/api/v1/auth/identities/{identity_id}",
    says="Take one away, if it is not the only way into the account",
    query=wire.IdentityOnly,
    may=("conflict",),
)
async def unlink(request: web.Request) -> web.Response:
    await identities.unlink(context(request), query(request, wire.IdentityOnly))
    return nothing()


def _cookie(parts: Parts) -> tuple[str, bool]:
    """Its name, and whether it travels over TLS alone. `__Host-`: no neighbour of the site can set it."""
    secure = parts.settings.env == "production" or str(parts.settings.public_url).startswith("https:")
    return (f"__Host-{COOKIE}" if secure else COOKIE), secure


async def _signed(request: web.Request, signed: Signed | MfaRequired | None) -> web.Response:
    if isinstance(signed, Signed):
        await limits.signed_in(request, signed.user.email)
    return data(signed)


def _to(url: str) -> web.Response:
    return web.Response(status=302, headers={"Location": url})
