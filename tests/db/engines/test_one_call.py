"""A transaction in one call into SQLite's thread: atomic, serialized, finished whatever its caller does."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextvars import Context
from typing import Any

import pytest

from hubbub import models
from hubbub.core.errors import Unavailable
from hubbub.db import database, migrations

INSERT = "INSERT INTO state (key, value) VALUES (?, 'x')"


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def opened(settings: Any) -> AsyncIterator[Any]:
    await migrations.open_current(settings)
    yield settings
    await database.close()


async def keys() -> set[str]:
    return {each.key for each in await models.DatabaseMeta.all()}


async def test_an_exception_rolls_back_and_the_next_transaction_works(opened: Any) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute(INSERT, ("lost",))
        raise LookupError

    before = await keys()
    with pytest.raises(LookupError):
        await database.connection().in_one_call(fail)

    await database.connection().in_one_call(lambda connection: connection.execute(INSERT, ("kept",)))
    assert await keys() - before == {"kept"}


async def test_a_failed_commit_rolls_back(opened: Any) -> None:
    def refer_to_nothing(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute(INSERT, ("lost",))
        connection.execute(
            "INSERT INTO memberships (id, role, joined_at, last_read_seq, muted, room_id, user_id) "
            "VALUES ('a', 'member', '2026-01-01 00:00:00+00:00', 0, 0, 'no room', 'no user')"
        )

    before = await keys()
    with pytest.raises(sqlite3.IntegrityError):
        await database.connection().in_one_call(refer_to_nothing)

    async with database.transaction():
        await models.DatabaseMeta.create(key="kept", value="x")
    assert await keys() - before == {"kept"}


async def test_a_cancelled_call_ends_before_the_next_transaction_begins(opened: Any) -> None:
    started, goes = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        connection.execute(INSERT, ("first",))
        started.set()
        assert goes.wait(10)

    call = asyncio.ensure_future(database.connection().in_one_call(slow))
    await asyncio.to_thread(started.wait, 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    following = asyncio.ensure_future(keys())
    await asyncio.sleep(0)
    assert not following.done()
    goes.set()

    async with asyncio.timeout(10):
        assert "first" in await following
        async with database.transaction():
            await models.DatabaseMeta.create(key="second", value="x")


async def _insert_outside() -> None:
    await database.connection().in_one_call(lambda connection: connection.execute(INSERT, ("lost",)))


async def test_a_call_that_is_cancelled_before_its_turn_writes_nothing(opened: Any) -> None:
    before = await keys()
    async with database.transaction():
        outside = asyncio.create_task(_insert_outside(), context=Context())
        await asyncio.sleep(0)
        outside.cancel()
        await asyncio.wait([outside])

    await database.connection().in_one_call(lambda connection: None)
    assert await keys() == before


async def test_it_waits_for_another_program_and_fails_in_time(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 200)
    await migrations.open_current(settings)
    other = sqlite3.connect(database.sqlite_path(settings.database_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Unavailable):
        async with database.guard():
            await database.connection().in_one_call(lambda connection: connection.execute(INSERT, ("a",)))
    other.execute("ROLLBACK")
    other.close()
    await database.connection().in_one_call(lambda connection: connection.execute(INSERT, ("b",)))
    assert "b" in await keys()
    assert "a" not in await keys()
    await database.close()
