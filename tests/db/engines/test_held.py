"""A connection that its user keeps: failures, waiting callers, and what the pool does with it."""

import asyncio

import asyncpg
import pytest
from tortoise.connection import get_connection

from hubbub.db import database
from hubbub.db.engines import pool
from hubbub.db.engines.held import MIN_POOL_SIZE
from hubbub.db.sql import Sql
from tests.support.waiting import until

PID = "SELECT pg_backend_pid() AS pid"
SOON = 5.0


@pytest.fixture
def database_kind():
    """SQLite has no pool."""
    return "postgres"


@pytest.fixture
async def held(settings):
    """A held connection of a pool of two."""
    await database.connect(settings.model_copy(update={"database_pool": 2}))
    made = database.held()
    yield made
    await made.release()
    await database.close()


async def pid(held):
    return (await Sql(held).fetch(PID))[0]["pid"]


async def test_statements_run_on_one_connection_until_it_is_released(held):
    first, second = await pid(held), await pid(held)
    in_use = set(get_connection(database.CONNECTION_NAME).connections.in_use)
    await held.release()
    await held.release()

    assert first == second
    assert len(in_use) == 1
    assert not held.is_held
    assert not get_connection(database.CONNECTION_NAME).connections.in_use
    assert await pid(held)


async def test_it_is_released_when_others_wait_for_the_pool(held):
    await pid(held)
    async with get_connection(database.CONNECTION_NAME).acquire_connection():
        waiting = asyncio.create_task(database.connection().fetch(PID))
        connections = get_connection(database.CONNECTION_NAME).connections
        await until(lambda: connections.has_waiters)
        async with asyncio.timeout(SOON):
            await pid(held)
            await waiting

    assert not held.is_held


async def test_of_a_large_pool_it_is_kept_while_others_wait(settings):
    await database.connect(settings.model_copy(update={"database_pool": MIN_POOL_SIZE}))
    made = database.held()
    first, client = await pid(made), get_connection(database.CONNECTION_NAME)
    others = [await pool.acquire(client) for _ in range(MIN_POOL_SIZE - 1)]
    waiting = asyncio.create_task(database.connection().fetch(PID))
    await until(lambda: client.connections.has_waiters)

    assert (await pid(made), made.is_held, waiting.done()) == (first, True, False)

    await made.release()
    await waiting
    for connection in others:
        await pool.release(client, connection)
    await database.close()


async def test_a_statement_that_fails_releases_it(held):
    with pytest.raises(asyncpg.DivisionByZeroError):
        await Sql(held).fetch("SELECT 1 / 0")

    assert not held.is_held
    assert await pid(held)


async def test_a_connection_that_the_server_ended_is_replaced(held, settings):
    first = await pid(held)
    other = await asyncpg.connect(settings.database_url)
    await other.execute("SELECT pg_terminate_backend($1, 5000)", first)
    await other.close()

    try:
        second = await pid(held)
    except asyncpg.PostgresConnectionError:  # the end was not received before the statement
        second = await pid(held)

    assert second != first


async def test_a_server_that_refuses_writes_is_left(held, settings):
    """As the former primary of a failover does."""
    first = await pid(held)

    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await Sql(held).fetch("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25006'; END $$")

    assert not held.is_held
    assert await pid(held) != first


async def test_a_cancelled_statement_releases_it(held):
    task = asyncio.create_task(Sql(held).fetch("SELECT pg_sleep(60)"))
    async with asyncio.timeout(SOON):
        while not held.is_held:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert not held.is_held
    assert await pid(held)
