"""Emits of an instance reach the clients of the others."""

from uuid import uuid4

import pytest

from hubbub.cluster.redis import topology
from hubbub.cluster.redis.bus import RedisBus
from hubbub.realtime.socketio.cluster_manager import ClusterManager
from tests.support.live_instance import LiveInstance


@pytest.fixture
def prefix() -> str:
    """Channels of this test alone."""
    return f"test-{uuid4().hex}"


@pytest.fixture
async def instance(settings, redis_url, prefix):
    async with LiveInstance(
        settings.model_copy(update={"redis_url": redis_url, "redis_prefix": prefix})
    ) as made:
        yield made


@pytest.fixture
async def remote_manager(redis_url, prefix):
    """The manager of another instance, which has no clients."""
    bus = RedisBus(topology.from_url(redis_url), prefix)
    await bus.start()
    yield ClusterManager(bus)
    await bus.close()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_clients_of_another_instance_receive_emits(instance, remote_manager) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    sid = ada.sio.get_sid("/chat")

    await remote_manager.emit("x:sid", {"n": 1}, "/chat", room=sid)
    assert await ada.next_event("x:sid") == {"n": 1}
    await remote_manager.emit("x:room", {"n": 2}, "/chat", room=room_id, skip_sid=sid)
    assert await bob.next_event("x:room") == {"n": 2}
    await remote_manager.enter_room(sid, "/chat", "lobby")
    await remote_manager.emit("x:lobby", {}, "/chat", to="lobby")
    await ada.next_event("x:lobby")
    await remote_manager.leave_room(sid, "/chat", "lobby")
    await remote_manager.close_room("lobby", "/chat")
    await remote_manager.disconnect(sid, "/chat")
    await ada.next_event("disconnect")

    assert [name for name, _ in ada.events if name.startswith("x:")] == ["x:sid", "x:lobby"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_own_clients_receive_emits(instance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    sid = ada.sio.get_sid("/chat")
    sio = instance.app.sio

    await sio.emit("x:room", {"n": 1}, room=room_id, namespace="/chat")
    await sio.enter_room(sid, "lobby", namespace="/chat")
    await sio.emit("x:lobby", {"n": 2}, room="lobby", namespace="/chat")
    await sio.emit("x:all", {"n": 3}, namespace="/chat")
    assert await ada.next_event("x:room") == {"n": 1}
    assert await ada.next_event("x:lobby") == {"n": 2}
    for client in (ada, bob):
        assert await client.next_event("x:all") == {"n": 3}
    await sio.leave_room(sid, "lobby", namespace="/chat")
    await sio.close_room("lobby", namespace="/chat")
    await sio.disconnect(sid, namespace="/chat")
    await ada.next_event("disconnect")

    assert [name for name, _ in bob.events if name.startswith("x:")] == ["x:room", "x:all"]
