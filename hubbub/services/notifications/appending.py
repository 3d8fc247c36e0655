"""Appends notifications to inboxes: under the lock of each inbox, with the next seq, at most one per source.

Announcements that an inbox lacks are appended before anything else. The decision about the inbox, and the
jobs of the other channels, are stored in the same transaction. Entries are published after the commit.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from hubbub.cluster.bus import InboxAppended, JobsWaiting
from hubbub.core import clock, ids, metrics
from hubbub.db import database
from hubbub.queries.notifications import announcements as announcement_rows
from hubbub.queries.notifications import decisions as decision_rows
from hubbub.queries.notifications import inbox as rows
from hubbub.queries.notifications.decisions import DecisionRow
from hubbub.queries.notifications.inbox import Head, LockedInbox, NewRow
from hubbub.schemas.base import encode
from hubbub.schemas.notifications.delivery import ChannelName, Reason
from hubbub.schemas.notifications.events import NotificationNew
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.schemas.users.preferences import EmailPreferences, NotificationPreferences
from hubbub.services.jobs import queue
from hubbub.services.jobs.queue import NewJob
from hubbub.services.notifications import channels, views
from hubbub.services.notifications.channels import Choices
from hubbub.services.users import preferences

if TYPE_CHECKING:
    from datetime import datetime

    from hubbub.db.sql import Sql
    from hubbub.services.context import Container


class NewNotification(NamedTuple):
    """A notification before it is stored. `source` is what it follows from: at most one per user."""

    user_id: UUID
    kind: NotificationKind
    source: str
    blocked: Reason | None = None  # why no channel delivers it
    actor_id: UUID | None = None
    room_id: UUID | None = None
    message_id: UUID | None = None
    content: str = "{}"


class Appended(NamedTuple):
    """A stored notification. Without a seq it is not in the inbox."""

    id: UUID
    user_id: UUID
    seq: int | None
    unread: int  # of the inbox, after it
    has_due_job: bool = False  # whether a channel delivers it at once


async def append(tx: "Sql", new: Sequence[NewNotification]) -> list[Appended]:
    """Store notifications, in their order for each user. Those of deleted accounts are left out.

    One with a source that the user already has a notification of is left out, too. Pass the result to
    `publish` after the commit.
    """
    locked = await rows.lock(tx, (each.user_id for each in new))
    known = await rows.known_sources(tx, [(each.user_id, each.source) for each in new])
    batch = _Batch(clock.now(), await _choices(locked))
    await _add_announcements(tx, batch, locked)
    for each in new:
        if each.user_id in locked and (each.user_id, each.source) not in known:
            known.add((each.user_id, each.source))
            batch.add(each)
    await batch.store(tx)
    return batch.appended


async def append_announcements(container: "Container", user_ids: Sequence[UUID]) -> None:
    """Append the announcements that these inboxes lack, and publish them. Raises Unavailable."""
    async with database.transaction() as tx:
        locked = await rows.lock(tx, user_ids)
        batch = _Batch(clock.now(), await _choices(locked))
        await _add_announcements(tx, batch, locked)
        await batch.store(tx)
    await publish(container, batch.appended)


async def _choices(user_ids: Collection[UUID]) -> dict[UUID, Choices]:
    if not user_ids:
        return {}
    notifications = await preferences.load_many(user_ids, NotificationPreferences)
    emails = await preferences.load_many(user_ids, EmailPreferences)
    return {user_id: Choices(notifications[user_id], emails[user_id]) for user_id in user_ids}


class _Batch:
    """The rows and the new ends of locked inboxes, the decisions, and the jobs."""

    def __init__(self, now: "datetime", choices: Mapping[UUID, Choices]) -> None:
        self._now = now  # time of the notifications
        self._choices = choices  # by user
        self._heads: dict[UUID, Head] = {}  # new ends, by user
        self._rows: list[NewRow] = []  # to be inserted
        self._decisions: list[DecisionRow] = []  # about them
        self._jobs: list[NewJob] = []  # that decide about the other channels
        self.appended: list[Appended] = []  # the rows, for publishing

    def open(self, inbox: LockedInbox, announcement_number: int) -> None:
        """Start from the end of a locked inbox."""
        self._heads[inbox.user_id] = inbox.head._replace(announcement_number=announcement_number)

    def add(self, new: NewNotification, announcement_id: UUID | None = None) -> None:
        """Add a notification. It gets the next seq if it is in the inbox."""
        choices, notification_id = self._choices[new.user_id], ids.uuid7()
        in_app = new.blocked or channels.refuse_in_app(new.kind, choices)
        self._decide(notification_id, ChannelName.IN_APP, in_app or Reason.DELIVERED)
        for channel in channels.CHANNELS:
            reason = new.blocked or channel.refuse(new.kind, choices)
            if reason is not None:
                self._decide(notification_id, channel.name, reason)
            else:
                self._jobs.append(_new_job(channel.job(new.kind, notification_id)))
        seq = self._next_seq(new.user_id) if in_app is None else None
        self._add_row(new, notification_id, announcement_id, seq)
        has_due_job = new.kind.is_security and new.blocked is None
        unread = self._heads[new.user_id].unread
        self.appended.append(Appended(notification_id, new.user_id, seq, unread, has_due_job))

    def _next_seq(self, user_id: UUID) -> int:
        head = self._heads[user_id]
        self._heads[user_id] = head._replace(last_seq=head.last_seq + 1, unread=head.unread + 1)
        return head.last_seq + 1

    def _add_row(
        self, new: NewNotification, notification_id: UUID, announcement_id: UUID | None, seq: int | None
    ) -> None:
        self._rows.append(
            NewRow(
                notification_id,
                new.user_id,
                seq,
                new.kind.value,
                new.source,
                new.actor_id,
                new.room_id,
                new.message_id,
                announcement_id,
                new.content,
                self._now,
            )
        )

    def _decide(self, notification_id: UUID, channel: ChannelName, reason: Reason) -> None:
        self._decisions.append(DecisionRow(notification_id, channel.value, reason.value, self._now))

    async def store(self, tx: "Sql") -> None:
        """Insert the rows, the decisions and the jobs, and write the new ends."""
        await rows.insert(tx, self._rows)
        await rows.advance(tx, self._heads)
        await decision_rows.store(tx, self._decisions)
        await queue.enqueue_all(tx, self._jobs)
        metrics.count("notifications_created", by=len(self._rows))


def _new_job(job: channels.ChannelJob) -> NewJob:
    return NewJob(job.payload, delay=job.delay)


async def _add_announcements(tx: "Sql", batch: _Batch, locked: dict[UUID, LockedInbox]) -> None:
    """Add the announcements that each inbox has not considered. Later accounts do not receive them."""
    considered = min((inbox.head.announcement_number for inbox in locked.values()), default=0)
    pending = await announcement_rows.after(tx, considered) if locked else []
    for inbox in locked.values():
        registered_at = clock.to_ms(inbox.registered_at)
        last = max((each.number for each in pending), default=inbox.head.announcement_number)
        batch.open(inbox, max(last, inbox.head.announcement_number))
        for each in pending:
            if each.number > inbox.head.announcement_number and registered_at <= each.created_at:
                source = f"announcement:{each.id}"
                batch.add(NewNotification(inbox.user_id, NotificationKind.ANNOUNCEMENT, source), each.id)


async def publish(container: "Container", appended: Collection[Appended]) -> None:
    """Publish the entries of appended notifications, after the commit, to the sockets of their users.

    A lost signal costs a second: instances compare the ends of the inboxes of their users.
    """
    if any(each.has_due_job for each in appended):
        container.bus.publish(JobsWaiting())
    entries = {each.id: each for each in appended if each.seq is not None}
    if not entries:
        return
    async with database.guard():
        found = await rows.by_ids(database.connection(), list(entries))
    languages = await preferences.load_languages({row.user_id for row in found})
    for user_id, own in groupby(found, key=lambda row: row.user_id):
        payloads = []
        for row in own:
            view = views.to_view(row, languages[user_id])
            entry = NotificationNew(
                seq=view.seq,
                at=view.created_at,
                notification=view,
                unread=views.capped_unread(entries[row.id].unread),
            )
            payloads.append(encode(entry).decode())
        first_seq = min(each.seq or 0 for each in entries.values() if each.user_id == user_id)
        container.bus.publish(InboxAppended(user_id, first_seq, tuple(payloads)))
