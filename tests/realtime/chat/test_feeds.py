"""A connection joins a room's log and gets each later entry once, whatever arrives during the join."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from hubbub.realtime.chat import feeds as module
from hubbub.realtime.chat.feeds import Feed
from hubbub.schemas.eventlog.entries import Entry
from tests.support.live_instance import LiveInstance

ROOM = uuid4()


def entry(seq: int) -> Entry:
    return Entry(ROOM, seq, "message:new", "{}")


def joining(delivered: int, kept: int) -> tuple[Feed, Any]:
    """A feed that has delivered `kept` entries up to `delivered` since a connection has joined."""
    feed, connection = Feed(), object()
    feed.join(connection)  # type: ignore[arg-type]
    for seq in range(delivered - kept + 1, delivered + 1):
        feed.buffer(entry(seq))
    feed.delivered_seq = delivered
    return feed, connection


@pytest.mark.parametrize(
    ("delivered", "kept", "sent", "at_once", "later"),
    [
        (7, 0, 7, [], None),
        (7, 3, 7, [], None),
        (7, 3, 5, [6, 7], None),
        (7, 3, 4, [5, 6, 7], None),
        (7, 0, 9, [], 9),
        (7, 2, 9, [], 9),
        (7, 2, None, [], None),
        (7, 2, 4, None, None),
    ],
)
def test_a_connection_joins_at_the_right_entry(
    delivered: int, kept: int, sent: int | None, at_once: list[int] | None, later: int | None
) -> None:
    feed, connection = joining(delivered, kept)

    entries = feed.start_after(connection, sent)

    assert (None if entries is None else [each.seq for each in entries]) == at_once
    assert (connection in feed.connections) == (at_once is not None and later is None)
    assert feed.starting_after == (None if later is None else {later: {connection}})
    assert (feed.joining, feed.recent_entries) == (None, None)
    assert feed.unused == (at_once is None)


def test_the_buffer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BUFFERED_ENTRIES", 3)
    feed, connection = joining(9, 8)

    assert len(feed.recent_entries or ()) <= 3
    assert feed.start_after(connection, 1) is None, "the log has them"


def test_a_connection_that_leaves_while_joining_leaves_nothing_behind() -> None:
    feed, connection = joining(9, 8)

    feed.remove(connection)

    assert feed.unused
    assert feed.recent_entries is None


async def test_entries_received_otherwise_are_not_sent_again(instance: LiveInstance) -> None:
    """The feed is behind the client's cursor, as it is when Redis is silent."""
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    last = [await ada.send(room_id, str(number)) for number in range(3)][-1]["seq"]
    await bob.next_event("message:new", lambda it: it["seq"] == last)
    epoch = bob.ready["epoch"]
    await bob.close()
    feed = instance.app.chat.delivery.feeds[UUID(room_id)]
    feed.delivered_seq = last - 2

    again = await instance.users["bob"].connect_client(epoch=epoch, cursors={room_id: last})
    await instance.app.chat.delivery.check()
    sent = await ada.send(room_id, "news")
    await again.next_event("message:new", lambda it: it["seq"] == sent["seq"])

    assert feed.delivered_seq == sent["seq"]
    assert [it["seq"] for _, it in again.entries(room_id)] == [sent["seq"]]


async def test_entries_included_in_ready_are_not_sent_again(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    last = [await ada.send(room_id, str(number)) for number in range(3)][-1]["seq"]
    await bob.close()
    instance.app.chat.delivery.feeds[UUID(room_id)].delivered_seq = last - 2

    again = await instance.users["bob"].connect_client()
    await instance.app.chat.delivery.check()
    sent = await ada.send(room_id, "news")
    await again.next_event("message:new", lambda it: it["seq"] == sent["seq"])

    assert {room["id"]: room["last_seq"] for room in again.ready["rooms"]}[room_id] == last
    assert [it["seq"] for _, it in again.entries(room_id)] == [sent["seq"]]
