"""Hundreds of clients are dropped and reconnect at once, without affecting connected ones."""

import asyncio
import time
from collections import Counter

import aiohttp
import pytest

from hubbub.core import metrics
from tests.support.raw_client import RawClient

CROWD = 240
PER_S = 80


@pytest.fixture
def settings(settings):
    """An instance that takes in fewer a second than there are."""
    return settings.model_copy(
        update={
            "handshakes_per_s": PER_S,
            "sockets_per_user": CROWD,
            "sockets_per_address": 2 * CROWD,
            "limit_handshakes": None,
        }
    )


async def connect_all(fans):
    """All at once. How many were closed how often while they waited."""
    async with asyncio.timeout(90):
        return Counter(await asyncio.gather(*(fan.connect_with_retries() for fan in fans)))


async def talking(client, room_id, until):
    """Send until the event is set. The times that the acks took."""
    took = []
    while not until.is_set():
        began = time.monotonic()
        await client.send(room_id, str(len(took)))
        took.append(time.monotonic() - began)
    return took


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
@pytest.mark.slow("8 s: 240 clients at 80 handshakes a second, twice")
async def test_many_dropped_clients_reconnect_without_affecting_others(instance, figures):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    users = [await instance.register(f"fan{index}") for index in range(8)]
    for user in users:
        await ada.call("room:invite", room_id=room_id, user_id=user.id)
    all_back = asyncio.Event()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        fans = [RawClient(http, instance.url, users[index % len(users)].token) for index in range(CROWD)]
        await connect_all(fans)
        chatter = asyncio.ensure_future(talking(ada, room_id, all_back))
        statements = metrics.counters["database_statements"]
        began = time.monotonic()

        await asyncio.gather(*(fan.close() for fan in fans))
        closed = await connect_all(fans)

        seconds = time.monotonic() - began
        statements = metrics.counters["database_statements"] - statements
        all_back.set()
        took = sorted(await chatter)
        last = await ada.send(room_id, "all there?")
        for fan in fans:
            await fan.wait_for_seq(room_id, last["seq"])
        await bob.next_event("message:new", lambda it: it["seq"] == last["seq"])
        for fan in fans:
            await fan.close()

    figures(
        f"{CROWD} back after {seconds:.1f} s at {PER_S} a second, closed once or more: "
        f"{CROWD - closed[0]}; meanwhile {len(took)} messages, slowest ack {took[-1] * 1000:.0f} ms, "
        f"{statements} statements"
    )
    assert sum(closed.values()) == CROWD
    assert [ada.count_events("disconnect"), bob.count_events("disconnect")] == [0, 0]
    assert [it["seq"] for _, it in bob.entries(room_id)] == list(range(3, last["seq"] + 1))
