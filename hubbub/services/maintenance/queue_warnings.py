"""The schedule QUEUE_WATCH: the log, a metric, and an e-mail to the admins about jobs that wait too long."""

from typing import TYPE_CHECKING

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.db import database, stored_values
from hubbub.db.sql import Sql
from hubbub.schemas.jobs import WatchQueues
from hubbub.services.jobs import queue_watch
from hubbub.services.jobs.queue_watch import QueueFigures
from hubbub.services.mail import mailer

if TYPE_CHECKING:
    from hubbub.services.context import Container

WARNED_KEY = "queues_warned"  # in the table `state`: the queues of the last warning
MAX_ADMINS = 100  # that receive an e-mail


async def watch(container: "Container", _job: WatchQueues) -> None:
    """Warn. The admins receive an e-mail when a queue falls behind, and not again until it recovered."""
    behind = await queue_watch.warn(container.settings)
    async with database.transaction() as tx:
        warned = await _exchange_warned(tx, {each.queue.value for each in behind})
        if fresh := [each for each in behind if each.queue.value not in warned]:
            await _notify_admins(tx, fresh)
    if fresh:
        container.bus.publish(JobsWaiting())


async def _exchange_warned(tx: Sql, names: set[str]) -> set[str]:
    """Store the queues that are behind; return those of the last time."""
    stored = await stored_values.get(tx, WARNED_KEY)
    await stored_values.put(tx, WARNED_KEY, ",".join(sorted(names)))
    return set(stored.split(",")) if stored is not None else set()


async def _notify_admins(tx: Sql, behind: list[QueueFigures]) -> None:
    text = ", ".join(f"{each.queue} ({each.waiting}, {each.oldest_due_s:.0f} s)" for each in behind)
    admins = models.User.filter(role="admin", deleted_at__isnull=True, suspended_at__isnull=True)
    for admin in await admins.order_by("id").limit(MAX_ADMINS):
        await mailer.enqueue(tx, "queues_behind", admin.id, queues=text)
