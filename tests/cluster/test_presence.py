"""Conformance suite of presence, in memory and in Redis."""

import asyncio
from uuid import uuid4

import pytest

from hubbub.cluster.memory import MemoryBus, MemoryPresence
from hubbub.cluster.redis import topology
from hubbub.cluster.redis.presence import RedisPresence


async def ignore(_users, _status) -> None:
    """Ignore presence changes."""


@pytest.fixture(params=["memory", "redis"])
async def presence(request, redis_url, prefix):
    if request.param == "memory":
        yield MemoryPresence()
        return
    found = topology.from_url(redis_url)
    made = RedisPresence(found, prefix, MemoryBus())
    made.start(ignore)
    yield made
    await made.close()
    await found.close()


async def test_a_user_is_reported_online_once_and_offline_after_the_disconnect(presence) -> None:
    ada, bob = uuid4(), uuid4()

    assert await presence.mark_connected([ada, bob]) == {ada, bob}
    assert await presence.mark_connected([ada]) == set()
    assert await presence.get([ada, bob, uuid4()]) == {ada: "online", bob: "online"}
    assert await presence.mark_disconnected([ada, uuid4()]) == {ada}
    assert await presence.mark_disconnected([ada]) == set()

    assert await presence.get([ada, bob]) == {bob: "online"}


async def test_concurrent_connect_and_disconnect_are_no_error(presence) -> None:
    ada = uuid4()

    await asyncio.gather(presence.mark_disconnected([ada]), presence.mark_connected([ada]))
    await presence.mark_connected([ada])

    assert await presence.get([ada]) == {ada: "online"}


async def test_a_status_is_set_at_once_only_in_memory(presence) -> None:
    ada = uuid4()
    await presence.mark_connected([ada])
    in_memory = isinstance(presence, MemoryPresence)

    assert presence.set_status_immediate(ada, "busy") is (True if in_memory else None)
    assert presence.set_status_immediate(ada, "busy") is (False if in_memory else None)
    assert await presence.get([ada]) == {ada: "busy" if in_memory else "online"}


async def test_a_chosen_status_lasts_until_the_user_disconnects(presence) -> None:
    ada = uuid4()
    await presence.mark_connected([ada])

    assert await presence.set_status(ada, "busy")
    assert not await presence.set_status(ada, "busy")
    await presence.mark_connected([ada])
    assert await presence.get([ada]) == {ada: "busy"}

    await presence.mark_disconnected([ada])
    assert await presence.mark_connected([ada]) == {ada}
    assert await presence.get([ada]) == {ada: "online"}


async def test_a_query_for_no_user_is_empty(presence) -> None:
    assert await presence.get([]) == {}
    assert await presence.mark_connected([]) == set()
    assert await presence.mark_disconnected([]) == set()
