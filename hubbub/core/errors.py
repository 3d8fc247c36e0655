"""Errors that clients receive: one class per stable code, the same over sockets and REST."""

import copy
from typing import ClassVar, TypeVar

MAX_SUMMARY_FIELDS = 5  # fields of a payload, in the message about it
E = TypeVar("E", bound=Exception)


class HubbubError(Exception):
    """An error that its caller receives.

    `message` is human-readable and holds nothing secret. `fields` names what is wrong in a payload, as
    (field, message) pairs. `retry_after_ms` is set where a later attempt may succeed.
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
        """Return the message of an error that was raised without one."""
        return self.default


class InvalidPayload(HubbubError):
    """The payload is invalid. The default message has the names and reasons of the first fields."""

    code = "invalid_payload"
    default = "The payload is not valid."

    def _summary(self, fields: tuple[tuple[str, str], ...]) -> str:
        summary = " ".join(f"{field}: {reason}" for field, reason in fields[:MAX_SUMMARY_FIELDS])
        omitted = len(fields) - MAX_SUMMARY_FIELDS
        return f"{summary} And {omitted} more." if omitted > 0 else summary or self.default


class UnsupportedContent(InvalidPayload):
    """The content of a file is of no permitted type. Only requests over HTTP have files."""

    code = "unsupported_media_type"
    default = "The content is of no permitted type."


class UnknownEvent(HubbubError):
    code = "unknown_event"
    default = "There is no such event."


class Unauthenticated(HubbubError):
    code = "unauthenticated"
    default = "Log in first: the access token is missing or not valid."


class TokenExpired(HubbubError):
    code = "token_expired"
    default = "The access token has expired. Get a new one with the refresh token."


class SessionRevoked(HubbubError):
    code = "session_revoked"
    default = "This session was revoked. Log in again."


class Suspended(HubbubError):
    code = "suspended"
    default = "This account is suspended."


class InvalidToken(HubbubError):
    code = "invalid_token"
    default = "This token is used, expired, unknown or for another purpose."


class Forbidden(HubbubError):
    code = "forbidden"
    default = "You may not do that."


class ConfirmationRequired(HubbubError):
    code = "confirmation_required"
    default = "This needs your password: confirm the session with POST /auth/confirm first."


class NotFound(HubbubError):
    code = "not_found"
    default = "This does not exist, or you may not see it."


class NotMember(HubbubError):
    code = "not_a_member"
    default = "You are not a member of this room."


class Conflict(HubbubError):
    code = "conflict"
    default = "That is taken already."


class PreconditionFailed(Conflict):
    """The object has changed since the caller read it. Only requests over HTTP state what they expect."""

    code = "precondition_failed"
    default = "This was changed since you read it. Get it again, and repeat your change."


class TooLarge(HubbubError):
    code = "too_large"
    default = "That is larger than allowed."


class RateLimited(HubbubError):
    code = "rate_limited"
    default = "That was too often. Wait a moment and try again."


class TooManyConnections(HubbubError):
    code = "too_many_connections"
    default = "There are too many connections already."


class Unavailable(HubbubError):
    code = "unavailable"
    default = "The database is unavailable. Try again, and send a message with the same client_id."


class StorageFull(Unavailable):
    """The storage of files has no room. Over HTTP its status is 507."""

    default = "The storage of files is full."


class Internal(HubbubError):
    code = "internal"


def codes() -> list[str]:
    """Return the codes of this module, sorted: those that every edge may use."""
    return sorted({kind.code for kind in HubbubError.__subclasses__() if kind.__module__ == __name__})


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


class SharedError:
    """An error that several callers receive: kept once, raised as a copy for each."""

    __slots__ = ("_error", "cause")

    def __init__(self, error: Exception, cause: Exception | None = None) -> None:
        self._error = unraised_copy(error)
        # The `__cause__` of the copies. The traceback of an unexpected error is logged.
        self.cause = cause if isinstance(error, HubbubError) else error

    def copy(self) -> Exception:
        """Return the exception to raise `from` the cause."""
        return unraised_copy(self._error)


def unraised_copy(error: E) -> E:
    """Return an equal exception that was never raised.

    For an exception that is kept: raised again itself, it would collect the frames of all its receivers.
    """
    try:
        return copy.copy(error)
    except TypeError:  # its constructor has other parameters than its `args`
        return error.with_traceback(None)
