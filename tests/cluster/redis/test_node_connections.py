"""Which node each channel is heard through."""

from uuid import uuid4

from tests.cluster.conftest import news, until


async def test_channels_that_no_node_was_asked_for_were_missed(redis_bus) -> None:
    here, there = await redis_bus(), await redis_bus()
    room_id = uuid4()
    there.bus.follow(room_id)
    await until(lambda: here.bus.state() == there.bus.state() == "ok")
    await there.bus.settled()
    missed = there.missed
    lanes = there.bus._lanes
    (lane,) = lanes._lanes.values()

    # As when the slot of a channel moves to a node whose connections all work: nothing breaks.
    lane.listener.unsubscribe(lanes._wanted.copy().pop())
    await lanes._arrange()

    assert there.missed == missed + 1
    here.bus.publish(news(room_id, 1))
    (signal,) = await there.has(1)
    assert [entry.seq for entry in signal.entries] == [1]


async def test_looking_again_where_nothing_moved_misses_nothing(redis_bus) -> None:
    there = await redis_bus()
    there.bus.follow(uuid4())
    await until(lambda: there.bus.state() == "ok")
    await there.bus.settled()
    missed = there.missed

    await there.bus._lanes._arrange()

    assert there.missed == missed
    assert there.bus.state() == "ok"
