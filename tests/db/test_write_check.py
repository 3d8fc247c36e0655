"""An instance that cannot write is not ready, logs the reason once, and recovers by itself."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from hubbub.db import database, write_check
from hubbub.db.engines import sqlite
from tests.support.live_instance import OperationRefused
from tests.support.sqlite_lock import write_lock
from tests.support.waiting import until

SOON = 10.0


@pytest.fixture(autouse=True)
def _frequent_checks(monkeypatch):
    monkeypatch.setattr(write_check, "CHECK_INTERVAL_S", 0.1)
    monkeypatch.setattr(write_check, "RETRY_INTERVAL_S", 0.1)


async def _run(settings, *statements):
    connection = await asyncpg.connect(settings.database_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _name(settings):
    return settings.database_url.rpartition("/")[2]


# --- real causes: each is a context in which nothing can be written ---


@asynccontextmanager
async def _full(_settings):
    """SQLite has no page left."""
    sql = database.connection()
    pages = (await sql.fetch("PRAGMA page_count"))[0]["page_count"]
    await sql.fetch(f"PRAGMA max_page_count = {pages}")
    yield
    await sql.fetch("PRAGMA max_page_count = 1000000")


@asynccontextmanager
async def _read_only_disk(_settings):
    """SQLite refuses writes."""
    await database.connection().execute("PRAGMA query_only = ON")
    yield
    await database.connection().execute("PRAGMA query_only = OFF")


@asynccontextmanager
async def _locked(settings):
    """Another program holds the write lock."""
    async with write_lock(settings) as lock:
        await lock.acquire()
        yield


@asynccontextmanager
async def _moved(settings):
    """The file is not where it was."""
    path = database.sqlite_path(settings.database_url)
    path.rename(path.with_name("elsewhere"))
    yield
    path.with_name("elsewhere").rename(path)


@asynccontextmanager
async def _read_only_server(settings):
    """PostgreSQL is read-only for all new connections, and existing ones end."""
    await _run(
        settings,
        f"ALTER DATABASE {_name(settings)} SET default_transaction_read_only = on",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hubbub' "
        f"AND datname = '{_name(settings)}'",
    )
    yield
    name = _name(settings)
    undo = f"ALTER DATABASE {name} RESET default_transaction_read_only"
    await _run(settings, "SET default_transaction_read_only = off", undo)


@asynccontextmanager
async def _full_server(settings):
    """PostgreSQL has no space left, as far as rows are concerned."""
    await _run(
        settings,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$",
        *(
            f"CREATE TRIGGER no_room BEFORE INSERT ON {table} EXECUTE FUNCTION full_disk()"
            for table in TABLES
        ),
    )
    yield
    await _run(settings, "DROP FUNCTION full_disk CASCADE")


TABLES = ("messages", "state")


@pytest.mark.parametrize(
    ("database_kind", "reason", "line"),
    [
        ("sqlite", _full, "has no space left on its disk."),
        ("sqlite", _read_only_disk, "can't be written to."),
        ("sqlite", _locked, "is locked by another program."),
        ("sqlite", _moved, "can't be opened."),
        ("postgres", _read_only_server, "refuses writes: it is a standby, or read-only."),
        ("postgres", _full_server, "has no space left on its disk."),
    ],
    indirect=["database_kind"],
)
async def test_an_instance_that_cannot_write_is_not_ready(
    instance, settings, reason, line, caplog, monkeypatch
):
    monkeypatch.setattr(sqlite, "LOCK_S", 0.3)
    caplog.set_level("INFO", "hubbub")
    attempts, refusal = [], write_check.WriteCheck._refusal

    async def counted(check):
        attempts.append(check)
        return await refusal(check)

    monkeypatch.setattr(write_check.WriteCheck, "_refusal", counted)
    room_id, (ada,) = await instance.room_with_clients("ada")
    assert await _status(instance) == 200

    async with reason(settings):
        writing = asyncio.create_task(_write(ada, room_id))
        await _until(instance, 503)
        tried = len(attempts)
        await until(lambda: len(attempts) >= tried + 3)  # several attempts later, it is still one line
        assert await _status(instance) == 503
    await _until(instance, 200)
    writing.cancel()
    await asyncio.wait([writing])

    await _sends_again(ada, room_id)
    said = [(record.message, getattr(record, "reason", "")) for record in caplog.records]
    about = [(text, why) for text, why in said if text.startswith("the database is")]
    assert [text for text, _ in about] == ["the database is unavailable", "the database is available"]
    assert about[0][1].startswith(line)
    assert sum(why.startswith(line) for _, why in said) == 1


async def _write(client, room_id):
    """Send large messages, until one is refused."""
    with suppress(OperationRefused, AssertionError):
        while True:
            await client.send(room_id, "x" * 4000)


async def _sends_again(client, room_id):
    """Calls that waited for the database may still be refused, and so may those behind them."""

    async def is_stored():
        return await _attempt(client, room_id) != "unavailable"

    await until(is_stored, SOON)


async def _attempt(client, room_id):
    try:
        await client.send(room_id, "again")
    except OperationRefused as refused:
        return refused.code
    return "stored"


async def _status(instance):
    async with instance.http.get(f"{instance.url}/health/ready") as answer:
        return answer.status


async def _until(instance, status):
    async def holds():
        return await _status(instance) == status

    await until(holds, SOON)


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_database_on_a_full_disk_can_be_read(instance, settings):
    room_id, (ada,) = await instance.room_with_clients("ada")

    async with _full_server(settings):
        with suppress(OperationRefused):
            await ada.send(room_id, "x")
        await _until(instance, 503)
        assert (await ada.call("room:list"))["rooms"]


async def test_the_check_leaves_nothing_behind(instance):
    database.report_failure(
        "a test", asyncpg.DiskFullError() if database.dialect() == "postgres" else _sqlite_full()
    )
    await until(lambda: not database._OpenDatabase.write_check._disk_failed, SOON)

    rows = await database.connection().fetch("SELECT key FROM state")
    assert write_check.TEST_WRITE_KEY not in {row["key"] for row in rows}


def _sqlite_full():
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


def _lines(caplog):
    return sum(record.message == "the database is unavailable" for record in caplog.records)


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_the_reason_is_logged_again_each_minute(instance, settings, monkeypatch, caplog):
    monkeypatch.setattr(write_check, "LOG_INTERVAL_S", 0.3)
    async with _read_only_server(settings):
        await _until(instance, 503)
        async with asyncio.timeout(SOON):
            while _lines(caplog) < 2:  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.05)
    await _until(instance, 200)
