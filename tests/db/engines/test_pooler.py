"""A pooler in front of PostgreSQL: successive statements may reach different server processes."""

import asyncio
import re
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from hubbub.db import database, migrations
from tests.support.tcp_server import run_tcp_server

BACKEND_KEY = re.compile(rb"K\x00\x00\x00\x0c.{8}", re.DOTALL)


@pytest.fixture
def database_kind():
    return "postgres"


@pytest.fixture
async def pooled(settings):
    """Settings that lead to the database through a program that issues its own keys, as pgbouncer does."""
    parts = urlsplit(settings.database_url)

    async def serve(reader, writer):
        from_server, to_server = await asyncio.open_connection(parts.hostname, parts.port)

        async def forward_commands():
            while data := await reader.read(65536):
                to_server.write(data)
            to_server.close()

        async def forward_replies():
            while data := await from_server.read(65536):
                writer.write(BACKEND_KEY.sub(b"K\x00\x00\x00\x0c\x7f\xff\xff\xff\x00\x00\x00\x01", data))
            writer.close()

        try:
            with suppress(ConnectionError):
                await asyncio.gather(forward_commands(), forward_replies())
        finally:
            to_server.close()

    async with run_tcp_server(serve) as port:
        login = parts.netloc.rpartition("@")[0]
        url = parts._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()
        yield settings.model_copy(update={"database_url": url})


async def value(sql, text):
    return (await sql.fetch(text))[0][0]


async def limits_and_statements():
    """The time limit outside and inside a transaction, and the prepared statements that the server keeps."""
    sql = database.connection()
    for _ in range(3):
        await sql.fetch("SELECT key FROM state WHERE key = $1", "epoch")
    async with database.transaction() as tx:
        inside = await value(tx, "SHOW statement_timeout")
        kept = await value(
            tx, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM state%'"
        )
    return await value(sql, "SHOW statement_timeout"), inside, kept


async def test_no_state_is_kept_on_the_connections_of_a_pooler(pooled):
    await migrations.open_current(pooled)
    try:
        assert await limits_and_statements() == ("0", "10s", 0)
    finally:
        await database.close()


async def test_without_a_pooler_connections_keep_their_limits_and_statements(settings):
    await migrations.open_current(settings)
    try:
        outside, inside, kept = await limits_and_statements()
    finally:
        await database.close()
    assert (outside, inside) == ("10s", "10s")
    assert kept > 0
