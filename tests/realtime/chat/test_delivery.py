"""Each room's entries are delivered strictly by seq, each once, whatever the bus does."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from hubbub.realtime.chat import feeds as module
from hubbub.services.eventlog import event_log
from tests.support.live_instance import Client, LiveInstance
from tests.support.unreliable_bus import UnreliableBus


def seqs(client: Client, room_id: str) -> list[int]:
    return [it["seq"] for _, it in client.entries(room_id)]


@pytest.mark.parametrize(("lost", "held"), [(0.0, 0.5), (0.3, 0.3), (1.0, 0.0)])
async def test_a_bus_that_loses_and_reorders_only_delays_delivery(
    settings: Any, lost: float, held: float
) -> None:
    bus = UnreliableBus(seed=7, loss_rate=lost, delay_rate=held)
    async with LiveInstance(settings, bus) as instance:
        room_id, clients = await instance.room_with_clients("ada", "bob", "eve")
        sent = [await client.send(room_id, str(index)) for index in range(8) for client in clients]

        for client in clients:
            await client.next_event("message:new", lambda it: it["seq"] == sent[-1]["seq"])

        for client in clients:
            # A member named at the creation begins behind it, or at the join if that was lost.
            received = seqs(client, room_id)
            assert received == list(range(received[0], sent[-1]["seq"] + 1))
            assert received[0] == 1 if client is clients[0] else received[0] <= len(clients) + 1
            assert client.entries(room_id) == clients[0].entries(room_id)[received[0] - 1 :]
        assert bus.losses or not lost


async def test_an_entry_of_another_writer_is_found_within_a_second(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    room = UUID(room_id)
    feed = instance.app.chat.delivery.feeds[room]
    entry = (await event_log.read(instance.app.container.url_signer, room, 0, 1))[0]
    feed.delivered_seq = 0  # as if no signal of the room had been received

    await instance.app.chat.delivery.check()

    assert feed.delivered_seq == 2
    assert bob.count_events("message:new") == 0
    assert entry.seq == 1
    await ada.synchronize()


async def test_a_member_who_joins_behind_the_feed_is_synchronized_first(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    for index in range(5):
        await ada.send(room_id, str(index))
    eve = await (await instance.register("eve")).connect_client()
    connection = instance.app.chat.connections.of_user(UUID(eve.ready["user"]["id"]))[0]

    instance.app.chat.delivery.add_member(connection, UUID(room_id), 3)
    await ada.send(room_id, "last")
    await eve.next_event("message:new", lambda it: it["message"]["body"] == "last")

    assert seqs(eve, room_id) == [3, 4, 5, 6, 7, 8]


async def test_a_room_without_local_members_is_unsubscribed(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    feeds = instance.app.chat.delivery.feeds
    assert UUID(room_id) in feeds

    for client in (ada, bob):
        await client.close()
    async with asyncio.timeout(5):
        await instance.app.chat.connections.empty.wait()

    assert len(instance.app.container.membership_cache) == 0
    await instance.app.chat.delivery.check()
    assert UUID(room_id) in feeds, "they may be back in a moment"
    monkeypatch.setattr(module, "UNUSED_FEED_TTL_S", 0.0)
    await instance.app.chat.delivery.check()
    assert feeds == {}


async def test_the_oldest_rooms_without_members_are_unsubscribed_first(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_UNUSED_FEEDS", 1)
    await instance.room_with_clients("ada", "bob")
    for client in instance.clients:
        await client.close()
    async with asyncio.timeout(5):
        await instance.app.chat.connections.empty.wait()

    await instance.app.chat.delivery.check()

    assert len(instance.app.chat.delivery.feeds) == 1
