"""Views of notifications: title and body in the language of the user, from what the database holds now.

Nothing of another user is copied into an inbox. The name of the actor, the name of the room and the beginning
of the message are read with the notification, so that it shows nothing of a deleted message or account.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import UNSET

from hubbub.core import clock
from hubbub.queries.notifications.inbox import InboxRow
from hubbub.schemas.notifications import notifications as wire
from hubbub.schemas.notifications.notifications import NotificationData
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.schemas.users.users import User
from hubbub.services.mail.templates import resolve_language

FOLDER = Path(__file__).with_name("texts_data")
MAX_UNREAD = 1000  # more are not counted for clients
BODY_CHARS = 140  # of a message that a notification shows


@cache
def _texts(language: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))


def to_view(row: InboxRow, language: str) -> wire.Notification:
    """Return a notification of an inbox, with texts in a language such as `de-AT`."""
    return wire.Notification(
        id=row.id,
        seq=row.seq or 0,
        kind=row.kind,  # type: ignore[arg-type] # stored by this release or an earlier one
        title=title(row, language),
        body=body(row, language),
        data=_data(row),
        actor=User(**row.actor) if row.actor is not None else None,
        read_at=clock.rfc3339(row.read_at) if row.read_at is not None else None,
        created_at=clock.rfc3339(row.created_at),
    )


def capped_unread(unread: int) -> int:
    """Return an unread count as clients receive it: 1000 means 1000 or more."""
    return max(0, min(unread, MAX_UNREAD))


def title(row: InboxRow, language: str) -> str:
    """Return the title: one line."""
    if row.announcement is not None:
        return row.announcement[0]
    texts = _texts(resolve_language(language))
    template: str = texts["titles"].get(row.kind, row.kind)
    return template.format(**_values(row, texts))


def body(row: InboxRow, language: str) -> str:
    """Return the body: the beginning of the message, or the text of the kind. It may be empty."""
    if row.announcement is not None:
        return row.announcement[1]
    if row.message_id is not None:
        return _shortened(row.message_body or "")
    content = content_of(row)
    if row.kind == NotificationKind.PORTFOLIO_MESSAGE:
        return f"{content['body']}\n\n{content['email']}"  # to which the user responds
    if "body" in content:
        return str(content["body"])
    texts = _texts(resolve_language(language))
    template: str = texts["bodies"].get(row.kind, "")
    return template.format(**_values(row, texts))


def content_of(row: InboxRow) -> wire.Content:
    """Return what the row itself holds."""
    return wire.decode_content(row.content)


def _values(row: InboxRow, texts: dict[str, Any]) -> dict[str, str]:
    content = content_of(row)
    return {
        "sender": "",
        "device_name": "",
        "ip": "",
        **{name: str(value) for name, value in content.items()},
        "actor": row.actor["display_name"] if row.actor is not None else texts["unnamed_user"],
        "room": row.room_name or texts["unnamed_room"],
    }


def _shortened(text: str) -> str:
    return text if len(text) <= BODY_CHARS else text[: BODY_CHARS - 1] + "…"


def _data(row: InboxRow) -> NotificationData:
    content = content_of(row)
    if row.kind == NotificationKind.ANNOUNCEMENT:
        return NotificationData(url=row.announcement[2] if row.announcement is not None else None)
    if row.kind == NotificationKind.PORTFOLIO_MESSAGE:
        return NotificationData(url=content.get("url"))
    session_id = content.get("session_id")
    return NotificationData(
        room_id=row.room_id if row.room_id is not None else UNSET,
        message_id=row.message_id if row.message_id is not None else UNSET,
        seq=row.message_seq if row.message_seq is not None else UNSET,
        session_id=UUID(session_id) if session_id is not None else UNSET,
        device_name=content.get("device_name", UNSET),
        ip=content.get("ip", UNSET),
        at=content.get("at", UNSET),
    )
