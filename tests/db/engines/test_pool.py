"""The pool of PostgreSQL's connections: callers get one in their order, and each is returned exactly once."""

import asyncio

import pytest
from tortoise.connection import get_connection
from tortoise.exceptions import DBConnectionError

from hubbub.db import database
from hubbub.db.engines import pool
from tests.support.waiting import until

POOL = 2
SLEEP = "SELECT pg_sleep(10)"


@pytest.fixture
def database_kind():
    """SQLite has no pool."""
    return "postgres"


@pytest.fixture
async def client(settings):
    await database.connect(settings.model_copy(update={"database_pool": POOL}))
    yield get_connection(database.CONNECTION_NAME)
    await database.close()


async def test_a_caller_that_returns_a_connection_is_behind_those_who_wait(client):
    """asyncpg gives it to whichever asks next: in a busy process some waited ten times as long as others."""
    order: list[str] = []
    mine = [await pool.acquire(client) for _ in range(POOL)]

    async def use(name: str) -> None:
        connection = await pool.acquire(client)
        order.append(name)
        await pool.release(client, connection)

    waiting = [asyncio.create_task(use(f"waiting {number}")) for number in range(4)]
    await until(lambda: client.connections._waiting == len(waiting))
    for connection in mine:
        await pool.release(client, connection)
    await use("again, in the same turn of the event loop")
    await asyncio.gather(*waiting)

    assert order == [
        *(f"waiting {number}" for number in range(4)),
        "again, in the same turn of the event loop",
    ]


async def test_every_connection_is_available_after_errors_and_cancelled_callers(client):
    failing = [
        asyncio.create_task(database.connection().fetch("SELECT 1 / 0 FROM pg_sleep(0.01)")) for _ in range(6)
    ]
    cancelled = [asyncio.create_task(database.connection().fetch(SLEEP)) for _ in range(6)]
    await asyncio.wait(failing)
    for task in cancelled:
        task.cancel()
    await asyncio.wait(cancelled)

    assert all(task.exception() is not None for task in failing)
    assert all(task.cancelled() for task in cancelled)
    async with asyncio.timeout(5):
        both = [await pool.acquire(client) for _ in range(POOL)]
    assert client.connections._permits.locked()
    for connection in both:
        await pool.release(client, connection)
    assert (client.connections._permits._value, client.connections._waiting) == (POOL, 0)


async def test_a_connection_that_the_server_ended_leaves_no_place_empty(client):
    for _ in range(2 * POOL):
        connection = await pool.acquire(client)
        error = None
        try:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid(), 5000)")
        except Exception as problem:  # noqa: BLE001 - that is what is tried
            error = problem
        await pool.release(client, connection, error)

        assert error is not None
    assert (await database.connection().fetch("SELECT 1 AS one"))[0]["one"] == 1
    assert client.connections._permits._value == POOL


async def test_the_wait_for_a_connection_ends(client, monkeypatch):
    held = [await pool.acquire(client) for _ in range(POOL)]
    monkeypatch.setattr(pool, "ACQUIRE_S", 0.05)

    with pytest.raises(DBConnectionError):
        await pool.acquire(client)

    assert not client.connections.has_waiters
    for connection in held:
        await pool.release(client, connection)
    await pool.release(client, await pool.acquire(client))  # one that is idle
