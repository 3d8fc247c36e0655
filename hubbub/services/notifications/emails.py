"""The e-mail channel: decides again when the delay has passed, sends, and records the reason."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from hubbub import models
from hubbub.core import clock
from hubbub.core.text import email_addresses
from hubbub.db import database
from hubbub.gateways import mail
from hubbub.queries.notifications import decisions as decision_rows
from hubbub.queries.notifications import inbox as rows
from hubbub.queries.notifications.decisions import DecisionRow
from hubbub.queries.notifications.inbox import InboxRow
from hubbub.schemas.jobs import NotifyByEmail
from hubbub.schemas.notifications.delivery import ChannelName, Reason
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.schemas.users.preferences import AppPreferences, EmailPreferences
from hubbub.services.jobs import kinds
from hubbub.services.mail import templates
from hubbub.services.notifications import channels, unsubscribe, views
from hubbub.services.notifications.unsubscribe import Subscription
from hubbub.services.presence import activity
from hubbub.services.users import account_view, preferences

if TYPE_CHECKING:
    from hubbub.services.context import Container

ROOM_INTERVAL = timedelta(minutes=10)  # between two e-mails about a room
MAX_AGE = timedelta(hours=24)  # of a notification, and from an announcement to its notification
_FINAL = frozenset(Reason) - {Reason.FAILED}  # decisions that a repeated job does not change


class _Delivery(NamedTuple):
    """A notification with the state of its user at the moment of delivery."""

    row: InboxRow
    user: models.User
    kind: NotificationKind
    email: EmailPreferences
    app: AppPreferences
    membership: models.Membership | None  # in the room of a message
    announced_at: datetime | None


async def send_job(container: "Container", job: NotifyByEmail) -> None:
    """Send a notification by e-mail unless a reason speaks against it. Safe to repeat.

    It is sent at least once: if the worker dies after the other server accepted the e-mail, it is sent again,
    with the same Message-ID. Raises PermanentFailure, or the errors of the mail server.
    """
    delivery = await _load(job.notification_id)
    if delivery is None:
        return  # the account was deleted, and its notifications with it
    reason = await _refuse(container, delivery) or await _claim(delivery)
    if reason is not None:
        await _decide(delivery, reason)
        return
    try:
        await _send(container, delivery)
    except mail.MailRejected as error:
        await _decide(delivery, Reason.FAILED)
        raise kinds.PermanentFailure(str(error)) from None
    except Exception:
        await _decide(delivery, Reason.FAILED)  # until another attempt succeeds
        raise
    await _decide(delivery, Reason.SENT)


async def _load(notification_id: UUID) -> _Delivery | None:
    """Return None if there is nothing to decide: it was decided before, or the notification was removed."""
    async with database.guard():
        sql = database.connection()
        found = await rows.by_ids(sql, [notification_id])
        decided = {each.channel: each.reason for each in await decision_rows.of(sql, notification_id)}
        if not found or decided.get(ChannelName.EMAIL) in _FINAL:
            return None
        row = found[0]
        user = await models.User.filter(id=row.user_id, deleted_at__isnull=True).first()
        if user is None:
            return None
        membership = None
        if row.message_id is not None:
            membership = await models.Membership.filter(room_id=row.room_id, user_id=row.user_id).first()
        announcement = await models.Announcement.filter(notifications__id=row.id).first()
    return _Delivery(
        row,
        user,
        NotificationKind(row.kind),
        await preferences.load(user.id, EmailPreferences),
        await preferences.load(user.id, AppPreferences),
        membership,
        announcement.created_at if announcement is not None else None,
    )


async def _refuse(container: "Container", delivery: _Delivery) -> Reason | None:
    """Return why an e-mail is not sent now, None if it is."""
    row, user, kind = delivery.row, delivery.user, delivery.kind
    conditions = [
        (Reason.CANCELLED, account_view.is_suspended(user.suspended_at, user.suspended_until)),
        (Reason.OFF_KIND, not channels.is_email_wanted(kind, delivery.email)),
        (Reason.NO_ADDRESS, not has_address(user.email)),
        (Reason.EXPIRED, _is_expired(delivery)),
    ]
    if not kind.is_security:  # those are sent whatever the user does meanwhile
        conditions += [
            (Reason.UNVERIFIED, user.email_verified_at is None),
            *(_message_conditions(delivery) if kind.is_message else ()),
            (Reason.READ, row.read_at is not None),
        ]
    reason = next((reason for reason, applies in conditions if applies), None)
    if reason is None and not kind.is_security and await activity.is_active(container, user.id):
        return Reason.ACTIVE
    return reason


def _message_conditions(delivery: _Delivery) -> list[tuple[Reason, bool]]:
    row, membership = delivery.row, delivery.membership
    if membership is None or row.message_body is None:
        return [(Reason.CANCELLED, True)]  # the message was deleted, or the user is no member any more
    return [
        (Reason.MUTED, membership.muted),
        (Reason.READ, membership.last_read_seq >= (row.message_seq or 0)),
    ]


def has_address(email: str) -> bool:
    """Return whether an account has an e-mail address. A deleted account has none."""
    return email_addresses.canonical(email) is not None and not email.endswith(".invalid")


def _is_expired(delivery: _Delivery) -> bool:
    created_at = delivery.row.created_at
    if delivery.announced_at is not None and created_at - delivery.announced_at > MAX_AGE:
        return True
    return clock.now() - created_at > MAX_AGE


async def _claim(delivery: _Delivery) -> Reason | None:
    """Record that the e-mail is being sent, so that no other one about the room is sent meanwhile.

    Returns RATE_LIMITED if another one was sent, or is being sent. The lock of the inbox orders the claims.
    """
    row, channel = delivery.row, ChannelName.EMAIL.value
    async with database.transaction() as tx:
        if not await rows.lock(tx, [row.user_id]):
            return Reason.CANCELLED  # the account was deleted meanwhile
        now = clock.now()
        since = now - ROOM_INTERVAL
        if row.room_id is not None:
            is_sent = await decision_rows.sent_about_room(
                tx, row.user_id, row.room_id, channel, since, row.id
            )
            if is_sent:
                return Reason.RATE_LIMITED
        await decision_rows.store(tx, [DecisionRow(row.id, channel, None, now)])
    return None


async def _decide(delivery: _Delivery, reason: Reason) -> None:
    """Record the decision, unless the account was deleted meanwhile."""
    async with database.transaction() as tx:
        if await rows.by_ids(tx, [delivery.row.id]):
            decision = DecisionRow(delivery.row.id, ChannelName.EMAIL.value, reason.value, clock.now())
            await decision_rows.store(tx, [decision])


async def _send(container: "Container", delivery: _Delivery) -> None:
    """Render and send. Raises MailRejected, OSError, SMTPException."""
    settings, row, language = container.settings, delivery.row, delivery.app.language
    site = settings.public_url or ""
    context: dict[str, object] = {
        "name": delivery.user.display_name,
        "site": site,
        "title": views.title(row, language),
        "body": views.body(row, language),
        "link": url_of(site, row),
        "device": views.content_of(row).get("device_name", ""),
        "time": templates.format_time(row.created_at, language, delivery.app.time_zone),
        **{name: str(value) for name, value in views.content_of(row).items()},
    }
    subscription = Subscription(delivery.user.id, delivery.kind.value)
    unsubscribe_url = None
    if delivery.kind in channels.EMAIL_FIELDS:
        unsubscribe_url = unsubscribe.url(settings, subscription)
    rendered = templates.render(template_of(delivery.kind), language, context, unsubscribe_url)
    await mail.send(settings, delivery.user.email, rendered._replace(message_id=str(row.id)))


def template_of(kind: NotificationKind) -> str:
    """Return the template of the e-mail about a notification."""
    return {
        NotificationKind.NEW_LOGIN: "new_login",
        NotificationKind.PASSWORD_CHANGED: "password_changed",
        NotificationKind.ANNOUNCEMENT: "announcement",
        NotificationKind.PORTFOLIO_MESSAGE: "portfolio_message",
    }.get(kind, "notification")


def url_of(site: str, row: InboxRow) -> str:
    """Return the URL of what a notification is about."""
    if row.announcement is not None:
        return row.announcement[2] or site
    if row.room_id is not None:
        place = f"&message={row.message_seq}" if row.message_seq is not None else ""
        return f"{site}/#room={row.room_id}{place}"
    content = views.content_of(row)
    return str(content["url"]) if content.get("url") else f"{site}/account"
