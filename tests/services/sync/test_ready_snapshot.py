"""The content of `ready` for a reconnecting client, and its cost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from hubbub.config import Settings
from hubbub.core import metrics
from hubbub.realtime.chat import feeds
from hubbub.services.instance import membership_cache
from tests.support.live_instance import LiveInstance
from tests.support.raw_client import RawClient
from tests.support.tcp_proxy import TcpProxy


async def until_connected(instance: LiveInstance, count: int) -> None:
    async with asyncio.timeout(10):
        while len(instance.app.chat.connections) != count:  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.01)


class Returning:
    """Ada, in two rooms with Bob, who disconnects and reconnects."""

    def __init__(self, instance: LiveInstance, rooms: list[str], fan: RawClient) -> None:
        self.instance = instance
        self.rooms = rooms
        self.fan = fan

    async def blink(self) -> None:
        """Her socket disconnects, and the server has noticed."""
        await self.fan.close()
        await until_connected(self.instance, 1)


@asynccontextmanager
async def returning(instance: LiveInstance) -> AsyncIterator[Returning]:
    first, (device, bob) = await instance.room_with_clients("ada", "bob")
    made = await bob.call("room:create", kind="private", name="second", member_ids=[instance.users["ada"].id])
    await device.next_event("room:added", lambda it: it["room"]["id"] == made["room"]["id"])
    await device.close()
    await until_connected(instance, 1)
    async with aiohttp.ClientSession() as http:
        fan = RawClient(http, instance.url, instance.users["ada"].token)
        await fan.connect()
        yield Returning(instance, [first, made["room"]["id"]], fan)
        await fan.close()


@pytest.fixture
async def ada(instance: LiveInstance) -> AsyncIterator[Returning]:
    async with returning(instance) as made:
        yield made


async def statements_of(instance: LiveInstance, fan: RawClient) -> int:
    """Count the statements of a connect. No other query runs meanwhile."""
    chat, container = instance.app.chat, instance.app.container
    loops = (chat.reconciler, chat.delivery, chat.presence_tracker)
    for loop in (*loops, container.session_last_seen, container.epoch_watch):
        await loop.close()
    await chat.reconciler.check()
    before = metrics.counters["database_statements"]
    await fan.connect()
    return metrics.counters["database_statements"] - before


async def test_a_client_that_missed_nothing_causes_no_query(ada: Returning) -> None:
    await ada.blink()

    assert await statements_of(ada.instance, ada.fan) == 0
    assert ada.fan.ready["rooms"] == []
    assert ada.fan.ready["rooms_complete"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("frozen", [False, True])
async def test_redis_confirms_that_nothing_was_missed_unless_it_is_silent(
    settings: Settings, redis_url: str, frozen: bool
) -> None:
    async with TcpProxy(redis_url) as proxy:
        update = {"redis_url": proxy.url, "redis_prefix": f"t-{uuid4().hex}"}
        async with LiveInstance(settings.model_copy(update=update)) as instance, returning(instance) as ada:
            await ada.blink()
            if frozen:
                proxy.freeze()

            assert (await statements_of(instance, ada.fan) > 0) == frozen
            assert ada.fan.ready["rooms"] == []
            proxy.thaw()


async def test_a_client_that_missed_nothing_receives_new_entries(ada: Returning) -> None:
    bob = await ada.instance.another_client("bob")
    await ada.fan.close()
    await until_connected(ada.instance, 2)
    await ada.fan.connect()

    sent = [await bob.send(room_id, "there you are") for room_id in ada.rooms]
    await bob.synchronize()
    await ada.fan.wait_for_count("message:new", 2)

    assert [it["message"] for name, it in ada.fan.events if name == "message:new"] == sent


async def test_a_client_that_missed_a_message_gets_only_its_room(ada: Returning) -> None:
    bob = ada.instance.clients[1]
    await ada.blink()
    await bob.send(ada.rooms[1], "you missed that")

    assert await statements_of(ada.instance, ada.fan) == 1
    (room,) = ada.fan.ready["rooms"]
    assert (room["id"], room["my"]["unread"]) == (ada.rooms[1], 1)


@pytest.mark.parametrize(
    ("event", "payload"),
    [("room:mute", {"muted": True}), ("room:read", {"seq": 3}), ("room:mark_unread", {"seq": 3})],
)
async def test_changes_of_another_socket_are_included(
    ada: Returning, event: str, payload: dict[str, Any]
) -> None:
    bob, room_id = ada.instance.clients[1], ada.rooms[0]
    await bob.send(room_id, "to be read")
    await ada.fan.wait_for_count("message:new", 1)
    await ada.blink()
    other = await ada.instance.another_client("ada")
    await other.call(event, room_id=room_id, **payload)

    await ada.fan.connect()

    assert [room["id"] for room in ada.fan.ready["rooms"]] == [room_id]


async def test_a_read_mark_set_elsewhere_is_found_without_a_signal(
    ada: Returning, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob, room_id = ada.instance.clients[1], ada.rooms[0]
    await bob.send(room_id, "to be read")
    await ada.fan.wait_for_count("message:new", 1)
    await ada.blink()
    monkeypatch.setattr(ada.instance.app.container.bus, "publish", lambda _: None)  # unavailable
    status, _ = await ada.instance.users["ada"].rest("POST", f"/rooms/{room_id}/read", json={"seq": 3})
    assert status == 200

    await ada.instance.app.chat.reconciler.check()
    await ada.fan.connect()

    assert [room["id"] for room in ada.fan.ready["rooms"]] == [room_id]


async def test_a_client_of_another_epoch_gets_everything(ada: Returning) -> None:
    await ada.blink()
    ada.fan.ready["epoch"] = "another"

    await ada.fan.connect()

    assert len(ada.fan.ready["rooms"]) == 3, "and the default one"


async def test_after_a_long_disconnection_the_database_is_queried(
    ada: Returning, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.blink()
    monkeypatch.setattr(membership_cache, "DISCONNECTED_TTL_S", 0.0)
    monkeypatch.setattr(feeds, "UNUSED_FEED_TTL_S", 0.0)

    assert await statements_of(ada.instance, ada.fan) == 2, "session with memberships, rooms with their ends"
    assert ada.fan.ready["rooms"] == []


async def test_after_a_long_disconnection_read_marks_since_the_login_are_included(
    ada: Returning, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob, user = ada.instance.clients[1], ada.instance.users["ada"]
    await bob.send(ada.rooms[0], "to be read")
    await ada.fan.wait_for_count("message:new", 1)
    await user.rest("POST", f"/rooms/{ada.rooms[0]}/read", json={"seq": 3})
    await ada.blink()
    monkeypatch.setattr(membership_cache, "DISCONNECTED_TTL_S", 0.0)
    await ada.instance.app.chat.reconciler.check()

    await ada.fan.connect()

    assert [room["id"] for room in ada.fan.ready["rooms"]] == [ada.rooms[0]]
