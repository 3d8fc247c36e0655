"""What a client sends to connect and to renew its token, and why a socket or a session ends."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View


class ConnectAuth(Command):
    """The data of a CONNECT. A reconnect sends `epoch` and `cursors`."""

    token: Annotated[str, Meta(max_length=4096)] | None = None
    epoch: Annotated[str, Meta(max_length=100)] | None = None
    cursors: Annotated[dict[UUID, int], Meta(max_length=500)] | None = None


class RefreshAuth(Command):
    token: Annotated[str, Meta(max_length=4096)]


class Expiry(View):
    expires_at: str


class CloseCode(StrEnum):
    """Why the server closes a socket: `code` of the event `closing`, label of the metric `sockets_closed`."""

    DRAINING = "draining"
    OVERLOADED = "overloaded"
    SLOW_CONSUMER = "slow_consumer"
    PROTOCOL_ERROR = "protocol_error"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a code
    SESSION_REVOKED = "session_revoked"
    SUSPENDED = "suspended"
    FLOODING = "flooding"

    @property
    def reconnects(self) -> bool:
        """Whether a stock client reconnects by itself."""
        return self not in _NO_RECONNECT


_NO_RECONNECT = frozenset(
    {CloseCode.TOKEN_EXPIRED, CloseCode.SESSION_REVOKED, CloseCode.SUSPENDED, CloseCode.FLOODING}
)


class SessionEndReason(StrEnum):
    """Why a session ended: `reason` of the event `auth:revoked`, and of the session's row.

    A value that is not in this list, of another release, is read as `session_ended`.
    """

    LOGGED_OUT = "logged_out"
    ENDED_BY_USER = "ended_by_user"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason
    PASSWORD_RESET = "password_reset"  # noqa: S105 - likewise
    EMAIL_RESTORED = "email_restored"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - likewise
    ACCOUNT_DELETED = "account_deleted"
    SESSION_ENDED = "session_ended"

    @classmethod
    def _missing_(cls, value: object) -> "SessionEndReason | None":
        return cls.SESSION_ENDED if isinstance(value, str) else None
