"""The channels behind one interface: what each decides when a notification is created, and what follows.

A channel refuses at once what the preferences exclude. All other conditions are those of the moment of
delivery: its job checks them again.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol
from uuid import UUID

from hubbub.schemas.jobs import JobPayload, NotifyByEmail
from hubbub.schemas.notifications.delivery import ChannelName, Reason
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.schemas.users.preferences import EmailPreferences, NotificationPreferences

EMAIL_DELAY_S = 60.0  # in which the user may read it or become active
# The field of a kind in the e-mail preferences. A kind without one is always sent.
EMAIL_FIELDS: Mapping[NotificationKind, str] = {
    NotificationKind.MESSAGE_DIRECT: "message_direct",
    NotificationKind.MESSAGE_MENTION: "message_mention",
    NotificationKind.MESSAGE_REPLY: "message_reply",
    NotificationKind.ROOM_INVITED: "room_invited",
    NotificationKind.PORTFOLIO_MESSAGE: "portfolio_message",
    NotificationKind.NEW_LOGIN: "new_login",
    NotificationKind.ANNOUNCEMENT: "announcements",
}


class Choices(NamedTuple):
    """What a user chose about notifications."""

    notifications: NotificationPreferences
    email: EmailPreferences


class ChannelJob(NamedTuple):
    """The job that delivers a notification."""

    payload: JobPayload
    delay: float  # seconds from now


class Channel(Protocol):
    """A channel that delivers by a job."""

    name: ChannelName

    def refuse(self, kind: NotificationKind, choices: Choices) -> Reason | None:
        """Return why a notification is not delivered by this channel, None if its job decides."""

    def job(self, kind: NotificationKind, notification_id: UUID) -> ChannelJob:
        """Return the job that decides again and delivers."""


def refuse_in_app(kind: NotificationKind, choices: Choices) -> Reason | None:
    """Return why a notification is not in the inbox, None if it is. Security kinds always are."""
    if kind.is_security:
        return None
    if not choices.notifications.in_app:
        return Reason.OFF_CHANNEL
    return None if choices.notifications.kinds[kind.value].in_app else Reason.OFF_KIND


def is_email_wanted(kind: NotificationKind, email: EmailPreferences) -> bool:
    """Return whether the user wants e-mails of a kind."""
    field = EMAIL_FIELDS.get(kind)
    return field is None or bool(getattr(email, field))


class EmailChannel:
    """E-mail: a minute later, if the notification is then unread and the user is not active."""

    name = ChannelName.EMAIL

    def refuse(self, kind: NotificationKind, choices: Choices) -> Reason | None:
        return None if is_email_wanted(kind, choices.email) else Reason.OFF_KIND

    def job(self, kind: NotificationKind, notification_id: UUID) -> ChannelJob:
        """Return the job. An e-mail about the security of the account does not wait."""
        delay_s = 0.0 if kind.is_security else EMAIL_DELAY_S
        return ChannelJob(NotifyByEmail(notification_id=notification_id), delay_s)


CHANNELS: tuple[Channel, ...] = (EmailChannel(),)  # those that deliver by a job


def is_switched_off(kind: NotificationKind, choices: Choices) -> bool:
    """Return whether no channel delivers notifications of a kind."""
    reasons = [refuse_in_app(kind, choices), *(channel.refuse(kind, choices) for channel in CHANNELS)]
    return all(reason is not None for reason in reasons)
