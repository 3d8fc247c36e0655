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
from hubbub.gateways.oauth.client import Client, away

log = logging.getLogger(__name__)

OK = 200


def address(endpoint: str, provider: Provider, attempt: AuthorizationRequest, **more: str) -> str:
    """Where the browser is sent; the code that it brings back is good only with the verifier (RFC 7636)."""
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": attempt.callback,
        "state": attempt.state,
        "code_challenge": challenge(attempt.verifier),
        "code_challenge_method": "S256",
        **more,
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def redeem(
    client: Client,
    endpoint: str,
    provider: Provider,
    attempt: AuthorizationRequest,
    code: str,
    *,
    basic: bool = False,
) -> dict[str, Any]:
    """The answer for a code. Raises InvalidToken (spent, of another sign-in), Unavailable."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.callback,
        "client_id": provider.client_id,
        "code_verifier": attempt.verifier,
    }
    headers = {}
    if basic and provider.client_secret:
        known = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"  # RFC 6749, 2.3.1
        headers["Authorization"] = f"Basic {b64encode(known.encode()).decode()}"
    elif provider.client_secret:
        form["client_secret"] = provider.client_secret
    status, body = await client.ask(provider.title, endpoint, form=form, headers=headers)
    if not isinstance(body, dict):
        raise away(provider.title, "its answer to a code is no JSON object")
    error = body.get("error")
    if error in ("invalid_grant", "bad_verification_code"):
        raise refused(provider, "the code is not good")
    if error is not None or status != OK:
        raise away(provider.title, f"it refuses codes: {str(error)[:100]!r}")
    return body


def refused(provider: Provider, why: str) -> InvalidToken:
    """The refusal of an answer that does not prove who somebody is; why is for the log."""
    metrics.count("oauth_verification_failures", provider.name)
    log.warning("a sign-in was not proved", extra={"provider": provider.name, "why": why})
    return InvalidToken(f"Signing in with {provider.title} did not work. Start again.")
