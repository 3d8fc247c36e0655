"""Errors as clients receive them over Socket.IO."""

from msgspec import UNSET, UnsetType

from hubbub.core.errors import HubbubError
from hubbub.schemas.base import View


class FieldError(View):
    """What is wrong with one field of a payload."""

    field: str
    message: str


class ErrorBody(View):
    """An error of an ack, of the event `error`, or of a refused connection. Programs decide by `code`."""

    code: str
    message: str
    fields: list[FieldError] | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET


def to_view(error: HubbubError) -> ErrorBody:
    """Return the body of an error, with `fields` and `retry_after_ms` where it has them."""
    fields = [FieldError(field=field, message=message) for field, message in error.fields]
    retry_after_ms = UNSET if error.retry_after_ms is None else error.retry_after_ms
    return ErrorBody(
        code=error.code, message=error.message, fields=fields or UNSET, retry_after_ms=retry_after_ms
    )
