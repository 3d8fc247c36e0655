"""The steps that every provider of OAuth 2.0 shares: the way there, and a code for a token, with PKCE."""

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
    """Where the browser is sent; the code that it brings back is good only with the verifier (RFC 7636)."""
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
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
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
    """The answer for a code. Raises InvalidToken (spent, of another sign-in), Unavailable."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": request.redirect_uri,
        "client_id": provider.client_id,
        "code_verifier": request.code_verifier,
    }
    headers = {}
    if basic_auth and provider.client_secret:
        credentials = (
            f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"  # RFC 6749, 2.3.1
        )
        headers["Authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
    elif provider.client_secret:
        form["client_secret"] = provider.client_secret
    status, body = await client.request(provider.title, endpoint, form=form, headers=headers)
    if not isinstance(body, dict):
        raise provider_unavailable(provider.title, "its answer to a code is no JSON object")
    error = body.get("error")
    if error in ("invalid_grant", "bad_verification_code"):
        raise verification_failed(provider, "the code is not good")
    if error is not None or status != HTTP_OK:
        raise provider_unavailable(provider.title, f"it refuses codes: {str(error)[:100]!r}")
    return body


def verification_failed(provider: Provider, reason: str) -> InvalidToken:
    """The refusal of an answer that does not prove who somebody is; why is for the log."""
    metrics.count("oauth_verification_failures", provider.name)
    log.warning("a sign-in was not proved", extra={"provider": provider.name, "why": reason})
    return InvalidToken(f"Signing in with {provider.title} did not work. Start again.")
