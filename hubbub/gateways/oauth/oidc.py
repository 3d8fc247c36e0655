"""OpenID Connect: any issuer that publishes where it is to be asked and which keys it signs with."""

import asyncio
import hmac
from typing import Any

import jwt

from hubbub.config.oauth_providers import Provider
from hubbub.core import clock
from hubbub.core.errors import Unavailable, fresh
from hubbub.gateways.identity_provider import AuthorizationRequest, VerifiedIdentity
from hubbub.gateways.oauth import authorization_code
from hubbub.gateways.oauth.client import Client, away

# Public keys only: with a shared secret among them, a published key could pass for one.
ALGORITHMS = frozenset(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)) | {"EdDSA"}
WELL_KNOWN = "/.well-known/openid-configuration"
FRESH_S = 3600.0  # that an issuer's addresses and keys are kept
AGAIN_S = 30.0  # before keys are asked for once more because one is not among them
FAILED_S = 5.0  # that an issuer that did not answer is not asked again
LEEWAY_S = 60  # that its clock may be off
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OpenId:
    """One issuer; what it publishes is asked for at the first sign-in."""

    def __init__(self, provider: Provider, client: Client) -> None:
        self.name, self.title, self.issuer = provider.name, provider.title, provider.url
        self.again_s = AGAIN_S
        self._provider = provider
        self._client = client
        self._found: dict[str, Any] = {}
        self._found_until = 0.0
        self._keys: list[jwt.PyJWK] = []
        self._keys_until = 0.0
        self._keys_asked = 0.0
        self._failed: tuple[float, Unavailable] | None = None
        self._lock = asyncio.Lock()

    async def ask(self, attempt: AuthorizationRequest) -> str:
        """The address of its form, for this sign-in."""
        endpoint = (await self._discovered())["authorization_endpoint"]
        return authorization_code.address(
            endpoint, self._provider, attempt, scope="openid email profile", nonce=attempt.nonce
        )

    async def prove(self, attempt: AuthorizationRequest, code: str) -> VerifiedIdentity:
        """Who the ID token for the code is about."""
        found = await self._discovered()
        supported = found.get("token_endpoint_auth_methods_supported")
        basic = not isinstance(supported, list) or "client_secret_post" not in supported
        answer = await authorization_code.redeem(
            self._client, found["token_endpoint"], self._provider, attempt, code, basic=basic
        )
        claims = await self._verified(answer.get("id_token"), attempt.nonce)
        if "email" not in claims:
            claims = {**await self._told(found, answer.get("access_token"), claims["sub"]), **claims}
        return proved(claims)

    # --- what it publishes ---

    async def _discovered(self) -> dict[str, Any]:
        async with self._lock:
            if clock.monotonic() >= self._found_until:
                self._found = await self._published(self.issuer.rstrip("/") + WELL_KNOWN)
                self._check_published()
                self._found_until = clock.monotonic() + FRESH_S
            return self._found

    def _check_published(self) -> None:
        """It is about this issuer, and names addresses no less private than the issuer's own."""
        scheme = self.issuer.partition(":")[0]
        names = [self._found.get(name) for name in _ENDPOINTS]
        if (extra := self._found.get("userinfo_endpoint")) is not None:
            names.append(extra)
        schemes = ("https://",) if scheme == "https" else ("https://", "http://")
        if self._found.get("issuer") != self.issuer:
            raise self._fail("its discovery document is of another issuer")
        if not all(isinstance(each, str) and each.startswith(schemes) for each in names):
            raise self._fail("its discovery document lacks addresses, or they are not private")

    async def _published(self, url: str) -> dict[str, Any]:
        """A document of its; one that failed a moment ago is not asked for again by all who wait."""
        if self._failed is not None and clock.monotonic() < self._failed[0]:
            raise fresh(self._failed[1])
        try:
            status, body = await self._client.ask(self.title, url)
        except Unavailable as error:
            self._failed = (clock.monotonic() + FAILED_S, fresh(error))
            raise
        if status != authorization_code.OK or not isinstance(body, dict):
            raise self._fail(f"what it publishes can't be read: {status}")
        self._failed = None
        return body

    def _fail(self, why: str) -> Unavailable:
        error = away(self.title, why)
        self._failed = (clock.monotonic() + FAILED_S, fresh(error))
        return error

    async def _key(self, name: str | None) -> jwt.PyJWK | None:
        """The key that signed; asked for anew if it is not known, in case it was replaced."""
        url = (await self._discovered())["jwks_uri"]
        async with self._lock:
            now = clock.monotonic()
            known = self._named(name) if now < self._keys_until else None
            if known is None and (now >= self._keys_until or now - self._keys_asked >= self.again_s):
                self._keys = _keys(await self._published(url))
                self._keys_asked, self._keys_until = now, now + FRESH_S
                known = self._named(name)
            return known

    def _named(self, name: str | None) -> jwt.PyJWK | None:
        if name is None:  # allowed while there is one key
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.key_id == name), None)

    # --- what it says of a person ---

    async def _verified(self, token: object, nonce: str) -> dict[str, Any]:
        """The claims of an ID token (OpenID Connect Core, 3.1.3.7). Raises InvalidToken, Unavailable."""
        try:
            head = jwt.get_unverified_header(str(token))
            key = await self._key(head.get("kid"))
            if key is None or head["alg"] not in ALGORITHMS:
                raise authorization_code.refused(
                    self._provider, "the ID token is signed by nobody known, or not with a key"
                )
            claims = jwt.decode(
                str(token),
                key.key,
                [head["alg"]],
                options={
                    "require": ["iss", "aud", "sub", "exp", "iat"],
                    "enforce_minimum_key_length": True,
                },
                audience=self._provider.client_id,
                issuer=self.issuer,
                leeway=LEEWAY_S,
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise authorization_code.refused(self._provider, f"the ID token: {error}") from None
        self._check_meant(claims, nonce)
        return claims

    def _check_meant(self, claims: dict[str, Any], nonce: str) -> None:
        """For this client and for this sign-in."""
        client = self._provider.client_id
        party = claims.get(
            "azp", client if isinstance(claims["aud"], str) or len(claims["aud"]) == 1 else None
        )
        said = claims.get("nonce")
        if party != client:
            raise authorization_code.refused(self._provider, "the ID token is meant for another client")
        if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
            raise authorization_code.refused(self._provider, "the ID token is of another sign-in")

    async def _told(self, found: dict[str, Any], token: object, subject: str) -> dict[str, Any]:
        """What it says besides, if it is about the same person."""
        url = found.get("userinfo_endpoint")
        if url is None or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            return {}
        status, body = await self._client.ask(self.title, url, headers={"Authorization": f"Bearer {token}"})
        if status != authorization_code.OK or not isinstance(body, dict) or body.get("sub") != subject:
            return {}
        return body


def _keys(published: dict[str, Any]) -> list[jwt.PyJWK]:
    """Those that sign; what this library can't use is left out."""
    given = published.get("keys")
    found = []
    for each in given if isinstance(given, list) else ():
        if not isinstance(each, dict) or each.get("use", "sig") != "sig" or each.get("kty") == "oct":
            continue
        try:
            found.append(jwt.PyJWK(each))
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    return found


def proved(claims: dict[str, Any]) -> VerifiedIdentity:
    """A person, from claims that were checked."""
    email, name = claims.get("email"), claims.get("name")
    # Some issuers write the truth as text.
    told = claims.get("email_verified")
    verified = (told is True or told == "true") and isinstance(email, str)
    return VerifiedIdentity(claims["sub"], email if verified else None, name if isinstance(name, str) else "")
