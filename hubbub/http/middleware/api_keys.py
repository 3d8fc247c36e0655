"""API keys in `X-API-Key`: authentication, signatures, and routes that need a session."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import signing
from hubbub.core.errors import Unauthenticated
from hubbub.http.app_keys import API_KEY_PRINCIPAL, Principal, container_of
from hubbub.http.request import read_body, request_info
from hubbub.http.routes import path_of
from hubbub.services.auth import api_key_auth

API_KEY_HEADER = "X-API-Key"
SIGNATURE_HEADER = "X-Signature"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NONCE = web.RequestKey("nonce", str)

# Paths that need a session, by prefix, except `/auth/me`. A lost key must not create further keys or take
# over the account.
SESSION_ONLY_PREFIXES = (
    "/api/v1/auth/",
    "/api/v1/api-keys",
    "/api/v1/sessions",
    "/api/v1/users/account",
    "/api/v1/admin/",
)
ALLOWED_WITH_API_KEY = frozenset({"/api/v1/auth/me"})


def needs_session(path: str) -> bool:
    """Return whether a route, by its path with braces, refuses API keys."""
    return path not in ALLOWED_WITH_API_KEY and path.startswith(SESSION_ONLY_PREFIXES)


async def authenticate(request: web.Request) -> Principal:
    """Return the owner of the request's API key. Raises Unauthenticated, Suspended, TooLarge, Unavailable."""
    if "Authorization" in request.headers:
        raise Unauthenticated("Send either Authorization or X-API-Key, not both.")
    container = container_of(request)
    principal = await api_key_auth.authenticate(
        container, request.headers[API_KEY_HEADER], request_info(request)
    )
    if principal.requires_signature:
        request[NONCE] = await _verify_signature(request, principal)
    request[API_KEY_PRINCIPAL] = principal
    container.api_key_last_seen.record(principal.key_id)
    return Principal(principal.user, principal.role, None, principal.key_id)


async def _verify_signature(request: web.Request, principal: api_key_auth.ApiKeyPrincipal) -> str:
    """Return the nonce of a signed request. Raises Unauthenticated, TooLarge."""
    if request.content_type.startswith("multipart/"):
        raise Unauthenticated("Uploads can't be signed: use a key without signatures, or a session.")
    content = signing.SignedRequest(request.method, request.raw_path, await read_body(request))
    signature = request.headers.get(SIGNATURE_HEADER)
    return await api_key_auth.verify_signature(
        container_of(request), principal, signature, content, request_info(request)
    )


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check scope and signature of an API key. Runs inside the rate limits, which count refusals."""
    principal = request.get(API_KEY_PRINCIPAL)
    if principal is not None:
        is_session_needed = needs_session(path_of(request.match_info.route))
        use = api_key_auth.KeyUse(request.method in SAFE_METHODS, is_session_needed, request.get(NONCE))
        await api_key_auth.authorize(container_of(request), principal, use, request_info(request))
    return await handler(request)
