"""Removes old notifications with their decisions: read ones, and those that are in no inbox."""

from datetime import timedelta

from hubbub.core import clock
from hubbub.db import database, locking


async def purge(read_days: int, outside_days: int) -> None:
    """Delete, in batches, what was read `read_days` ago, and what is in no inbox after `outside_days`.

    An unread notification stays, so that counts do not change.
    """
    now = clock.now()
    conditions = (
        ("seq IS NOT NULL AND read_at < $1", now - timedelta(days=read_days)),
        ("seq IS NULL AND created_at < $1", now - timedelta(days=outside_days)),
    )
    for condition, before in conditions:
        async with database.guard():
            await locking.delete_all(database.connection(), "notifications", condition, before)
