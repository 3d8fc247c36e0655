"""The kinds of notifications: one closed list for events, preferences and stored rows."""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta


class NotificationKind(StrEnum):
    """What a notification is about. The names are those of the preferences."""

    MESSAGE_DIRECT = "message.direct"
    MESSAGE_MENTION = "message.mention"
    MESSAGE_REPLY = "message.reply"
    ROOM_INVITED = "room.invited"
    PORTFOLIO_MESSAGE = "portfolio.message"
    NEW_LOGIN = "security.new_login"
    PASSWORD_CHANGED = "security.password_changed"  # noqa: S105 - a kind
    ANNOUNCEMENT = "system.announcement"

    @property
    def is_security(self) -> bool:
        """Whether it concerns the security of the account. Such a kind is always in the inbox."""
        return self in (NotificationKind.NEW_LOGIN, NotificationKind.PASSWORD_CHANGED)

    @property
    def is_message(self) -> bool:
        """Whether it follows from a message in a room."""
        return self.value.startswith("message.")


KindName = Annotated[
    Literal[
        "message.direct",
        "message.mention",
        "message.reply",
        "room.invited",
        "portfolio.message",
        "security.new_login",
        "security.password_changed",
        "system.announcement",
    ],
    Meta(description="What it is about. Preferences have the same names."),
]
