"""The servers of a measurement: new for each run, with default settings, and users they have not seen."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from bench.attacks.clients import HOST, Samples
from bench.crowd import OrderedClient
from bench.environment import BenchEnvironment
from bench.processes import ProcessUnavailable
from tests.support.waiting import until

USERS, ROOMS = 6, 2
DEFAULTS = {
    "autovacuum": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
}


@pytest.fixture
def env(tmp_path):
    cores = sorted(os.sched_getaffinity(0))
    with BenchEnvironment(tmp_path, tmp_path, cores[0], cores[-1]) as environment:
        yield environment


async def send_from_each(servers):
    """Connect all users, to the instances in turn; each sends a message. Returns samples and clients."""
    samples = Samples()
    lines = servers.connections_path.read_text().splitlines()
    pairs = [(token, room_id) for token, room_id, *_ in (line.split("\t") for line in lines)]
    clients = []
    for number, (token, _) in enumerate(pairs):
        port = servers.ports[number // ROOMS % len(servers.ports)]
        _, client = await asyncio.get_running_loop().create_connection(
            lambda token=token: OrderedClient(token, samples), HOST, port
        )
        await asyncio.wait_for(client.ready, 20)
        client.room_size = USERS // ROOMS
        clients.append(client)
    for client, (_, room_id) in zip(clients, pairs, strict=True):
        client.send(room_id)
    await until(lambda: len(samples.by_kind["delivery"]) >= USERS * USERS // ROOMS, 20)
    await until(lambda: len(samples.by_kind["ack"]) == USERS, 20)
    for client in clients:
        client.close()
    return samples, clients


async def query(url, statement):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.mark.soak
def test_a_run_has_all_servers_with_default_settings(env):
    with env.run_hubbub(USERS, ROOMS, 2, {}) as servers:
        before = asyncio.run(query(servers.database_url, "SELECT count(*) FROM messages"))
        settings = {name: asyncio.run(query(servers.database_url, f"SHOW {name}")) for name in DEFAULTS}
        samples, clients = asyncio.run(send_from_each(servers))
        pids = [pid for group in servers.groups.values() for pid in group]

    assert before == 0
    assert settings == DEFAULTS
    assert samples.failures == {}
    assert {(it.order.missing, it.order.duplicated, it.order.reordered) for it in clients} == {(0, 0, 0)}
    sizes = {name: len(group) for name, group in servers.groups.items()}
    assert sizes == {"instances": 2, "worker": 1, "redis": 1, "postgres": 1}
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.soak
def test_a_run_on_sqlite_has_its_own_database(env):
    last_seqs = []
    for _ in range(2):
        with env.run_hubbub(USERS, ROOMS, 1, {}, database="sqlite") as servers:
            samples, clients = asyncio.run(send_from_each(servers))
        assert samples.failures == {}
        assert servers.groups == {"instances": servers.pids}
        last_seqs.append({it.order.last_seq for it in clients})
    assert last_seqs[0] == last_seqs[1]  # the rooms were the same, without the messages of the first run
    assert len(last_seqs[0]) == 1


def test_a_peer_that_does_not_exist_is_unavailable(env):
    with pytest.raises(ProcessUnavailable), env.run_peer("node-socketio", 1):
        pass
