"""OpenID Connect: any issuer that publishes its endpoints and signing keys."""

import asyncio
import hmac
from typing import Any

import jwt

from hubbub.config.oauth_providers import Provider
from hubbub.core import clock
from hubbub.core.errors import Unavailable, unraised_copy
from hubbub.gateways.identity_provider import AuthorizationRequest, VerifiedIdentity
from hubbub.gateways.oauth import authorization_code
from hubbub.gateways.oauth.client import ProviderClient, provider_unavailable

# Public keys only: if a shared secret were allowed, a published key could be used as one.
ALGORITHMS = frozenset(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)) | {"EdDSA"}
DISCOVERY_PATH = "/.well-known/openid-configuration"
METADATA_TTL_S = 3600.0  # for which an issuer's endpoints and keys are cached
KEY_REFRESH_INTERVAL_S = 30.0  # before keys are fetched again because one is missing
RETRY_DELAY_S = 5.0  # after a failure, before the issuer is requested again
LEEWAY_S = 60  # allowed difference of the issuer's clock
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OpenId:
    """One issuer. Its metadata is fetched at the first login."""

    def __init__(self, provider: Provider, client: ProviderClient) -> None:
        self.name, self.title, self.issuer = provider.name, provider.title, provider.url
        self.key_refresh_interval_s = KEY_REFRESH_INTERVAL_S  # tests set a shorter one
        self._provider = provider  # its settings
        self._client = client
        self._metadata: dict[str, Any] = {}  # the discovery document
        self._metadata_expires_at = 0.0  # this and the next two by the monotonic clock
        self._keys: list[jwt.PyJWK] = []  # the keys that sign ID tokens
        self._keys_expire_at = 0.0
        self._keys_fetched_at = 0.0
        self._last_failure: tuple[float, Unavailable] | None = None  # raised again until this time
        self._lock = asyncio.Lock()  # held while metadata or keys are fetched

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the URL of the issuer's login form for this login."""
        endpoint = (await self._load_metadata())["authorization_endpoint"]
        return authorization_code.authorization_url(
            endpoint, self._provider, request, scope="openid email profile", nonce=request.nonce
        )

    async def verify_code(self, request: AuthorizationRequest, code: str) -> VerifiedIdentity:
        """Return the user of the code's ID token."""
        metadata = await self._load_metadata()
        supported = metadata.get("token_endpoint_auth_methods_supported")
        basic_auth = not isinstance(supported, list) or "client_secret_post" not in supported
        token_response = await authorization_code.exchange_code(
            self._client, metadata["token_endpoint"], self._provider, request, code, basic_auth=basic_auth
        )
        claims = await self._verify_id_token(token_response.get("id_token"), request.nonce)
        if "email" not in claims:
            claims = {
                **await self._fetch_userinfo(metadata, token_response.get("access_token"), claims["sub"]),
                **claims,
            }
        return to_identity(claims)

    # --- metadata and keys ---

    async def _load_metadata(self) -> dict[str, Any]:
        async with self._lock:
            if clock.monotonic() >= self._metadata_expires_at:
                self._metadata = await self._fetch_document(self.issuer.rstrip("/") + DISCOVERY_PATH)
                self._check_metadata()
                self._metadata_expires_at = clock.monotonic() + METADATA_TTL_S
            return self._metadata

    def _check_metadata(self) -> None:
        """Check that the document is of this issuer, and that its URLs are https if the issuer's is."""
        scheme = self.issuer.partition(":")[0]
        urls = [self._metadata.get(name) for name in _ENDPOINTS]
        if (userinfo_url := self._metadata.get("userinfo_endpoint")) is not None:
            urls.append(userinfo_url)
        schemes = ("https://",) if scheme == "https" else ("https://", "http://")
        if self._metadata.get("issuer") != self.issuer:
            raise self._fail("its discovery document names another issuer")
        if not all(isinstance(each, str) and each.startswith(schemes) for each in urls):
            raise self._fail("its discovery document lacks URLs, or they are not https")

    async def _fetch_document(self, url: str) -> dict[str, Any]:
        """Fetch a published document. After a recent failure all waiting callers get the same error."""
        if self._last_failure is not None and clock.monotonic() < self._last_failure[0]:
            raise unraised_copy(self._last_failure[1])
        try:
            status, body = await self._client.request(self.title, url)
        except Unavailable as error:
            self._last_failure = (clock.monotonic() + RETRY_DELAY_S, unraised_copy(error))
            raise
        if status != authorization_code.HTTP_OK or not isinstance(body, dict):
            raise self._fail(f"its published document is not readable: {status}")
        self._last_failure = None
        return body

    def _fail(self, reason: str) -> Unavailable:
        error = provider_unavailable(self.title, reason)
        self._last_failure = (clock.monotonic() + RETRY_DELAY_S, unraised_copy(error))
        return error

    async def _signing_key(self, key_id: str | None) -> jwt.PyJWK | None:
        """Return the key that signed a token. An unknown key is fetched, in case keys were replaced."""
        url = (await self._load_metadata())["jwks_uri"]
        async with self._lock:
            now = clock.monotonic()
            have_expired = now >= self._keys_expire_at
            key = self._find_key(key_id) if not have_expired else None
            may_refresh = have_expired or now - self._keys_fetched_at >= self.key_refresh_interval_s
            if key is None and may_refresh:
                self._keys = _parse_keys(await self._fetch_document(url))
                self._keys_fetched_at, self._keys_expire_at = now, now + METADATA_TTL_S
                key = self._find_key(key_id)
            return key

    def _find_key(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None:  # allowed while there is one key
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.key_id == key_id), None)

    # --- claims about a user ---

    async def _verify_id_token(self, token: object, nonce: str) -> dict[str, Any]:
        """Return the verified claims of an ID token (OpenID Connect Core, 3.1.3.7).

        Raises InvalidToken, Unavailable.
        """
        try:
            header = jwt.get_unverified_header(str(token))
            key = await self._signing_key(header.get("kid"))
            if key is None or header["alg"] not in ALGORITHMS:
                raise authorization_code.verification_failed(
                    self._provider, "the ID token is signed with an unknown key or algorithm"
                )
            claims = jwt.decode(
                str(token),
                key.key,
                [header["alg"]],
                options={
                    "require": ["iss", "aud", "sub", "exp", "iat"],
                    "enforce_minimum_key_length": True,
                },
                audience=self._provider.client_id,
                issuer=self.issuer,
                leeway=LEEWAY_S,
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise authorization_code.verification_failed(self._provider, f"the ID token: {error}") from None
        self._check_audience(claims, nonce)
        return claims

    def _check_audience(self, claims: dict[str, Any], nonce: str) -> None:
        """Check that the token was issued for this client and this login."""
        client_id = self._provider.client_id
        authorized_party = claims.get(
            "azp", client_id if isinstance(claims["aud"], str) or len(claims["aud"]) == 1 else None
        )
        token_nonce = claims.get("nonce")
        if authorized_party != client_id:
            raise authorization_code.verification_failed(self._provider, "the ID token is for another client")
        if not isinstance(token_nonce, str) or not hmac.compare_digest(token_nonce.encode(), nonce.encode()):
            raise authorization_code.verification_failed(self._provider, "the ID token is of another login")

    async def _fetch_userinfo(self, metadata: dict[str, Any], token: object, subject: str) -> dict[str, Any]:
        """Return the issuer's additional claims, if they are about the same user."""
        url = metadata.get("userinfo_endpoint")
        if url is None or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            return {}
        status, body = await self._client.request(
            self.title, url, headers={"Authorization": f"Bearer {token}"}
        )
        if status != authorization_code.HTTP_OK or not isinstance(body, dict) or body.get("sub") != subject:
            return {}
        return body


def _parse_keys(key_set: dict[str, Any]) -> list[jwt.PyJWK]:
    """Return the signing keys. Keys that the library does not support are omitted."""
    candidates = key_set.get("keys")
    keys = []
    for each in candidates if isinstance(candidates, list) else ():
        if not isinstance(each, dict) or each.get("use", "sig") != "sig" or each.get("kty") == "oct":
            continue
        try:
            keys.append(jwt.PyJWK(each))
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    return keys


def to_identity(claims: dict[str, Any]) -> VerifiedIdentity:
    """Return the identity from verified claims."""
    email, name = claims.get("email"), claims.get("name")
    # Some issuers write the boolean as text.
    email_verified = claims.get("email_verified")
    verified = (email_verified is True or email_verified == "true") and isinstance(email, str)
    return VerifiedIdentity(claims["sub"], email if verified else None, name if isinstance(name, str) else "")
