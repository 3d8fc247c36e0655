"""Cursors of lists: where the last page ended, as opaque text that the client hands back."""

import base64
import binascii
import json
from datetime import UTC, datetime
from uuid import UUID

from hubbub.core.errors import InvalidPayload


def write(place: datetime | str, row_id: UUID) -> str:
    """The place of the last row shown, and its id to tell rows of one place apart."""
    at = place.astimezone(UTC).isoformat() if isinstance(place, datetime) else place
    return base64.urlsafe_b64encode(json.dumps([at, str(row_id)]).encode()).decode().rstrip("=")


def read_text(cursor: str) -> tuple[str, UUID]:
    """Raises InvalidPayload for a cursor that no list gave out."""
    try:
        place, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(place, str) or "\x00" in place:
            raise _unknown()
        return place, UUID(row_id)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise _unknown() from None


def read_time(cursor: str) -> tuple[datetime, UUID]:
    """As `read_text`, of a list ordered by time."""
    place, row_id = read_text(cursor)
    try:
        return datetime.fromisoformat(place).astimezone(UTC), row_id
    except ValueError:
        raise _unknown() from None


def read_id(cursor: str) -> UUID:
    """A cursor that is the id of the last row."""
    try:
        return UUID(cursor)
    except ValueError:
        raise _unknown() from None


def _unknown() -> InvalidPayload:
    return InvalidPayload(fields=(("cursor", "Not a cursor of this list."),))
