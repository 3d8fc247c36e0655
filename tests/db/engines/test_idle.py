"""Connections that respond but cannot work any more are closed, idle or in use."""

import asyncio
import contextlib
import time

import asyncpg
import pytest

from hubbub import models
from hubbub.config import Settings
from hubbub.core.errors import Unavailable
from hubbub.db import database, migrations
from hubbub.db.engines import idle
from tests.support.postgres_servers import PostgresServer
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

SOON = 10.0  # seconds: the specified limit of a failover
POOL = 3


async def _pid():
    return (await database.connection().fetch("SELECT pg_backend_pid() AS pid"))[0]["pid"]


async def _fail(code):
    await database.connection().execute(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $$")


# --- a statement that fails ---


async def _by_hand(code):
    async with database.guard():
        await _fail(code)


async def _in_a_transaction(code):
    async with database.transaction():
        await _fail(code)


async def _by_a_model(code):
    async with database.guard():
        await models.DatabaseMeta.raw(f"SELECT refuse('{code}') AS key, '' AS value")


async def _handled_inside(code):
    async with database.transaction():
        with contextlib.suppress(Unavailable, asyncpg.PostgresError):
            async with database.transaction():
                await _fail(code)


REFUSE = (
    "CREATE FUNCTION refuse(code text) RETURNS text LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = code; END $$"
)


@pytest.fixture
async def opened(settings):
    """The database of the test, open, with one connection, that is watched by no loop."""
    await migrations.open_current(settings.model_copy(update={"database_pool": 1}))
    await database.connection().execute(REFUSE)
    yield settings
    await database.close()


@pytest.mark.parametrize("database_kind", ["postgres"])
@pytest.mark.parametrize(
    ("attempt", "code"),
    [
        *((_by_hand, code) for code in ("25006", "57P01", "57P02", "57P03", "08000", "08006", "08P01")),
        *((attempt, "25006") for attempt in (_in_a_transaction, _by_a_model, _handled_inside)),
        (_handled_inside, "57P03"),
    ],
)
async def test_an_error_that_ends_a_connection_closes_it(opened, attempt, code):
    before = await _pid()
    with contextlib.suppress(Unavailable):
        await attempt(code)

    async with asyncio.timeout(SOON):
        assert await _pid() != before
    assert not database.unavailable()


@pytest.mark.parametrize("database_kind", ["postgres"])
@pytest.mark.parametrize(
    ("attempt", "code"),
    [
        *((_by_hand, code) for code in ("57014", "40P01", "23505", "42P01", "53300", "P0001")),
        (_in_a_transaction, "57014"),
        (_handled_inside, "40P01"),
    ],
)
async def test_another_error_keeps_a_connection(opened, attempt, code):
    before = await _pid()
    with contextlib.suppress(Exception):
        await attempt(code)

    assert await _pid() == before


# --- a server that becomes read-only, or is silent on old connections alone ---


@pytest.fixture(scope="module")
def servers():
    """A primary and a standby."""
    with PostgresServer() as primary, primary.standby() as standby:
        yield primary, standby


@pytest.fixture
async def proxy(servers):
    """In front of the primary."""
    async with TcpProxy(servers[0].url()) as made:
        yield made


@pytest.fixture
async def proxied_database(proxy, tmp_path):
    """The database of the primary, opened through the proxy."""
    await database.connect(Settings.for_tests(database_url=proxy.url, data_dir=tmp_path, database_pool=POOL))
    await database.connection().execute("CREATE TABLE IF NOT EXISTS t (x int)")
    yield proxy
    await database.close()


@pytest.fixture
def short_timeouts(monkeypatch):
    """Short limits, so that the test does not wait for long."""
    for name in ("CHECK_S", "STALLED_S", "EXHAUSTED_S"):
        monkeypatch.setattr(idle, name, 0.5)


async def _pids():
    """Of all connections of the pool: they are used at the same time."""
    together = asyncio.Barrier(POOL)

    async def one():
        async with database.transaction() as tx:
            rows = await tx.fetch("SELECT pg_backend_pid() AS pid")
            await together.wait()
            return rows[0]["pid"]

    return set(await asyncio.gather(*(one() for _ in range(POOL))))


async def _writes():
    try:
        async with database.guard():
            await database.connection().execute("INSERT INTO t VALUES (1)")
    except Unavailable:
        return False
    return True


def _lines(caplog):
    return [record.message for record in caplog.records if record.name.startswith("hubbub")]


async def test_idle_connections_to_a_server_that_refuses_writes_are_closed(servers, proxied_database, caplog):
    """Without a write, the check finds it. New connections go to a server that accepts writes."""
    before = await _pids()
    proxied_database.redirect_to(servers[1].url())
    await servers[0].set_read_only()
    try:
        await until(lambda: _none(proxied_database), SOON)  # each is closed, and none is created
    finally:
        await servers[0].set_read_only(on=False)
    proxied_database.redirect_to(servers[0].url())

    await until(_writes, SOON)  # the primary accepts writes again
    assert not before & await _pids()
    assert _lines(caplog)[0] == "the database is unavailable"


async def test_unusable_connections_are_closed(proxied_database, caplog, short_timeouts):
    """As behind a proxy that keeps connections to a stopped primary: idle ones, and one in use."""
    caplog.set_level("INFO", "hubbub")
    before = await _pids()
    hanging = asyncio.create_task(_sleep())
    await until(lambda: _sleeps(proxied_database), SOON)  # the statement runs

    proxied_database.stall_connections()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(hanging, SOON)
    assert await _writes()
    assert time.monotonic() - began < SOON / 2
    assert not before & await _pids()
    assert not database.unavailable()
    await until(lambda: _logged(caplog), SOON)  # it is logged
    assert _lines(caplog) == ["database connections were replaced"]


async def test_a_pool_of_hanging_connections_is_replaced(proxied_database, short_timeouts):
    """None is idle, so there is none to compare with; a new connection works."""
    await _pids()
    proxied_database.stall_connections()
    hanging = [asyncio.create_task(_sleep(0)) for _ in range(POOL)]
    began = time.monotonic()
    for each in hanging:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(each, SOON)
    assert await _writes()
    assert time.monotonic() - began < SOON / 2


async def test_a_long_statement_on_a_responding_server_is_not_interrupted(proxied_database, short_timeouts):
    async with asyncio.timeout(SOON):
        await asyncio.gather(*(_sleep(2) for _ in range(POOL)))


async def _sleep(seconds=30):
    async with database.guard():
        await database.connection().fetch(f"SELECT pg_sleep({seconds}) AS slept")


async def _sleeps(proxy, count=1):
    connection = await asyncpg.connect(proxy.server_url)
    try:
        return await connection.fetchval(
            "SELECT count(*) = $1 FROM pg_stat_activity WHERE query LIKE '%slept' AND state = 'active' "
            "AND pid <> pg_backend_pid()",
            count,
        )
    finally:
        await connection.close()


async def _none(proxy):
    return proxy.open_connections == 0 and database.unavailable()


async def _logged(caplog):
    return bool(_lines(caplog))


# --- the primary is promoted elsewhere: last, for the servers are not as before ---


async def test_writes_continue_after_a_failover(servers, proxied_database, caplog):
    """The old primary refuses writes and keeps its connections, the standby becomes the primary."""
    primary, standby = servers
    await _pids()
    await primary.set_read_only()
    proxied_database.redirect_to(standby.url())
    await standby.promote()
    began = time.monotonic()
    await until(_writes, SOON)  # the new primary accepts writes
    assert time.monotonic() - began < SOON

    rows = await database.connection().fetch("SELECT inet_server_port() AS port")
    assert rows[0]["port"] == standby.port
    assert await standby.execute("SELECT count(*) FROM t") > 0
