"""The common steps of OAuth 2.0 providers: the authorization URL, and the exchange of a code, with PKCE."""

import hashlib
import logging
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote_plus, urlencode

from hubbub.config.oauth_providers import Provider
from hubbub.core import metrics
from hubbub.core.errors import InvalidToken
from hubbub.gateways.identity_provider import AuthorizationRequest
from hubbub.gateways.oauth.client import ProviderClient, provider_unavailable

log = logging.getLogger(__name__)

HTTP_OK = 200


def authorization_url(endpoint: str, provider: Provider, request: AuthorizationRequest, **extra: str) -> str:
    """Return the URL for the browser. The code that it yields is valid only with the verifier (RFC 7636)."""
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": request.redirect_uri,
        "state": request.state,
        "code_challenge": code_challenge(request.code_verifier),
        "code_challenge_method": "S256",
        **extra,
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def code_challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def exchange_code(
    client: ProviderClient,
    endpoint: str,
    provider: Provider,
    request: AuthorizationRequest,
    code: str,
    *,
    basic_auth: bool = False,
) -> dict[str, Any]:
    """Return the response for a code. Raises InvalidToken (used, or of another login), Unavailable."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": request.redirect_uri,
        "client_id": provider.client_id,
        "code_verifier": request.code_verifier,
    }
    headers = {}
    if basic_auth and provider.client_secret:
        # RFC 6749, 2.3.1
        credentials = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
        headers["Authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
    elif provider.client_secret:
        form["client_secret"] = provider.client_secret
    status, body = await client.request(provider.title, endpoint, form=form, headers=headers)
    if not isinstance(body, dict):
        raise provider_unavailable(provider.title, "its response to a code is not a JSON object")
    error = body.get("error")
    if error in ("invalid_grant", "bad_verification_code"):
        raise verification_failed(provider, "the code is not valid")
    if error is not None or status != HTTP_OK:
        raise provider_unavailable(provider.title, f"it refuses codes: {str(error)[:100]!r}")
    return body


def verification_failed(provider: Provider, reason: str) -> InvalidToken:
    """Return the error for a response that does not verify a user. The reason is only logged."""
    metrics.count("oauth_verification_failures", provider.name)
    log.warning("OAuth verification failed", extra={"provider": provider.name, "why": reason})
    return InvalidToken(f"The login with {provider.title} failed. Start again.")
