"""Notifications over two instances: from a message to the other user, in the order of the room."""

import asyncio
import time
from statistics import quantiles
from uuid import uuid4

import asyncpg
import pytest

from tests.journeys.conftest import UNLIMITED
from tests.support.live_instance import RemoteInstances
from tests.support.server_process import ServerProcess, run_together
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)

MESSAGES = 40


@pytest.fixture
async def proxy(redis_url):
    """What the instances take for Redis."""
    async with TcpProxy(redis_url) as made:
        yield made


@pytest.fixture
async def remote_instances(database_url, proxy, tmp_path):
    """Two instances of one deployment. The first one also runs jobs."""
    shared = {"database_url": database_url, "redis_url": proxy.url, "redis_prefix": f"t-{uuid4().hex}"}
    options = {**shared, "default_rooms": "", **UNLIMITED}
    working, plain = (
        ServerProcess(tmp_path, inline_workers="true", **options),
        ServerProcess(tmp_path, **options),
    )
    async with (
        run_together(working, plain) as (one, other),
        RemoteInstances(one.url, other.url) as made,
    ):
        yield made
        assert one.error_lines() == other.error_lines() == []


async def test_messages_notify_on_the_other_instance_in_order_also_without_redis(
    remote_instances, proxy, database_url, figures
):
    ada, bob = await remote_instances.register("ada"), await remote_instances.register("bob")
    here = await ada.connect_client()
    inbox = await bob.connect_inbox(url=remote_instances.urls[1])
    room_id = (await here.call("room:create", kind="direct", member_ids=[bob.id]))["room"]["id"]
    latencies = []

    for number in range(MESSAGES):
        started_at = time.perf_counter()
        sent = await here.send(room_id, f"message {number}")
        event = await inbox.next_event("notification:new")
        latencies.append((time.perf_counter() - started_at) * 1000)
        assert event["notification"]["data"] == {
            "room_id": room_id,
            "message_id": sent["id"],
            "seq": sent["seq"],
        }
    cuts = quantiles(latencies, n=100)
    figures(f"message:send to notification:new: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms")

    await proxy.stop()
    await asyncio.gather(*(here.send(room_id, f"without {number}") for number in range(5)))
    await inbox.next_event("notification:new", lambda it: it["unread"] == MESSAGES + 5)
    await proxy.start()

    new = [payload for name, payload in inbox.events if name == "notification:new"]
    assert [each["seq"] for each in new] == list(range(1, MESSAGES + 6))
    seqs = [each["notification"]["data"]["seq"] for each in new]
    assert seqs == sorted(seqs)
    server = await asyncpg.connect(database_url)
    assert await server.fetchval("SELECT unread FROM inboxes WHERE user_id = $1", bob.id) == MESSAGES + 5
    await server.close()
