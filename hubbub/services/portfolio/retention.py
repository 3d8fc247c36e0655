"""Removes deleted items for good: a part of the schedule RETENTION."""

from datetime import timedelta

from hubbub.core import clock
from hubbub.db import database
from hubbub.queries.portfolio import removal
from hubbub.schemas.portfolio.resources import RESOURCES


async def purge(retention_days: int) -> None:
    """Remove items that were deleted more than `retention_days` ago, in batches."""
    before = clock.now() - timedelta(days=retention_days)
    for resource in RESOURCES:
        removed = 1
        while removed:
            async with database.transaction() as tx:
                removed = await removal.remove_deleted(tx, resource, before)
