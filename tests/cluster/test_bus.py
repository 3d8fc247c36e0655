"""Conformance suite of the bus, in memory and over Redis."""

from uuid import uuid4

from hubbub.cluster.bus import (
    CACHE_TOPIC,
    CacheInvalidated,
    MemberChanged,
    PresenceChanged,
    RoomHint,
    SessionEnded,
    UserHint,
)
from hubbub.schemas.events import ReadHint
from hubbub.schemas.sync.connection import CloseCode
from tests.cluster.conftest import entries_signal


async def test_a_subscribed_room_is_received_in_order(recorders) -> None:
    here, there = recorders
    room_id = uuid4()
    there.bus.subscribe_room(room_id)
    await there.bus.wait_subscribed()

    for seq in range(1, 2001):
        here.bus.publish(entries_signal(room_id, seq))

    assert [signal.entries[0].seq for signal in await there.wait_for_count(2000)] == list(range(1, 2001))


async def test_own_signals_are_received_once_when_publish_returns(recorders) -> None:
    here, there = recorders
    room_id = uuid4()
    for ear in recorders:
        ear.bus.subscribe_room(room_id)
        await ear.bus.wait_subscribed()

    here.bus.publish(entries_signal(room_id, 1))
    assert len(here.signals) == 1
    await there.wait_for_count(1)
    there.bus.publish(entries_signal(room_id, 2))
    await here.wait_for_count(2)

    assert [signal.entries[0].seq for signal in here.signals] == [1, 2]
    assert here.signals == there.signals


async def test_every_kind_of_signal_is_received_unchanged(recorders) -> None:
    here, there = recorders
    room_id, user_id = uuid4(), uuid4()
    there.bus.subscribe_room(room_id)
    there.bus.subscribe_user(user_id)
    await there.bus.wait_subscribed()
    signals = [
        RoomHint.of(room_id, ReadHint(room_id=room_id, user_id=user_id, seq=3), skip_user=user_id),
        UserHint.of(user_id, ReadHint(room_id=room_id, user_id=user_id, seq=3, unread=1, mentions=0), "abc"),
        MemberChanged(user_id, room_id, role="moderator"),
        SessionEnded(user_id, None, CloseCode.SUSPENDED, "ünhöflich"),
    ]

    for signal in signals:
        here.bus.publish(signal)

    assert await there.wait_for_count(len(signals)) == signals


async def test_presence_reaches_the_rooms_and_the_users_own_connections(recorders) -> None:
    here, there = recorders
    rooms, ada, bob = [uuid4() for _ in range(3)], uuid4(), uuid4()
    for room_id in rooms:
        there.bus.subscribe_room(room_id)
    there.bus.subscribe_user(bob)
    await there.bus.wait_subscribed()

    here.bus.publish(PresenceChanged(ada, "online", None, tuple(rooms)))
    here.bus.publish(PresenceChanged(bob, "offline", "2026-01-01T00:00:00.000Z", ()))

    by_user = {signal.user_id: signal for signal in await there.wait_for_count(2)}
    assert len(there.signals) == 2  # not one a room
    assert by_user[ada].status == "online"
    assert set(by_user[ada].room_ids) == set(rooms)
    assert by_user[bob] == PresenceChanged(bob, "offline", "2026-01-01T00:00:00.000Z", ())


async def test_a_failing_handler_does_not_stop_the_others(recorders) -> None:
    here, there = recorders
    room_id = uuid4()

    def fail(_: object) -> None:
        raise ValueError

    there.bus.add_handler(fail)
    there.bus.subscribe_room(room_id)
    await there.bus.wait_subscribed()

    here.bus.publish(entries_signal(room_id, 1))
    here.bus.publish(entries_signal(room_id, 2))

    assert len(await there.wait_for_count(2)) == 2


async def test_a_confirmed_signal_is_received_by_those_who_subscribed_before(recorders) -> None:
    here, there = recorders
    there.bus.subscribe_topic(CACHE_TOPIC)
    await there.bus.wait_subscribed()
    signal = CacheInvalidated(("a", "b"))

    assert await here.bus.publish_confirmed(signal)

    assert await there.wait_for_count(1) == [signal]
