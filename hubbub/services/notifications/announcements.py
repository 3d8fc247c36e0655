"""Announcements: one row each, which becomes an entry of an inbox when the inbox is next accessed.

For connected users a job does that, in slices of 200. Accounts that are created later do not receive it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.cluster.bus import AnnouncementStored
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, Target
from hubbub.queries.notifications import announcements as rows
from hubbub.schemas.jobs import DeliverAnnouncement
from hubbub.schemas.notifications import announcements as wire
from hubbub.services import permissions
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions
from hubbub.services.jobs import kinds
from hubbub.services.notifications import appending
from hubbub.services.permissions import Permission

if TYPE_CHECKING:
    from hubbub.services.context import Container, Context

SLICE_USERS = 200  # inboxes that one transaction locks
MAX_RUN_S = 10.0  # of a run of the job, which then stores its progress


async def create(ctx: "Context", command: wire.CreateAnnouncement) -> wire.Announcement:
    """Store an announcement for all accounts that exist now; admins only. Raises Forbidden."""
    announcement_id, now = ids.uuid7(), clock.now()
    act = recorder.act_of(ctx, Action.ANNOUNCE, Target("announcement", announcement_id))
    async with recorder.attempt(ctx.container, act), ctx.unit() as unit:
        permissions.check((await sessions.lock_caller(ctx)).role, Permission.ANNOUNCE)
        texts = (command.title, command.body, command.url)
        number = await rows.insert(unit.tx, announcement_id, ctx.user_id, texts, now)
        await unit.enqueue(DeliverAnnouncement(number=number))
        await audit_log.record(unit.tx, act, number=number)
        unit.publish(AnnouncementStored(number))
    return wire.Announcement(
        id=announcement_id,
        title=command.title,
        body=command.body,
        url=command.url,
        created_at=clock.rfc3339(now),
    )


async def last_number() -> int:
    """Return the number of the newest announcement, 0 if there is none. Raises Unavailable."""
    async with database.guard():
        return await rows.last_number(database.connection())


async def append_lacking(container: "Container", user_ids: Sequence[UUID], number: int) -> bool:
    """Append announcements up to `number` to those of at most 200 inboxes that lack them.

    Returns whether there were any. Raises Unavailable.
    """
    async with database.guard():
        lacking = await rows.lacking(database.connection(), user_ids, number)
    if lacking:
        await appending.append_announcements(container, lacking)
    return bool(lacking)


async def deliver_job(container: "Container", job: DeliverAnnouncement) -> None:
    """Append an announcement to the inboxes of the connected users, for at most MAX_RUN_S seconds.

    Users with a socket of /notifications receive it from their instance as well: whichever is first appends.
    Raises Unfinished, with the last account that was considered.
    """
    deadline, after = clock.monotonic() + MAX_RUN_S, job.after
    while True:
        async with database.guard():
            user_ids = await rows.next_users(database.connection(), after, SLICE_USERS)
        if not user_ids:
            return
        connected = await container.presence.get(user_ids)
        if connected:
            await append_lacking(container, list(connected), job.number)
        after = user_ids[-1]
        if clock.monotonic() >= deadline:
            raise kinds.Unfinished(DeliverAnnouncement(number=job.number, after=after))
