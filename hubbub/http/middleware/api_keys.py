"""API keys in `X-API-Key`: what they are not good for, and signatures."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import signing
from hubbub.core.errors import Unauthenticated
from hubbub.http.app_keys import HOLDER, Caller, parts_of
from hubbub.http.request import body, origin
from hubbub.services.auth import api_key_auth

HEADER = "X-API-Key"
SIGNATURE = "X-Signature"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NONCE = web.RequestKey("nonce", str)

# Who is logged in does these things themselves: a key that was lost must not make more of itself, nor take
# the account. What begins with one of these needs a session; `/auth/me` alone is for keys too.
SESSION_ONLY = (
    "/api/v1/auth/",
    "/api/v1/api-keys",
    "/api/v1/sessions",
    "/api/v1/users/account",
    "/api/v1/admin/",
)
FOR_KEYS = frozenset({"/api/v1/auth/me"})


def needs_session(path: str) -> bool:
    """Whether a route, by its path with braces, is not for API keys."""
    return path not in FOR_KEYS and path.startswith(SESSION_ONLY)


async def admit(request: web.Request) -> Caller:
    """Whose key it is. Raises Unauthenticated, Suspended, TooLarge, Unavailable."""
    if "Authorization" in request.headers:
        raise Unauthenticated("Send either Authorization or X-API-Key, not both.")
    parts = parts_of(request)
    holder = await api_key_auth.authenticate(parts, request.headers[HEADER], origin(request))
    if holder.signs:
        request[NONCE] = await _prove(request, holder)
    request[HOLDER] = holder
    parts.key_activity.note(holder.key_id)
    return Caller(holder.user, holder.role, None, holder.key_id)


async def _prove(request: web.Request, holder: api_key_auth.ApiKeyPrincipal) -> str:
    """The nonce of a request that is signed. Raises Unauthenticated, TooLarge."""
    if request.content_type.startswith("multipart/"):
        raise Unauthenticated("Uploads can't be signed: take a key without signatures, or a session.")
    signed = signing.Signed(request.method, request.raw_path, await body(request))
    given = request.headers.get(SIGNATURE)
    return await api_key_auth.verify_signature(parts_of(request), holder, given, signed, origin(request))


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Inside the limits, which count what is refused here."""
    holder = request.get(HOLDER)
    if holder is not None:
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else ""
        use = api_key_auth.KeyUse(request.method in SAFE, needs_session(path), request.get(NONCE))
        await api_key_auth.authorize(parts_of(request), holder, use, origin(request))
    return await handler(request)
