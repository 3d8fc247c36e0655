"""Time limits of statements, locks, connections and idle transactions."""

# ruff: noqa: PT012 - a transaction is a block, and what is raised comes out of it

import asyncio
import sqlite3
from contextlib import AsyncExitStack

import asyncpg
import pytest

from hubbub.core.errors import Unavailable
from hubbub.db import database
from hubbub.db.engines import pool
from tests.db.database.conftest import SOON, all_connections_serve, put, run_empty_transaction, stored_keys


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_statement_over_the_time_limit_is_aborted(short_timeouts, opened):
    with pytest.raises(Unavailable):
        async with database.transaction() as tx:
            await tx.fetch("SELECT pg_sleep(60)")

    await all_connections_serve(opened)


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_wait_for_a_lock_is_bounded(short_timeouts, opened):
    await put("a")
    other = await asyncpg.connect(opened.database_url)
    async with other.transaction():
        await other.execute("SELECT 1 FROM state WHERE key = 'a' FOR UPDATE")
        with pytest.raises(Unavailable):
            async with database.transaction() as tx:
                await tx.execute("UPDATE state SET value = '' WHERE key = 'a'")
    await other.close()

    async with database.transaction() as tx:
        assert await tx.execute("UPDATE state SET value = '' WHERE key = 'a'") == 1


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_an_exhausted_pool_is_unavailable(opened, monkeypatch):
    monkeypatch.setattr(pool, "ACQUIRE_S", 0.3)
    async with AsyncExitStack() as stack:
        holding = [asyncio.Event() for _ in range(opened.database_pool)]
        release = asyncio.Event()

        async def hold(event):
            async with database.transaction():
                event.set()
                await release.wait()

        holders = [asyncio.create_task(hold(event)) for event in holding]
        stack.callback(release.set)
        await asyncio.gather(*(event.wait() for event in holding))
        for attempt in (stored_keys, run_empty_transaction):
            with pytest.raises(Unavailable):
                async with database.guard():
                    await attempt()
    await asyncio.gather(*holders)

    await all_connections_serve(opened)


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_an_idle_transaction_is_ended(short_timeouts, opened):
    """The server releases the locks of a hanging instance, so that the others continue."""
    await put("a")
    with pytest.raises(Unavailable):
        async with database.transaction() as tx:
            await tx.execute("UPDATE state SET value = 'mine' WHERE key = 'a'")
            other = await asyncpg.connect(opened.database_url)
            await asyncio.wait_for(other.execute("UPDATE state SET value = 'theirs' WHERE key = 'a'"), SOON)
            await other.close()

    rows = await database.connection().fetch("SELECT value FROM state WHERE key = 'a'")
    assert rows[0]["value"] == "theirs"


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_file_locked_for_long_is_unavailable(short_timeouts, opened):
    other = sqlite3.connect(database.sqlite_path(opened.database_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for attempt in (run_empty_transaction, lambda: put("a")):
        with pytest.raises(Unavailable):
            async with database.guard():
                await attempt()
    assert await stored_keys() == []
    other.rollback()
    other.close()

    await put("a")
    assert await stored_keys() == ["a"]
