"""A server that stops, hangs or disconnects, and recovers."""

# ruff: noqa: PT012 - a transaction is a block, and what is raised comes out of it

import asyncio

import asyncpg
import pytest

from hubbub.core.errors import NotFound, Unavailable
from hubbub.db import database
from tests.db.database.conftest import (
    SOON,
    all_connections_serve,
    only_postgres,
    put,
    run_empty_transaction,
    stored_keys,
)
from tests.support.waiting import until


@only_postgres
async def test_a_stopped_server_is_unavailable_at_once_and_found_again(proxy, proxied_database, caplog):
    caplog.set_level("INFO", "hubbub.db")
    await put("before")
    await proxy.stop()
    for _ in range(5):
        async with asyncio.timeout(2):
            for attempt in (run_empty_transaction, stored_keys):
                with pytest.raises(Unavailable):
                    async with database.guard():
                        await attempt()
    await until(database.unavailable)
    with pytest.raises(Unavailable):
        await run_empty_transaction()
    await proxy.start()

    await until(lambda: not database.unavailable())
    await run_empty_transaction()
    assert await stored_keys() == ["before"]
    assert [record.message for record in caplog.records] == [
        "the database is unavailable",
        "the database is available",
    ]


@only_postgres
async def test_code_without_queries_does_not_mark_the_database_available(proxy, proxied_database, caplog):
    caplog.set_level("INFO", "hubbub.db")
    await proxy.stop()
    for _ in range(5):
        with pytest.raises(Unavailable):
            async with database.guard():
                await stored_keys()
        async with database.guard():
            pass
        await until(database.unavailable)

    assert [record.message for record in caplog.records] == ["the database is unavailable"]


@only_postgres
async def test_a_broken_connection_does_not_mark_the_database_unavailable(proxy, proxied_database, caplog):
    caplog.set_level("INFO", "hubbub.db")
    with pytest.raises(Unavailable):
        async with database.transaction() as tx:
            proxy.reset_connections()
            await tx.execute("SELECT 1")

    await all_connections_serve(proxied_database)
    assert not database.unavailable()
    assert caplog.records == []


@only_postgres
async def test_calls_fail_at_once_while_a_server_is_known_to_hang(proxy, proxied_database):
    proxy.freeze()
    with pytest.raises(Unavailable):
        async with database.guard():
            await stored_keys()
    await until(database.unavailable)

    async with asyncio.timeout(SOON):
        for _ in range(500):
            for attempt in (run_empty_transaction, stored_keys):
                with pytest.raises(Unavailable):
                    async with database.guard():
                        await attempt()
    proxy.thaw()
    await until(lambda: not database.unavailable())
    await all_connections_serve(proxied_database)


@only_postgres
async def test_a_server_that_disconnects_in_a_transaction_is_unavailable(proxy, proxied_database):
    with pytest.raises(Unavailable):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            proxy.reset_connections()
            await tx.execute("INSERT INTO state (key, value) VALUES ('b', '')")

    await all_connections_serve(proxied_database)
    assert await stored_keys() == []


@only_postgres
async def test_an_application_error_is_kept_when_the_server_disconnects(proxy, proxied_database):
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            proxy.reset_connections()
            raise NotFound

    await all_connections_serve(proxied_database)


@only_postgres
async def test_a_commit_of_unknown_outcome_is_unavailable(proxy, proxied_database):
    async def write():
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO state (key, value) VALUES ('a', '')")
            proxy.freeze_at(b"COMMIT")

    writing = asyncio.create_task(write())
    await asyncio.wait_for(proxy.pattern_seen.wait(), SOON)
    proxy.reset_connections()
    proxy.thaw()

    with pytest.raises(Unavailable):
        await writing
    await all_connections_serve(proxied_database)
    assert await stored_keys() == ["a"]  # this time it was done


@only_postgres
async def test_a_hanging_server_is_abandoned(proxy, proxied_database):
    await put("before")
    proxy.freeze()
    for attempt in (run_empty_transaction, stored_keys):
        with pytest.raises(Unavailable):
            async with asyncio.timeout(SOON), database.guard():
                await attempt()
    proxy.thaw()

    await all_connections_serve(proxied_database)


@only_postgres
async def test_a_restarted_server_is_used_again(opened):
    await all_connections_serve(opened)
    other = await asyncpg.connect(opened.database_url)
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'hubbub' AND datname = current_database()"
    )
    await other.close()

    async with asyncio.timeout(SOON):
        while True:  # the news of the closed connections arrive some time
            try:
                await run_empty_transaction()
                break
            except Unavailable:
                await asyncio.sleep(0)
    await all_connections_serve(opened)


@only_postgres
async def test_a_changed_schema_is_used_at_the_next_attempt(opened):
    async def read():
        async with database.transaction() as tx:
            return [dict(row) for row in await tx.fetch("SELECT * FROM state")]

    await put("a")
    await read()
    other = await asyncpg.connect(opened.database_url)
    await other.execute("ALTER TABLE state ADD COLUMN more int")
    await other.close()

    with pytest.raises(Unavailable):
        await read()
    assert await read() == [{"key": "a", "value": "here", "more": None}]


async def test_a_programming_error_is_not_reported_as_unavailable(opened):
    with pytest.raises(Exception, match="nowhere") as caught:
        async with database.transaction() as tx:
            await tx.fetch("SELECT * FROM nowhere")
    assert not isinstance(caught.value, Unavailable)

    if not opened.uses_sqlite:
        with pytest.raises(asyncpg.DataError):
            async with database.guard():
                await database.connection().fetch("SELECT $1::uuid", 5)
