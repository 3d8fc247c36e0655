"""Several hosts: connections are made to the one that accepts writes, at any position of the list."""

import socket
import time

import pytest

from hubbub.config import ConfigError, Settings
from hubbub.db import database, migrations
from hubbub.db.engines import writable
from tests.support import servers
from tests.support.postgres_servers import PostgresServer


@pytest.fixture(scope="module")
def pair():
    """A primary, and a standby that streams from it."""
    with PostgresServer() as primary, primary.standby() as standby:
        yield primary, standby


@pytest.fixture
def silent_host():
    """A host that accepts connections and never responds, like one behind a broken network."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed_host():
    """A host on which nothing listens."""
    return f"127.0.0.1:{servers.free_port()}"


async def _port(url, **more):
    """The port of the server that `url` leads to."""
    await database.connect(Settings.for_tests(database_url=url, **more))
    try:
        rows = await database.connection().fetch("SELECT inet_server_port() AS port")
        return rows[0]["port"]
    finally:
        await database.close()


@pytest.mark.parametrize(
    "order",
    [
        ("primary",),
        ("primary", "standby"),
        ("standby", "primary"),
        ("closed_host", "standby", "primary"),
        ("silent_host", "primary"),
        ("standby", "silent_host", "primary", "closed_host"),
    ],
)
async def test_the_host_that_accepts_writes_is_found(pair, silent_host, closed_host, order):
    places = {
        "primary": pair[0].host,
        "standby": pair[1].host,
        "silent_host": silent_host,
        "closed_host": closed_host,
    }
    url = f"postgres://postgres@{','.join(places[name] for name in order)}/postgres"

    began = time.monotonic()
    assert await _port(url) == pair[0].port
    assert time.monotonic() - began < 4 * writable.STAGGER_S


async def test_hosts_in_the_query_of_the_url_are_used(pair):
    ports = f"{pair[1].port},{pair[0].port}"
    url = f"postgres:///postgres?user=postgres&host=127.0.0.1,127.0.0.1&port={ports}"

    assert await _port(url) == pair[0].port


async def test_the_last_writable_host_is_tried_first(pair, silent_host):
    found = writable.Hosts([f"postgres://postgres@{silent_host}/postgres", pair[0].url()], "")
    for seconds in (4 * writable.STAGGER_S, writable.STAGGER_S):
        began = time.monotonic()
        (await found.connect()).terminate()
        assert time.monotonic() - began < seconds


@pytest.mark.parametrize("wanted", ["", "?target_session_attrs=any", "?target_session_attrs=read-write"])
async def test_a_missing_writable_host_is_one_line(pair, closed_host, wanted):
    for places in (pair[1].host, f"{pair[1].host},{closed_host}", f"{closed_host},{pair[1].host}"):
        with pytest.raises(database.DatabaseProblem, match=r"refuses writes: it is a standby") as caught:
            await _port(f"postgres://postgres:s3cret@{places}/postgres{wanted}")
        assert f"PostgreSQL at {places}/postgres" in str(caught.value)
        assert "s3cret" not in str(caught.value)


async def test_migrations_find_the_primary(pair, tmp_path):
    await pair[0].execute("CREATE DATABASE migrated")
    url = f"postgres://postgres@{pair[1].host},{pair[0].host}/migrated"
    settings = Settings.for_tests(database_url=url, data_dir=tmp_path)

    await migrations.up(settings)

    assert all(step.applied for step in await migrations.status(settings))


@pytest.mark.parametrize(
    "places", ["a:5432,b:5433", "[::1]:5432,b", "b,[::1]", "a,b"], ids=["ports", "ipv6", "ipv6 last", "names"]
)
def test_a_setting_may_name_several_hosts(places):
    url = f"postgres://u:p@{places}/name"

    assert Settings.build({"database_url": url}).database_url == url


@pytest.mark.parametrize("places", ["a:5432,b:many", "a:1,", ",b", "a,[::1", "a:99999999,b"])
def test_each_host_is_checked(places):
    with pytest.raises(ConfigError) as caught:
        Settings.build({"database_url": f"postgres://u:s3cret@{places}/name"})

    (line,) = caught.value.lines
    assert line.startswith("HUBBUB_DATABASE_URL")
    assert "s3cret" not in line
