"""Events from external programs, as documented."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis.exceptions import RedisError

from hubbub.cluster.redis.emitter import Emitter
from tests.support.live_instance import LiveInstance

EXTENDING = Path(__file__).parents[3] / "docs" / "extending.md"

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
async def instance(settings, redis_url, prefix):
    """An instance that listens to Redis."""
    async with LiveInstance(
        settings.model_copy(update={"redis_url": redis_url, "redis_prefix": prefix})
    ) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid4().hex}"


def documented() -> Callable[..., Awaitable[None]]:
    """The function of the example."""
    found = re.search(r"```python\n(.*?)```", EXTENDING.read_text(), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(found[1], names)
    announce: Callable[..., Awaitable[None]] = names["announce"]
    return announce


async def test_the_documented_example_works(instance, redis_url, prefix) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    eve = await (await instance.register("eve")).connect_client()

    await documented()(redis_url, prefix, room_id, instance.users["bob"].id)

    for client in (ada, bob):
        assert await client.next_event("shop:sold") == {"left": 3}
    assert await bob.next_event("shop:receipt") == {"total": "12.50"}
    for client in (ada, bob, eve):
        assert await client.next_event("shop:closing") == {"in_s": 60}
    assert (
        eve.count_events("shop:sold")
        == ada.count_events("shop:receipt")
        == eve.count_events("shop:receipt")
        == 0
    )


async def test_rooms_of_sockets_and_disconnects_are_supported(instance, redis_url, prefix) -> None:
    _, (ada, bob) = await instance.room_with_clients("ada", "bob")
    sid = ada.sio.get_sid("/chat")

    async with Emitter(redis_url, prefix) as emitter:
        await emitter.enter_room(sid, "/chat", "lobby")
        await emitter.emit("x:one", {}, room="lobby", namespace="/chat")
        await emitter.emit("x:two", {"n": 2}, to=[sid, "nobody"], namespace="/chat")
        await ada.next_event("x:one")
        assert await ada.next_event("x:two") == {"n": 2}
        await emitter.leave_room(sid, "/chat", "lobby")
        await emitter.emit("x:three", {}, room="lobby", namespace="/chat")
        await emitter.enter_room(sid, "/chat", "lobby")
        await emitter.close_room("lobby", "/chat")
        await emitter.emit("x:four", {}, room="lobby", namespace="/chat")
        await emitter.emit("x:five", {}, skip_sid=sid, namespace="/chat")
        await bob.next_event("x:five")
        await emitter.disconnect(sid, "/chat")
        await ada.next_event("disconnect")

    assert [name for name, _ in ada.events if name.startswith("x:")] == ["x:one", "x:two"]
    assert bob.count_events("x:one") == 0


async def test_a_payload_that_clients_cannot_read_is_refused(redis_url, prefix, database_kind) -> None:
    room_id = str(uuid4())
    async with Emitter(redis_url, prefix) as emitter:
        with pytest.raises(ValueError, match="named by"):
            await emitter.emit('x"]', {}, room=room_id, namespace="/chat")
        with pytest.raises(ValueError, match="JSON object"):
            await emitter.emit("x", [1], room=room_id, namespace="/chat")


async def test_an_unavailable_redis_is_an_error(prefix, database_kind) -> None:
    async with Emitter("redis://127.0.0.1:1", prefix) as emitter:
        with pytest.raises(RedisError, match=r"127\.0\.0\.1"):
            await emitter.emit("x", {}, namespace="/chat")
