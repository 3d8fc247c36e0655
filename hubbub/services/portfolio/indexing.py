"""Indexes the items of a large import after its transaction, in short transactions."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from hubbub.core.batching import slices
from hubbub.db import database
from hubbub.queries.portfolio import items, rows, search, versions
from hubbub.queries.portfolio.rows import Values
from hubbub.queries.portfolio.search import IndexedItem, Words
from hubbub.schemas.jobs import IndexPortfolio
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.services.context import Container

BATCH_ITEMS = 10  # of a transaction: at most 1 MB of text


async def index_job(_container: Container, job: IndexPortfolio) -> None:
    """Index the items of a portfolio that were changed since a time. Raises Unavailable."""
    for resource in RESOURCES:
        async with database.guard():
            own = await items.ids(database.connection(), resource, job.user_id)
        for batch in slices(own, BATCH_ITEMS):
            async with database.guard():
                found = await items.with_ids(database.connection(), resource, job.user_id, batch)
            changed = [each for each in found.values() if each["updated_at"] >= job.since]
            if changed:
                await _index(resource, job.user_id, changed)


async def _index(resource: Resource, user_id: UUID, changed: Sequence[Values]) -> None:
    """Index items, except those that are changed meanwhile: their change has indexed them."""
    texts = {each["id"]: rows.searched_text(resource, each) for each in changed}
    words = Words(database.dialect())
    await asyncio.to_thread(_add_all, words, resource, user_id, list(texts.values()))
    async with database.transaction() as tx:
        if not await versions.lock(tx, user_id):
            return
        current = await items.with_ids(tx, resource, user_id, texts)
        unchanged = [
            IndexedItem(item_id, text)
            for item_id, text in texts.items()
            if item_id in current and rows.searched_text(resource, current[item_id]) == text
        ]
        await search.index(tx, resource, user_id, unchanged, words)


def _add_all(words: Words, resource: Resource, user_id: UUID, texts: Sequence[str]) -> None:
    for text in texts:
        words.add(resource, user_id, text)
