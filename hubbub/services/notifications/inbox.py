"""The inbox of a user: the log of their notifications. Read it, and mark notifications as read."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from msgspec import UNSET

from hubbub.cluster.bus import InboxHint
from hubbub.core import clock
from hubbub.core.errors import InvalidPayload, NotFound
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.notifications import announcements as announcement_rows
from hubbub.queries.notifications import inbox as rows
from hubbub.queries.notifications.inbox import Head, InboxRow
from hubbub.schemas.notifications import notifications as wire
from hubbub.schemas.notifications.events import (
    InboxEntries,
    InboxEntry,
    NotificationNew,
    NotificationReadHint,
)
from hubbub.schemas.users.preferences import AppPreferences
from hubbub.services import response_size
from hubbub.services.notifications import appending, views
from hubbub.services.users import preferences

if TYPE_CHECKING:
    from hubbub.services.context import Container, Context

MAX_UNREAD = 1000  # more are not counted for clients


class InboxPosition(NamedTuple):
    """The end of an inbox, and how many of its notifications are unread."""

    last_seq: int
    unread: int


async def position(container: "Container", user_id: UUID) -> InboxPosition:
    """Return the end of an inbox, after appending the announcements that it lacked. Raises Unavailable."""
    head = await _up_to_date_head(container, user_id)
    return InboxPosition(head.last_seq, views.capped_unread(head.unread))


async def ahead(known: Mapping[UUID, int]) -> dict[UUID, int]:
    """Return how far inboxes go, of those that end after the known seqs. Raises Unavailable."""
    async with database.guard():
        return await rows.ahead(database.connection(), known)


async def _up_to_date_head(container: "Container", user_id: UUID) -> Head:
    async with database.guard():
        sql = database.connection()
        head = (await rows.heads(sql, [user_id])).get(user_id, Head(0, 0, 0))
        last_number = await announcement_rows.last_number(sql)
    if head.announcement_number >= last_number:
        return head
    await appending.append_announcements(container, [user_id])
    async with database.guard():
        return (await rows.heads(database.connection(), [user_id])).get(user_id, Head(0, 0, 0))


async def list_page(ctx: "Context", command: wire.ListNotifications) -> wire.NotificationPage:
    """Return a page of the caller's notifications, newest first, with the number of unread ones."""
    limit = command.limit or wire.DEFAULT_PAGE
    head = await _up_to_date_head(ctx.container, ctx.user_id)
    async with database.guard():
        found = await rows.page(
            database.connection(),
            ctx.user_id,
            command.before_seq,
            limit + 1,
            unread_only=bool(command.unread_only),
        )
    notifications = await _to_views(ctx.user_id, found[:limit])
    fitting = _count_fitting(ctx, notifications)
    return wire.NotificationPage(
        notifications=notifications[:fitting],
        unread=views.capped_unread(head.unread),
        has_more=fitting < len(found),
    )


async def sync(ctx: "Context", command: wire.SyncInbox) -> InboxEntries:
    """Return the caller's notifications after a seq, ascending, as they are now."""
    limit = command.limit or wire.MAX_SYNC
    head = await _up_to_date_head(ctx.container, ctx.user_id)
    async with database.guard():
        found = await rows.after(database.connection(), ctx.user_id, command.after_seq, limit + 1)
    notifications = await _to_views(ctx.user_id, found[:limit])
    fitting = _count_fitting(ctx, notifications)
    return InboxEntries(
        entries=[InboxEntry(payload=to_entry(each)) for each in notifications[:fitting]],
        last_seq=max(head.last_seq, found[-1].seq or 0 if found else 0),
        complete=fitting == len(found),
        unread=views.capped_unread(head.unread),
    )


async def get(ctx: "Context", command: wire.NotificationRef) -> wire.Notification:
    """Return a notification of the caller's inbox. Raises NotFound."""
    async with database.guard():
        found = await rows.by_ids(database.connection(), [command.notification_id])
    if not found or found[0].user_id != ctx.user_id or found[0].seq is None:
        raise NotFound("Notification not found.")
    return (await _to_views(ctx.user_id, found))[0]


async def unread(ctx: "Context", _: object = None) -> wire.Unread:
    """Return how many of the caller's notifications are unread."""
    return wire.Unread(unread=(await position(ctx.container, ctx.user_id)).unread)


async def mark_read(ctx: "Context", command: wire.ReadNotifications) -> wire.Unread:
    """Mark one notification, or all up to a seq, as read. Doing it again changes nothing.

    Raises InvalidPayload, NotFound.
    """
    if (fault := wire.read_fault(command)) is not None:
        raise InvalidPayload(fields=(("id", fault), ("up_to_seq", fault)))
    notification_id = command.id if command.id is not UNSET else None
    up_to_seq = command.up_to_seq if command.up_to_seq is not UNSET else 0
    async with ctx.unit() as unit:
        locked = (await rows.lock(unit.tx, [ctx.user_id])).get(ctx.user_id)
        if locked is None:
            raise NotFound("Notification not found.")
        if notification_id is not None:
            await _require_own(unit.tx, ctx.user_id, notification_id)
        count = await rows.mark_read(
            unit.tx, ctx.user_id, clock.now(), notification_id=notification_id, up_to_seq=up_to_seq
        )
        remaining = locked.head.unread
        if count:
            remaining = await rows.subtract_unread(unit.tx, ctx.user_id, count)
            hint = NotificationReadHint(
                unread=views.capped_unread(remaining),
                ids=[notification_id] if notification_id is not None else UNSET,
                up_to_seq=up_to_seq if notification_id is None else UNSET,
            )
            unit.publish(InboxHint.of(ctx.user_id, hint, skip_socket=ctx.socket_id))
    return wire.Unread(unread=views.capped_unread(remaining))


async def _require_own(tx: Sql, user_id: UUID, notification_id: UUID) -> None:
    found = await rows.by_ids(tx, [notification_id])
    if not found or found[0].user_id != user_id or found[0].seq is None:
        raise NotFound("Notification not found.")


async def entries_after(user_id: UUID, seq: int, limit: int) -> list[NotificationNew]:
    """Return entries of an inbox that signals did not carry here. Raises Unavailable."""
    async with database.guard():
        sql = database.connection()
        found = await rows.after(sql, user_id, seq, limit)
        head = (await rows.heads(sql, [user_id])).get(user_id, Head(0, 0, 0))
    notifications = await _to_views(user_id, found)
    return [to_entry(each, views.capped_unread(head.unread)) for each in notifications]


def to_entry(notification: wire.Notification, unread_count: int | None = None) -> NotificationNew:
    """Return the entry of a notification; in `sync`, without a count."""
    return NotificationNew(
        seq=notification.seq,
        at=notification.created_at,
        notification=notification,
        unread=unread_count if unread_count is not None else UNSET,
    )


async def _to_views(user_id: UUID, found: list[InboxRow]) -> list[wire.Notification]:
    if not found:
        return []
    language = (await preferences.load(user_id, AppPreferences)).language
    return [views.to_view(row, language) for row in found]


def _count_fitting(ctx: "Context", notifications: list[wire.Notification]) -> int:
    """Return how many of them fit into one response: an announcement may have 16 kB."""
    return response_size.count_fitting(notifications, response_size.max_page_bytes(ctx.container.settings))
