"""Preferences: everything that can be chosen, with its default. Nothing else can be stored."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hubbub.schemas.base import Command, View

Hour = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class AppPreferences(View):
    """How the app looks and behaves, on all devices of a person."""

    theme: Literal["system", "light", "dark"] = "system"
    language: Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] = "en"
    time_zone: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$")] = "UTC"
    density: Literal["comfortable", "compact"] = "comfortable"
    enter_sends: bool = True
    sounds: bool = True


class NotificationPreferences(View):
    """Which notifications are made; none is pushed in quiet hours (in the person's time zone)."""

    message_direct: bool = True
    message_mention: bool = True
    message_reply: bool = True
    room_invited: bool = True
    system_announcement: bool = True
    push: bool = True
    quiet_from: Hour | None = None
    quiet_until: Hour | None = None


class EmailPreferences(View):
    """Which e-mails are sent beside those that an account can't do without (verification, passwords)."""

    new_login: bool = True
    message_direct: bool = False
    message_mention: bool = False
    announcements: bool = True
    digest: Literal["off", "daily", "weekly"] = "off"


def changes(kind: type[View], name: str) -> type[Command]:
    """The command that changes some of the fields: what is not given stays."""
    hints = {field.name: field.type for field in msgspec.structs.fields(kind)}
    fields: list[Any] = [(field, hint | UnsetType, UNSET) for field, hint in hints.items()]
    made: Any = msgspec.defstruct(name, fields, bases=(Command,), frozen=True, kw_only=True)
    return made  # type: ignore[no-any-return]


UpdateApp = changes(AppPreferences, "UpdateApp")
UpdateNotifications = changes(NotificationPreferences, "UpdateNotifications")
UpdateEmail = changes(EmailPreferences, "UpdateEmail")
