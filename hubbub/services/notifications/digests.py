"""Digests: an e-mail that sums up unread notifications, once for each window of a user.

A window ends at the digest hour in the user's time zone, each day or each Monday. The window is stored in the
transaction that stores the job of its digest, so that a run that is repeated, made up or too early sends
nothing twice. A run that comes late sends the digest of the window that has ended last.
"""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from hubbub import models
from hubbub.core import clock
from hubbub.db import database
from hubbub.gateways import mail
from hubbub.queries.notifications import digests as rows
from hubbub.queries.notifications import inbox as inbox_rows
from hubbub.queries.notifications.digests import Subscriber
from hubbub.schemas.jobs import NO_ID, SendDigest, SendDigests
from hubbub.schemas.users.preferences import AppPreferences, EmailPreferences
from hubbub.services.jobs import kinds, queue
from hubbub.services.jobs.queue import NewJob
from hubbub.services.mail import templates
from hubbub.services.notifications import emails, unsubscribe, views
from hubbub.services.notifications.unsubscribe import Subscription
from hubbub.services.users import account_view, preferences

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.services.context import Container

SLICE_USERS = 200  # whose inboxes one transaction locks
MAX_ITEMS = 10  # notifications that a digest shows
MONDAY = 0
PERIODS = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}


class Window(NamedTuple):
    """The period of a digest. `name` is the local date of its end."""

    name: str
    start: datetime
    end: datetime


def last_window(email: EmailPreferences, time_zone: str, now: datetime) -> Window | None:
    """Return the window that has ended last; None without a digest."""
    if email.digest not in PERIODS:
        return None
    day = now.astimezone(ZoneInfo(time_zone)).date()
    while True:
        window = window_ending(day, email, time_zone)
        if window.end <= now and (email.digest == "daily" or day.weekday() == MONDAY):
            return window
        day -= timedelta(days=1)


def window_ending(day: date, email: EmailPreferences, time_zone: str) -> Window:
    """Return the window that ends on a local date, in UTC.

    Around a change to or from daylight saving time it has an hour less or more, and begins where the previous
    one ended. An hour that the change skips is the first one after it, one that it repeats is the first of
    the two.
    """
    zone = ZoneInfo(time_zone)
    start, end = (
        datetime(each.year, each.month, each.day, email.digest_hour, tzinfo=zone).astimezone(UTC)
        for each in (day - PERIODS[email.digest], day)
    )
    return Window(day.isoformat(), start, end)


async def enqueue_job(_container: "Container", _job: SendDigests) -> None:
    """Store the jobs of the digests that are due. Safe to repeat."""
    after = NO_ID
    while True:
        async with database.guard():
            found = await rows.subscribers(database.connection(), after, SLICE_USERS)
        if not found:
            return
        await _enqueue_due(found)
        after = found[-1].user_id


async def _enqueue_due(subscribers: list[Subscriber]) -> None:
    now = clock.now()
    apps = await preferences.load_many([each.user_id for each in subscribers], AppPreferences)
    due: dict[UUID, str] = {}
    for each in subscribers:
        chosen = preferences.with_defaults(EmailPreferences, each.chosen)
        window = last_window(chosen, apps[each.user_id].time_zone, now)
        if window is not None and _is_due(window, each):
            due[each.user_id] = window.name
    if not due:
        return
    async with database.transaction() as tx:
        locked = await inbox_rows.lock(tx, due)
        stored = await rows.windows(tx, list(locked))
        later = {user_id: due[user_id] for user_id in locked if (stored.get(user_id) or "") < due[user_id]}
        await rows.set_windows(tx, later)
        jobs = [NewJob(SendDigest(user_id=user_id, window=window)) for user_id, window in later.items()]
        await queue.enqueue_all(tx, jobs)


def _is_due(window: Window, subscriber: Subscriber) -> bool:
    """Return whether a window has had no digest, and ended after the user chose it."""
    stored = msgspec.json.decode(subscriber.chosen, type=dict[str, object])
    chosen_at = stored.get(preferences.DIGEST_CHOSEN_AT)
    chosen_late = isinstance(chosen_at, str) and datetime.fromisoformat(chosen_at) >= window.end
    return not chosen_late and (subscriber.last_window or "") < window.name


async def send_job(container: "Container", job: SendDigest) -> None:
    """Send the digest of a window, unless everything was read or the user switched it off. Safe to repeat.

    Raises PermanentFailure, or the errors of the mail server.
    """
    async with database.guard():
        user = await models.User.filter(id=job.user_id, deleted_at__isnull=True).first()
    if user is None or account_view.is_suspended(user.suspended_at, user.suspended_until):
        return
    if user.email_verified_at is None or not emails.has_address(user.email):
        return
    email = await preferences.load(user.id, EmailPreferences)
    app = await preferences.load(user.id, AppPreferences)
    if email.digest not in PERIODS:
        return  # switched off meanwhile
    window = window_ending(date.fromisoformat(job.window), email, app.time_zone)
    context = await _context(user, app, window, container.settings.public_url or "")
    if context is None:
        return
    subscription = Subscription(user.id, unsubscribe.DIGEST)
    url = unsubscribe.url(container.settings, subscription)
    rendered = templates.render("digest", app.language, context, url)
    try:
        message_id = f"digest.{job.window}.{user.id}"
        await mail.send(container.settings, user.email, rendered._replace(message_id=message_id))
    except mail.MailRejected as error:
        raise kinds.PermanentFailure(str(error)) from None


async def _context(
    user: models.User, app: AppPreferences, window: Window, site: str
) -> dict[str, object] | None:
    """Return the variables of a digest, None if there is nothing to sum up."""
    async with database.guard():
        sql = database.connection()
        count, ids = await rows.unread_since(sql, user.id, window.start, MAX_ITEMS)
        found = {row.id: row for row in await inbox_rows.by_ids(sql, ids)} if ids else {}
    if not count:
        return None
    items = [
        {
            "title": views.title(found[each], app.language),
            "body": views.body(found[each], app.language)[: views.BODY_CHARS],
            "time": templates.format_time(found[each].created_at, app.language, app.time_zone),
        }
        for each in ids
        if each in found
    ]
    return {
        "name": user.display_name,
        "site": site,
        "link": site,
        "count": count,
        "items": items,
        "time": templates.format_time(window.end, app.language, app.time_zone),
    }
