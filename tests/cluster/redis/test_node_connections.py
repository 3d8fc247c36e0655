"""The node through which each channel is subscribed."""

from uuid import uuid4

from tests.cluster.conftest import entries_signal, until


async def test_channels_subscribed_at_no_node_were_missed(redis_bus) -> None:
    here, there = await redis_bus(), await redis_bus()
    room_id = uuid4()
    there.bus.subscribe_room(room_id)
    await until(lambda: here.bus.state() == there.bus.state() == "ok")
    await there.bus.wait_subscribed()
    missed = there.lost_count
    lanes = there.bus._connections
    (lane,) = lanes._connections.values()

    # As when the slot of a channel moves to a node whose connections all work: no connection breaks.
    lane.subscriber.unsubscribe(lanes._channels.copy().pop())
    await lanes._update_nodes()

    assert there.lost_count == missed + 1
    here.bus.publish(entries_signal(room_id, 1))
    (signal,) = await there.wait_for_count(1)
    assert [entry.seq for entry in signal.entries] == [1]


async def test_refreshing_an_unchanged_topology_misses_nothing(redis_bus) -> None:
    there = await redis_bus()
    there.bus.subscribe_room(uuid4())
    await until(lambda: there.bus.state() == "ok")
    await there.bus.wait_subscribed()
    missed = there.lost_count

    await there.bus._connections._update_nodes()

    assert there.lost_count == missed
    assert there.bus.state() == "ok"
