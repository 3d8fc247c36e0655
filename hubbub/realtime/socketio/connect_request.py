"""The content of a CONNECT, after its token was verified in memory."""

from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.core.auth_tokens import AccessClaims, TokenIssuer, is_api_key
from hubbub.core.errors import InvalidPayload, Unauthenticated
from hubbub.realtime.engine import HandshakeInfo
from hubbub.schemas.base import parse
from hubbub.schemas.sync import connection as wire

if TYPE_CHECKING:
    from hubbub.services.instance.loaded_memberships import LoadedMemberships

REQUEST_OVERHEAD_BYTES = 400  # size of a waiting request without its cursors
ID_BYTES, SEQ_BYTES = 16, 8
MAX_SEQ = (1 << 63) - 1
API_KEY_REFUSED = "That is an API key. It is valid over REST alone. Connect with an access token."


class ConnectRequest:
    """The verified claims of a token, and the positions up to which the client has the logs."""

    __slots__ = ("_cursors", "_packed", "claims", "epoch", "memberships")

    def __init__(self, claims: AccessClaims, epoch: str | None, cursors: dict[UUID, int] | None) -> None:
        self.claims = claims  # of the access token
        self.epoch = epoch  # the epoch of the cursors
        self._cursors = cursors  # last `seq` by room; None: packed, or not given
        self._packed: bytes | None = None  # the cursors of a request that waits or waited
        self.memberships: LoadedMemberships | None = None  # read with the session; None: not

    @property
    def user_id(self) -> UUID:
        return self.claims.user_id

    @property
    def session_id(self) -> UUID:
        return self.claims.session_id

    @property
    def was_queued(self) -> bool:
        """Whether the request waited. Its token may have expired since it was verified."""
        return self._packed is not None

    def pack(self) -> int:
        """Keep the cursors in less memory while the request waits. Return its size in bytes."""
        if self._packed is None:
            cursors, self._cursors = self._cursors or {}, None
            self._packed = b"".join(
                room_id.bytes + max(0, min(seq, MAX_SEQ)).to_bytes(SEQ_BYTES, "big")
                for room_id, seq in cursors.items()
            )
        return REQUEST_OVERHEAD_BYTES + len(self._packed)

    @property
    def cursors(self) -> dict[UUID, int] | None:
        """The last `seq` that the client has, by room."""
        packed, step = self._packed, ID_BYTES + SEQ_BYTES
        if packed is None:
            return self._cursors
        return {
            UUID(bytes=packed[at : at + ID_BYTES]): int.from_bytes(packed[at + ID_BYTES : at + step], "big")
            for at in range(0, len(packed), step)
        }


def verify(tokens: TokenIssuer, handshake_info: HandshakeInfo, auth: object) -> ConnectRequest:
    """Verify the token of a CONNECT in memory: signature, expiry, purpose and claims.

    The token is in `auth`, else in the Authorization header, else in the query of the handshake.
    Raises Unauthenticated, TokenExpired.
    """
    connect_auth = _parse_auth(auth)
    token = connect_auth.token or _find_token(handshake_info)
    require_no_api_key(token)
    return ConnectRequest(
        tokens.verify_access_once(token),  # each socket sends one token, and there are many sockets
        connect_auth.epoch,
        connect_auth.cursors,
    )


def require_no_api_key(token: str) -> None:
    """Refuse an API key that is sent as an access token. Raises Unauthenticated."""
    if is_api_key(token):
        raise Unauthenticated(API_KEY_REFUSED)


def _parse_auth(auth: object) -> wire.ConnectAuth:
    if auth is None:
        return wire.ConnectAuth()
    try:
        return parse(wire.ConnectAuth, auth)
    except InvalidPayload as error:
        raise Unauthenticated(f"auth: {error.message}") from None


def _find_token(handshake_info: HandshakeInfo) -> str:
    header = handshake_info.authorization
    if header[:7].lower() == "bearer ":
        return header[7:].strip()
    if not handshake_info.token:
        raise Unauthenticated(API_KEY_REFUSED if handshake_info.has_api_key else None)
    return handshake_info.token
