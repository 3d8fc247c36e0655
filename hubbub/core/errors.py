"""Everything that can be refused: one class per stable code, the same over sockets and REST."""

import copy
from typing import ClassVar, TypeVar

MAX_SUMMARY_FIELDS = 5  # fields of a payload, in the message about it
E = TypeVar("E", bound=Exception)


class HubbubError(Exception):
    """A refusal that its sender is told about.

    `message` is for a person and holds nothing secret. `fields` names what was wrong in a payload, as
    (field, message) pairs. `retry_after_ms` is set where trying again later makes sense.
    """

    code: ClassVar[str] = "internal"
    default: ClassVar[str] = "Something went wrong."

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: tuple[tuple[str, str], ...] = (),
        retry_after_ms: int | None = None,
    ) -> None:
        self.message = message or self._summary(fields)
        self.fields = fields
        self.retry_after_ms = retry_after_ms
        super().__init__(self.message)

    def _summary(self, _fields: tuple[tuple[str, str], ...]) -> str:
        """The message of an error that was raised without one."""
        return self.default


class InvalidPayload(HubbubError):
    """Without a message of its own, it has the names and reasons of the first fields."""

    code = "invalid_payload"
    default = "The payload is not valid."

    def _summary(self, fields: tuple[tuple[str, str], ...]) -> str:
        summary = " ".join(f"{field}: {reason}" for field, reason in fields[:MAX_SUMMARY_FIELDS])
        omitted = len(fields) - MAX_SUMMARY_FIELDS
        return f"{summary} And {omitted} more." if omitted > 0 else summary or self.default


class InvalidJson(HubbubError):
    code = "invalid_json"
    default = "The body is not valid JSON."


class UnknownEvent(HubbubError):
    code = "unknown_event"
    default = "There is no such event."


class Unauthenticated(HubbubError):
    code = "unauthenticated"
    default = "Log in first: the access token is missing or not valid."


class TokenExpired(HubbubError):
    code = "token_expired"
    default = "The access token has run out. Get a new one with the refresh token."


class SessionRevoked(HubbubError):
    code = "session_revoked"
    default = "This session has been ended. Log in again."


class Suspended(HubbubError):
    code = "suspended"
    default = "This account is suspended."


class InvalidToken(HubbubError):
    code = "invalid_token"
    default = "This token is spent, unknown or meant for something else."


class Forbidden(HubbubError):
    code = "forbidden"
    default = "You may not do that."


class ConfirmationRequired(HubbubError):
    code = "confirmation_required"
    default = "This needs your password: confirm the session with POST /auth/confirm first."


class NotFound(HubbubError):
    code = "not_found"
    default = "There is no such thing, or it is not yours to see."


class NotMember(HubbubError):
    code = "not_a_member"
    default = "You are not a member of this room."


class Conflict(HubbubError):
    code = "conflict"
    default = "That is taken already."


class TooLarge(HubbubError):
    code = "too_large"
    default = "That is larger than allowed."


class UnsupportedMediaType(HubbubError):
    code = "unsupported_media_type"
    default = "Send JSON, with the header Content-Type: application/json."


class MethodNotAllowed(HubbubError):
    code = "method_not_allowed"
    default = "This address does not take that method."


class RateLimited(HubbubError):
    code = "rate_limited"
    default = "That was too often. Wait a moment and try again."


class TooManyConnections(HubbubError):
    code = "too_many_connections"
    default = "There are too many connections already."


class Unavailable(HubbubError):
    code = "unavailable"
    default = "The database is away. Try again; a message keeps its client_id."


class Internal(HubbubError):
    code = "internal"


def codes() -> list[str]:
    """Return all codes, sorted."""
    return sorted({kind.code for kind in HubbubError.__subclasses__()})


def clear_tracebacks(error: BaseException) -> None:
    """Drop the tracebacks of an exception and of those that led to it: their frames hold client data.

    For an exception that became a response. A frame that holds its own exception lives until the next
    collection of cycles, and with it the data of every caller up to the read from the client.
    """
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None:
            continue
        pending += (current.__cause__, current.__context__)
        current.__traceback__ = current.__cause__ = current.__context__ = None


def unraised_copy(error: E) -> E:
    """Return an equal exception that was never raised.

    For an exception that is kept: raised again itself, it would collect the frames of all who get it.
    """
    try:
        return copy.copy(error)
    except TypeError:  # its constructor takes other arguments than it has
        return error.with_traceback(None)
