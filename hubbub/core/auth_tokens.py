"""Access and refresh tokens: JWTs with one algorithm, each valid for one purpose.

A token names its signing key (`kid`), so that the key can be replaced. Tokens of former keys are accepted as
long as these are configured.
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import jwt

from hubbub.core import clock
from hubbub.core.errors import InvalidToken, TokenExpired, Unauthenticated

ALGORITHM = "HS256"
ISSUER = "hubbub"
ACCESS_AUDIENCE, REFRESH_AUDIENCE = "hubbub:access", "hubbub:refresh"
API_KEY_PREFIX = "hub_"  # of API keys, which are not tokens


def is_api_key(text: str) -> bool:
    """Return whether a text sent as a token is an API key."""
    return text.startswith(API_KEY_PREFIX)


class AccessClaims(NamedTuple):
    user_id: UUID
    session_id: UUID
    expires_at: datetime


class RefreshClaims(NamedTuple):
    user_id: UUID
    session_id: UUID
    token_id: str


def key_id(secret: str) -> str:
    """Return the `kid` of a key. It reveals no more of the key than the token's signature does."""
    return hmac.new(secret.encode(), b"hubbub:kid", hashlib.sha256).hexdigest()[:16]


def _encoded_header(kid: str, secret: str) -> str:
    return jwt.encode({}, secret, ALGORITHM, {"kid": kid}).partition(".")[0]


class TokenIssuer:
    """Issues tokens with one key; verifies tokens of this key and the accepted ones."""

    def __init__(
        self, secret: str, access_ttl_s: int, refresh_ttl_s: int, accepted_secrets: Iterable[str] = ()
    ) -> None:
        self._secret = secret  # the signing key
        self._key_id = key_id(secret)  # of the signing key
        self._secrets_by_key_id = {key_id(each): each for each in (*accepted_secrets, secret)}
        # The first parts of hubbub's own tokens, which need not be parsed each time.
        self._secrets_by_header = {
            _encoded_header(name, each): each for name, each in self._secrets_by_key_id.items()
        }
        self.access_ttl_s = access_ttl_s  # lifetime of an access token
        self.refresh_ttl_s = refresh_ttl_s  # lifetime of a refresh token

    def issue_access(self, user_id: UUID, session_id: UUID) -> tuple[str, datetime]:
        """Return an access token and its expiry."""
        return self._encode(ACCESS_AUDIENCE, user_id, session_id, self.access_ttl_s, {})

    def issue_refresh(self, user_id: UUID, session_id: UUID, token_id: str) -> tuple[str, datetime]:
        """Return a refresh token and its expiry. `token_id` tells the current token from used ones."""
        return self._encode(REFRESH_AUDIENCE, user_id, session_id, self.refresh_ttl_s, {"jti": token_id})

    def _encode(
        self, audience: str, user_id: UUID, session_id: UUID, ttl_s: int, extra_claims: dict[str, Any]
    ) -> tuple[str, datetime]:
        now = clock.now()
        expires_at = now + timedelta(seconds=ttl_s)
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "iat": now,
            "exp": expires_at,
            **extra_claims,
        }
        return jwt.encode(claims, self._secret, ALGORITHM, {"kid": self._key_id}), expires_at.replace(
            microsecond=0
        )

    def verify_access(self, token: str) -> AccessClaims:
        """Return the claims of an access token. Raises TokenExpired, Unauthenticated."""
        try:
            claims = self._decode(token, ACCESS_AUDIENCE, [])
            return AccessClaims(
                UUID(claims["sub"]), UUID(claims["sid"]), datetime.fromtimestamp(claims["exp"], UTC)
            )
        except jwt.ExpiredSignatureError:
            raise TokenExpired from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError):
            raise Unauthenticated from None

    def verify_refresh(self, token: str) -> RefreshClaims:
        """Return the claims of a refresh token. Raises InvalidToken."""
        try:
            claims = self._decode(token, REFRESH_AUDIENCE, ["jti"])
            return RefreshClaims(UUID(claims["sub"]), UUID(claims["sid"]), str(claims["jti"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError):
            raise InvalidToken from None

    def _decode(self, token: str, audience: str, extra_required: list[str]) -> dict[str, Any]:
        required_claims = ["exp", "iat", "sub", "sid", "aud", "iss", *extra_required]
        claims: dict[str, Any] = jwt.decode(
            token,
            self._secret_for(token),
            [ALGORITHM],
            options={"require": required_claims},
            audience=audience,
            issuer=ISSUER,
            leeway=clock.MAX_CLOCK_SKEW,
        )
        # The expiry was sent to the client as `expires_in` and is exact. The leeway is for other machines'
        # clocks.
        if int(claims["exp"]) <= clock.now().timestamp():
            raise jwt.ExpiredSignatureError
        return claims

    def _secret_for(self, token: str) -> str:
        """Return the key that a token names; without a name (older releases), the current one."""
        if (known := self._secrets_by_header.get(token.partition(".")[0])) is not None:
            return known
        key_id = jwt.get_unverified_header(token).get("kid", self._key_id)
        if (secret := self._secrets_by_key_id.get(key_id)) is None:
            raise jwt.InvalidTokenError("signed with an unknown key")
        return secret
