"""A migration is applied whole or not at all, keeps the references of rows, and waits a limited time."""

import asyncio
import sqlite3
from contextlib import suppress

import asyncpg
import pytest

from hubbub.db import database, migrations
from hubbub.db.database import DatabaseProblem
from tests.db.migrations.steps import STEPS, applied


async def test_a_failed_migration_changes_nothing(settings, inspector, add_migration):
    schema, rows = await inspector.schema(), await inspector.row_counts()
    name = add_migration(
        "CREATE TABLE extra (id INT); ALTER TABLE users ADD COLUMN shoes INT; DELETE FROM state;"
        "INSERT INTO nowhere VALUES (1);"
    )

    with pytest.raises(DatabaseProblem, match="nowhere") as caught:
        await migrations.up(settings)

    assert "\n" not in str(caught.value)
    assert (await inspector.schema(), await inspector.row_counts()) == (schema, rows)
    assert applied(await migrations.status(settings)) == [*((step, True) for step in STEPS), (name, False)]


async def test_a_failed_downgrade_changes_nothing(settings, inspector, add_migration):
    add_migration("CREATE TABLE extra (id INT);", "DROP TABLE extra; DROP TABLE nowhere;")
    await migrations.up(settings)

    with pytest.raises(DatabaseProblem, match="nowhere"):
        await migrations.down(settings)

    assert "extra" in await inspector.tables()
    assert all(step.applied for step in await migrations.status(settings))


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_migration_that_orphans_rows_is_refused(settings, inspector, add_migration):
    rows = await inspector.row_counts()
    add_migration("DELETE FROM messages;")

    with pytest.raises(DatabaseProblem, match="rows would refer to missing rows"):
        await migrations.up(settings)

    assert await inspector.row_counts() == rows


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_rebuilt_table_keeps_its_references(settings, inspector, add_migration):
    """What SQLite needs for most changes of a table, and what its cascades would empty the others by."""
    before = await inspector.row_counts()
    add_migration(
        "CREATE TABLE made (id CHAR(36) NOT NULL PRIMARY KEY, username VARCHAR(64) NOT NULL UNIQUE);"
        "INSERT INTO made SELECT id, username FROM users;"
        "DROP TABLE users;"
        "ALTER TABLE made RENAME TO users;"
    )
    await migrations.up(settings)

    assert await inspector.row_counts() == before
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        await inspector.rows("UPDATE memberships SET user_id = 'nobody'")


async def test_a_cancelled_migration_can_start_again(bare):
    for turns in range(0, 60, 5):
        task = asyncio.create_task(migrations.up(bare))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    await migrations.up(bare)
    assert all(step.applied for step in await migrations.status(bare))


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_migration_may_exceed_the_statement_timeout(settings, add_migration, monkeypatch):
    monkeypatch.setattr(database, "STATEMENT_S", 0.2)
    name = add_migration("SELECT pg_sleep(0.5);")

    assert await migrations.up(settings) == [name]


async def test_a_wait_for_an_endless_migration_ends_with_an_error(bare, monkeypatch):
    monkeypatch.setattr(migrations, "LOCK_S", 0.2)
    monkeypatch.setattr(database, "BUSY_MS", 200)
    if bare.uses_sqlite:
        file = sqlite3.connect(database.sqlite_path(bare.database_url), isolation_level=None)
        file.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseProblem, match="is locked by another program"):
            await migrations.up(bare)
        file.close()
    else:
        server = await asyncpg.connect(bare.database_url)
        await server.execute("SELECT pg_advisory_lock($1)", migrations.LOCK_KEY)
        with pytest.raises(DatabaseProblem, match="does not respond"):
            await migrations.up(bare)
        await server.close()

    assert await migrations.up(bare) == STEPS
