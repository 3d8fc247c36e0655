"""Decisions about delivery: one for each notification and channel, with a reason of a closed list."""

from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.core import clock
from hubbub.core.errors import NotFound
from hubbub.db import database
from hubbub.queries.notifications import decisions as rows
from hubbub.queries.notifications import inbox as inbox_rows
from hubbub.queries.notifications.decisions import DecisionRow
from hubbub.schemas.notifications import notifications as wire
from hubbub.schemas.notifications.delivery import ChannelName, Reason
from hubbub.services import permissions
from hubbub.services.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hubbub.db.sql import Sql
    from hubbub.services.context import Context

PENDING = "pending"  # in explanations: a job will decide


async def store(sql: "Sql", notification_id: UUID, channel: ChannelName, reason: Reason | None) -> None:
    """Store a decision. It replaces an earlier one about the same notification and channel."""
    await rows.store(sql, [DecisionRow(notification_id, channel.value, reason and reason.value, clock.now())])


async def list_decisions(ctx: "Context", command: wire.NotificationRef) -> list[wire.Decision]:
    """Return the decisions about a notification of any user; moderators and admins only.

    Raises Forbidden, NotFound.
    """
    await permissions.require(ctx, Permission.READ_NOTIFICATIONS)
    async with database.guard():
        sql = database.connection()
        if not await inbox_rows.by_ids(sql, [command.notification_id]):
            raise NotFound("Notification not found.")
        found = await rows.of(sql, command.notification_id)
    return [_to_view(row) for row in found if row.reason is not None]


def _to_view(row: DecisionRow) -> wire.Decision:
    return wire.Decision(channel=row.channel, reason=row.reason or PENDING, at=clock.rfc3339(row.at))


async def explain(given_id: UUID) -> list[str]:
    """Return lines that explain a notification, or all that follow from a message. Raises NotFound."""
    async with database.guard():
        sql = database.connection()
        ids: Sequence[UUID] = [given_id]
        found = await inbox_rows.by_ids(sql, ids)
        if not found:
            ids = await rows.ids_of_message(sql, given_id)
            found = await inbox_rows.by_ids(sql, ids) if ids else []
        if not found:
            raise NotFound("There is no notification, and no message with notifications, with this id.")
        lines = []
        for row in found:
            place = f"seq {row.seq}" if row.seq is not None else "not in the inbox"
            read = f", read {clock.rfc3339(row.read_at)}" if row.read_at is not None else ""
            created = clock.rfc3339(row.created_at)
            lines.append(f"{row.id}  {row.kind}  user {row.user_id}  {place}  created {created}{read}")
            decided = {each.channel: each for each in await rows.of(sql, row.id)}
            for channel in ChannelName:
                decision = decided.get(channel.value)
                reason = decision.reason if decision is not None and decision.reason is not None else PENDING
                at = f"  {clock.rfc3339(decision.at)}" if decision is not None else ""
                lines.append(f"  {channel.value}: {reason}{at}")
    return lines
