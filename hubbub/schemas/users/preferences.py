"""Preferences: all options with their defaults. Nothing else can be stored."""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hubbub.core.text import languages, time_zones
from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import text_rules


def _time_of_day_fault(text: str) -> str | None:
    return None if _TIME_OF_DAY.search(text) else "Must be a time of day, such as 07:30."


def _language_fault(text: str) -> str | None:
    return None if languages.canonical(text) else "Must be a language tag, such as en or pt-BR."


def _time_zone_fault(text: str) -> str | None:
    return None if text in time_zones.names() else "Must be a time zone, such as Europe/Rome."


_TIME_OF_DAY = re.compile(r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")
_TIME_OF_DAY_RULES = text_rules(_time_of_day_fault, "A time of day: `HH:MM`.", pattern=_TIME_OF_DAY.pattern)
_LANGUAGE_RULES = text_rules(_language_fault, "A language tag (BCP 47), in any case.", lazy="language")
_TIME_ZONE_RULES = text_rules(_time_zone_fault, "A time zone of the IANA database.", lazy="time_zone")
TimeOfDay = Annotated[str, Meta(max_length=5, **_TIME_OF_DAY_RULES)]


class AppPreferences(View):
    """Appearance and behaviour of the app, on all devices of a user."""

    theme: Annotated[Literal["system", "light", "dark"], Meta(description="`system` follows the device.")] = (
        "system"
    )
    language: Annotated[str, Meta(max_length=languages.MAX_TAG_CHARS, **_LANGUAGE_RULES)] = "en"
    time_zone: Annotated[str, Meta(max_length=64, **_TIME_ZONE_RULES)] = "UTC"
    density: Annotated[
        Literal["comfortable", "compact"], Meta(description="Spacing of the list of messages.")
    ] = "comfortable"
    enter_sends: Annotated[bool, Meta(description="False: Enter starts a new line.")] = True
    sounds: Annotated[bool, Meta(description="True plays a sound for new messages.")] = True


class NotificationPreferences(View):
    """Which notifications are created. None is pushed in quiet hours (in the user's time zone)."""

    message_direct: Annotated[bool, Meta(description="For messages in direct rooms.")] = True
    message_mention: Annotated[bool, Meta(description="For messages that mention the user.")] = True
    message_reply: Annotated[bool, Meta(description="For replies to messages of the user.")] = True
    room_invited: Annotated[bool, Meta(description="When another user adds the user to a room.")] = True
    system_announcement: Annotated[bool, Meta(description="For news of the operator.")] = True
    push: Annotated[bool, Meta(description="False: no notification is sent to devices.")] = True
    quiet_from: (
        Annotated[
            TimeOfDay,
            Meta(
                description=("Start of the quiet hours, in the time zone of the app preferences. Null: none.")
            ),
        ]
        | None
    ) = None
    quiet_until: (
        Annotated[
            TimeOfDay,
            Meta(
                description=("End of the quiet hours, after midnight if it is before the start. Null: none.")
            ),
        ]
        | None
    ) = None


class EmailPreferences(View):
    """Which e-mails are sent in addition to mandatory ones (verification, passwords)."""

    new_login: Annotated[bool, Meta(description="After a login from an unknown device.")] = True
    message_direct: Annotated[bool, Meta(description="For unread messages in direct rooms.")] = False
    message_mention: Annotated[bool, Meta(description="For unread messages that mention the user.")] = False
    announcements: Annotated[bool, Meta(description="News of the operator.")] = True
    digest: Annotated[
        Literal["off", "daily", "weekly"], Meta(description="How often an e-mail sums up unread messages.")
    ] = "off"


def update_command(kind: type[View], name: str) -> type[Command]:
    """Return the command that changes some of the fields. A missing field is unchanged."""
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    fields: list[Any] = [(field, hint | UnsetType, UNSET) for field, hint in types.items()]
    command: Any = msgspec.defstruct(name, fields, bases=(Command,), frozen=True, kw_only=True)
    return command  # type: ignore[no-any-return]


UpdateApp = update_command(AppPreferences, "UpdateApp")
UpdateNotifications = update_command(NotificationPreferences, "UpdateNotifications")
UpdateEmail = update_command(EmailPreferences, "UpdateEmail")
