"""Access and refresh tokens: JWTs with one algorithm, each valid for one purpose.

A token names its signing key (`kid`), so that the key can be replaced. Tokens of former keys are accepted as
long as these are configured.
"""

import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import jwt
import msgspec

from hubbub.core import clock
from hubbub.core.errors import InvalidToken, TokenExpired, Unauthenticated

ALGORITHM = "HS256"
ISSUER = "hubbub"
ACCESS_AUDIENCE, REFRESH_AUDIENCE = "hubbub:access", "hubbub:refresh"
API_KEY_PREFIX = "hub_"  # of API keys, which are not tokens
MAX_VERIFIED_TOKENS = 20_000  # verified access tokens that are remembered, about 600 bytes each
SIGNATURE_CHARS = 43  # of a token as `issue_access` writes it; PyJWT also accepts one with padding
_MAX_CLOCK_SKEW_S = clock.MAX_CLOCK_SKEW.total_seconds()
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # from Base64 to Base64url (RFC 4648)


def is_api_key(text: str) -> bool:
    """Return whether a text sent as a token is an API key."""
    return text.startswith(API_KEY_PREFIX)


class AccessClaims(NamedTuple):
    user_id: UUID
    session_id: UUID
    expires_at: datetime


class _OwnPayload(msgspec.Struct, forbid_unknown_fields=True):
    """The claims of an access token as `issue_access` writes them."""

    iss: str
    aud: str
    sub: UUID
    sid: UUID
    iat: int
    exp: int


_own_payload = msgspec.json.Decoder(_OwnPayload)


class RefreshClaims(NamedTuple):
    user_id: UUID
    session_id: UUID
    token_id: str


def key_id(secret: str) -> str:
    """Return the `kid` of a key. It reveals no more of the key than the token's signature does."""
    return hmac.new(secret.encode(), b"hubbub:kid", hashlib.sha256).hexdigest()[:16]


def _encoded_header(kid: str, secret: str) -> str:
    return jwt.encode({}, secret, ALGORITHM, {"kid": kid}).partition(".")[0]


class VerifiedTokens:
    """The claims of the access tokens that were verified last, by a digest of the token.

    Only verified tokens are added, so a client without an account can't fill it. The end of a session is not
    in its tokens and is checked elsewhere, in any case. Other keys need a restart, which forgets all tokens.
    """

    def __init__(self, max_tokens: int = MAX_VERIFIED_TOKENS) -> None:
        self._max_tokens = max_tokens
        # By digest, so that the memory of the process has no token that can be used; the latest use is last.
        self._claims: OrderedDict[bytes, AccessClaims] = OrderedDict()

    def __len__(self) -> int:
        return len(self._claims)

    def get(self, token: str) -> AccessClaims | None:
        """Return the claims of a verified token, None if it is unknown. Raises TokenExpired."""
        digest = _digest(token)
        claims = self._claims.get(digest)
        if claims is None:
            return None
        if claims.expires_at <= clock.now():
            del self._claims[digest]
            raise TokenExpired
        self._claims.move_to_end(digest)
        return claims

    def add(self, token: str, claims: AccessClaims) -> None:
        """Remember a verified token. One that is spelled in another way than issued is ignored."""
        if len(token.rpartition(".")[2]) != SIGNATURE_CHARS:
            return
        self._claims[_digest(token)] = claims
        if len(self._claims) > self._max_tokens:
            self._claims.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


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
        self._keys_by_header = {header: each.encode() for header, each in self._secrets_by_header.items()}
        self.access_ttl_s = access_ttl_s  # lifetime of an access token
        self.refresh_ttl_s = refresh_ttl_s  # lifetime of a refresh token
        self._verified = VerifiedTokens()  # access tokens that need no second verification

    def issue_access(self, user_id: UUID, session_id: UUID) -> tuple[str, datetime]:
        """Return an access token and its expiry."""
        return self._encode(ACCESS_AUDIENCE, user_id, session_id, self.access_ttl_s, {})

    def issue_refresh(self, user_id: UUID, session_id: UUID, token_id: str) -> tuple[str, datetime]:
        """Return a refresh token and its expiry. `token_id` distinguishes it from tokens that were used."""
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
        token = jwt.encode(claims, self._secret, ALGORITHM, {"kid": self._key_id})
        return token, expires_at.replace(microsecond=0)

    def verify_access(self, token: str) -> AccessClaims:
        """Return the claims of an access token. Raises TokenExpired, Unauthenticated."""
        if (known := self._verified.get(token)) is not None:
            return known
        verified = self.verify_access_once(token)
        self._verified.add(token, verified)
        return verified

    def verify_access_once(self, token: str) -> AccessClaims:
        """Do what `verify_access` does, without remembering a token that is not expected again soon."""
        if (own := self._verify_own(token)) is not None:
            return own
        try:
            claims = self._decode(token, ACCESS_AUDIENCE, [])
            return AccessClaims(
                UUID(claims["sub"]), UUID(claims["sid"]), datetime.fromtimestamp(claims["exp"], UTC)
            )
        except jwt.ExpiredSignatureError:
            raise TokenExpired from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError):
            raise Unauthenticated from None

    def _verify_own(self, token: str) -> AccessClaims | None:
        """FAST PATH: return the claims of a token exactly as `issue_access` writes it, valid now.

        Returns None for every other text, whose faults PyJWT decides: it takes ten times as long.
        """
        head, _, signature = token.rpartition(".")
        header, _, payload = head.partition(".")
        key = self._keys_by_header.get(header)
        if key is None or len(signature) != SIGNATURE_CHARS or not token.isascii():
            return None
        digest = binascii.b2a_base64(hmac.digest(key, head.encode(), "sha256"), newline=False)
        if not hmac.compare_digest(digest[:SIGNATURE_CHARS].translate(_TO_URL_SAFE), signature.encode()):
            return None
        try:
            padded = payload.replace("-", "+").replace("_", "/") + "=="
            claims = _own_payload.decode(binascii.a2b_base64(padded))
            expires_at = datetime.fromtimestamp(claims.exp, UTC)
        except (msgspec.MsgspecError, ValueError, OverflowError, OSError):
            return None
        now = clock.now().timestamp()
        if (
            claims.iss != ISSUER
            or claims.aud != ACCESS_AUDIENCE
            or claims.iat > now + _MAX_CLOCK_SKEW_S
            or claims.exp <= now
        ):
            return None
        return AccessClaims(claims.sub, claims.sid, expires_at)

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
        # The leeway is for the clocks of other machines. The expiry is exact: the client received it.
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
