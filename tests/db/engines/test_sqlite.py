"""The SQLite engine. The guarantees of its transactions are tested in tests/db/database/."""

import asyncio
import sqlite3
import time

import pytest
from tortoise import connections

from hubbub import models
from hubbub.core.errors import Unavailable
from hubbub.db import database, migrations
from hubbub.db.engines.sqlite import split_script
from tests.support.unsynced_sqlite import SHIPPED_CREDENTIALS

TRIGGER = "CREATE TRIGGER t AFTER DELETE ON a BEGIN DELETE FROM b; DELETE FROM c; END;"


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("", []),
        (" ;; \n; ", []),
        ("SELECT 1", ["SELECT 1;"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1;", " SELECT 2;"]),
        ("SELECT ';'; SELECT \"a;b\";", ["SELECT ';';", ' SELECT "a;b";']),
        (f"{TRIGGER} SELECT 1;", [TRIGGER, " SELECT 1;"]),
        ("SELECT 'open; end", ["SELECT 'open; end;"]),
    ],
)
def test_a_script_is_split_into_the_statements_of_sqlite(script, found):
    assert split_script(script) == found


def test_a_comment_may_contain_anything():
    assert len(split_script("-- one; two\nSELECT 1; /* three; four */ SELECT 2;")) == 2


@pytest.fixture
def database_kind():
    return "sqlite"


async def test_a_commit_waits_for_the_disk(settings, monkeypatch):
    """Only here: elsewhere the processes of the tests do not wait."""
    monkeypatch.setattr(database, "_sqlite_credentials", SHIPPED_CREDENTIALS)
    await migrations.open_current(settings)
    rows = await database.connection().fetch("PRAGMA synchronous")
    await database.close()

    full = 2
    assert [row["synchronous"] for row in rows] == [full]


async def test_reads_proceed_and_writes_wait_while_another_program_writes(settings):
    await migrations.open_current(settings)
    sql = database.connection()
    other = sqlite3.connect(database.sqlite_path(settings.database_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def in_a_transaction():
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', 'b')")

    writes = [
        asyncio.create_task(in_a_transaction()),
        asyncio.create_task(sql.execute("INSERT INTO state (key, value) VALUES ('c', 'd')")),
        asyncio.create_task(models.DatabaseMeta.create(key="e", value="f")),
    ]
    waits = []
    for _ in range(20):
        began = time.monotonic()
        assert (await sql.fetch("SELECT count(*) AS count FROM state"))[0]["count"] == 0
        assert not await models.DatabaseMeta.exists()
        waits.append(time.monotonic() - began)
    assert not any(write.done() for write in writes)
    other.execute("COMMIT")
    other.close()
    await asyncio.wait_for(asyncio.gather(*writes), 10)

    assert await models.DatabaseMeta.all().count() == 3
    await database.close()
    assert max(waits) < 1  # SQLite's own busy wait made it 5


async def test_a_write_fails_when_another_program_keeps_the_lock(settings, monkeypatch):
    monkeypatch.setattr(database, "BUSY_MS", 200)
    await migrations.open_current(settings)
    other = sqlite3.connect(database.sqlite_path(settings.database_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    for write in (put_in_a_transaction, put):
        with pytest.raises(Unavailable):
            await write()
    other.execute("ROLLBACK")
    other.close()
    await put_in_a_transaction()
    await database.close()


async def put_in_a_transaction():
    async with database.transaction():
        await models.DatabaseMeta.create(key="a", value="b")


async def put():
    async with database.guard():
        await models.DatabaseMeta.create(key="a", value="b")


async def test_callers_of_the_write_check_do_not_disturb_each_other(settings):
    """A caller whose check has ended continues after another caller has begun the next check."""
    await migrations.open_current(settings)
    client = connections.get("default")

    async def check_repeatedly():
        return [await client.refusal() for _ in range(10)]

    checks = await asyncio.gather(*(check_repeatedly() for _ in range(8)))
    await database.close()

    assert checks == [[None] * 10] * 8
