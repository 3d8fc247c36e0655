"""An open database, and a proxy in front of its server."""

import asyncio
import sqlite3
from pathlib import Path

import asyncpg
import pytest

import hubbub
from hubbub.config import Settings
from hubbub.db import database, migrations
from hubbub.db.engines import pool
from tests.support.tcp_proxy import TcpProxy

SOON = 10.0
PACKAGE = Path(hubbub.__file__).parent
only_postgres = pytest.mark.parametrize("database_kind", ["postgres"])


@pytest.fixture
async def opened(settings):
    """The database of the test, open."""
    await migrations.open_current(settings)
    yield settings
    await database.close()


async def put(key, value="here"):
    await database.connection().execute("INSERT INTO state (key, value) VALUES ($1, $2)", key, value)


async def stored_keys():
    rows = await database.connection().fetch("SELECT key FROM state ORDER BY key")
    return [row["key"] for row in rows]


async def keys_seen_from_outside(settings):
    """As another program sees them: what is not committed does not count."""
    if settings.uses_sqlite:
        with sqlite3.connect(database.sqlite_path(settings.database_url), timeout=1) as other:
            keys = [key for (key,) in other.execute("SELECT key FROM state ORDER BY key")]
            other.execute("UPDATE state SET value = value")  # the write lock is free
        other.close()
        return keys
    other = await asyncpg.connect(settings.database_url)
    try:
        return [row["key"] for row in await other.fetch("SELECT key FROM state ORDER BY key")]
    finally:
        await other.close()


async def all_connections_serve(settings):
    """As many transactions at once as there are connections, in time."""
    count = 1 if settings.uses_sqlite else settings.database_pool
    together = asyncio.Barrier(count)

    async def one():
        async with database.transaction() as tx:
            await tx.fetch("SELECT 1")
            await together.wait()

    async with asyncio.timeout(SOON):
        await asyncio.gather(*(one() for _ in range(count)))


@pytest.fixture
def short_timeouts(monkeypatch):
    """Short limits, so that the test does not wait for long."""
    monkeypatch.setattr(database, "STATEMENT_S", 0.5)
    monkeypatch.setattr(pool, "ACQUIRE_S", 0.5)
    monkeypatch.setattr(database, "BUSY_MS", 200)


@pytest.fixture
async def proxy(database_url):
    """A proxy between hubbub and its PostgreSQL."""
    async with TcpProxy(database_url) as made:
        yield made


@pytest.fixture
async def proxied_database(proxy, tmp_path, short_timeouts):
    """The database, opened through the proxy."""
    settings = Settings.for_tests(database_url=proxy.url, data_dir=tmp_path, database_pool=3)
    await migrations.open_current(settings)
    yield settings
    await database.close()


async def run_empty_transaction():
    async with database.transaction():
        pass
