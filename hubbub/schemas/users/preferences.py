"""Preferences: all options with their defaults. Nothing else can be stored."""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hubbub.core.text import languages, time_zones
from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import text_rules
from hubbub.schemas.users.notification_kinds import KindName


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


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Switches(View):
    """The channels of one kind of notification."""

    in_app: Annotated[bool, Meta(description="False: it is not in the inbox.")]
    push: Annotated[bool, Meta(description="False: it is not sent to devices.")]
    sms: Annotated[bool, Meta(description="False: it is not sent as SMS.")]


class QuietHours(View):
    """A time of day without push and SMS, in the time zone of the app preferences. It may pass midnight."""

    from_: Annotated[TimeOfDay, Meta(description="Start.")] = msgspec.field(name="from")
    until: Annotated[TimeOfDay, Meta(description="End: on the next day if it is before the start.")]
    days: Annotated[list[Day], Meta(min_length=1, max_length=7, description="Days of the start.")]


_MOST_KINDS: tuple[KindName, ...] = (
    *("message.direct", "message.mention", "message.reply", "room.invited", "portfolio.message"),
    *("security.new_login", "security.password_changed"),
)
_KINDS: dict[KindName, Switches] = {
    **dict.fromkeys(_MOST_KINDS, Switches(in_app=True, push=True, sms=False)),
    "system.announcement": Switches(in_app=True, push=False, sms=False),
}


class NotificationPreferences(View):
    """Which notifications are created, and by which channels. A kind needs both of its switches."""

    in_app: Annotated[bool, Meta(description="False: only security kinds are in the inbox.")] = True
    push: Annotated[bool, Meta(description="False: no notification is sent to devices.")] = True
    sms: Annotated[bool, Meta(description="False: no notification is sent as SMS.")] = True
    push_preview: Annotated[bool, Meta(description="False: a push contains no text of messages.")] = True
    kinds: Annotated[
        dict[KindName, Switches],
        Meta(description="The switches of each kind. Security kinds are always in the inbox."),
    ] = msgspec.field(default_factory=_KINDS.copy)
    quiet: Annotated[QuietHours, Meta(description="Null: there are no quiet hours.")] | None = None


class EmailPreferences(View):
    """Which e-mails are sent in addition to mandatory ones (verification, passwords)."""

    new_login: Annotated[bool, Meta(description="After a login from an unknown device.")] = True
    message_direct: Annotated[bool, Meta(description="For unread messages in direct rooms.")] = False
    message_mention: Annotated[bool, Meta(description="For unread messages that mention the user.")] = False
    message_reply: Annotated[bool, Meta(description="For unread replies to messages of the user.")] = False
    room_invited: Annotated[bool, Meta(description="When another user adds the user to a room.")] = False
    portfolio_message: Annotated[bool, Meta(description="For messages sent by the portfolio.")] = True
    announcements: Annotated[bool, Meta(description="News of the operator.")] = True
    marketing: Annotated[
        bool, Meta(description="Advertising. The time and way of the consent are recorded.")
    ] = False
    digest: Annotated[
        Literal["off", "daily", "weekly"],
        Meta(description="How often an e-mail sums up unread notifications. Weekly: on Monday."),
    ] = "off"
    digest_hour: Annotated[
        int, Meta(ge=0, le=23, description="Hour of the digest, in the time zone of the app preferences.")
    ] = 8


def update_command(kind: type[View], name: str) -> type[Command]:
    """Return the command that changes some of the fields. A missing field is unchanged."""
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    fields: list[Any] = [(field, hint | UnsetType, UNSET) for field, hint in types.items()]
    command: Any = msgspec.defstruct(name, fields, bases=(Command,), frozen=True, kw_only=True)
    return command  # type: ignore[no-any-return]


UpdateApp = update_command(AppPreferences, "UpdateApp")


class UpdateSwitches(Command, forbid_unknown_fields=True):
    in_app: Annotated[bool, Meta(description="False keeps it out of the inbox.")] | UnsetType = UNSET
    push: Annotated[bool, Meta(description="False sends it to no device.")] | UnsetType = UNSET
    sms: Annotated[bool, Meta(description="False sends no SMS about it.")] | UnsetType = UNSET


class UpdateQuietHours(Command, forbid_unknown_fields=True):
    """Some fields of the quiet hours. Without quiet hours `from` and `until` are required, `days` are all."""

    from_: TimeOfDay | UnsetType = msgspec.field(name="from", default=UNSET)
    until: TimeOfDay | UnsetType = UNSET
    days: (
        Annotated[list[Day], Meta(min_length=1, max_length=7, description="On which a period begins.")]
        | UnsetType
    ) = UNSET


class UpdateNotifications(Command):
    """Some of the preferences, merged into the others at every depth."""

    in_app: Annotated[bool, Meta(description="False: the inbox has security kinds only.")] | UnsetType = UNSET
    push: Annotated[bool, Meta(description="False: nothing is sent to devices.")] | UnsetType = UNSET
    sms: Annotated[bool, Meta(description="False: no SMS is sent.")] | UnsetType = UNSET
    push_preview: Annotated[bool, Meta(description="False: pushes have no text of messages.")] | UnsetType = (
        UNSET
    )
    kinds: (
        Annotated[dict[KindName, UpdateSwitches], Meta(description="Switches of single kinds.")] | UnsetType
    ) = UNSET
    quiet: UpdateQuietHours | UnsetType | None = UNSET


UpdateEmail = update_command(EmailPreferences, "UpdateEmail")
