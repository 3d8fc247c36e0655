"""The playground's reducer: entries by seq, each once, in any order of arrival."""

import json
from typing import Any

import pytest

from tests.support.browser import Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOM = "r"
ME = {"id": "me", "username": "me", "display_name": "Me", "avatar_url": None}
BOB = {"id": "bob", "username": "bob", "display_name": "Bob", "avatar_url": None}
MY = {"role": "member", "last_read_seq": 0, "unread": 0, "mentions": 0, "muted": False}


def room(last_seq: int, **my: Any) -> dict[str, Any]:
    return {
        "id": ROOM,
        "kind": "public",
        "name": "general",
        "last_seq": last_seq,
        "member_count": 2,
        "my": MY | my,
    }


def ready(last_seq: int, epoch: str = "one", **my: Any) -> dict[str, Any]:
    return {"type": "ready", "ready": {"user": ME, "epoch": epoch, "rooms": [room(last_seq, **my)]}}


def entry(seq: int, event: str = "message:new", **more: Any) -> dict[str, Any]:
    payload = {"room_id": ROOM, "seq": seq, "at": "2026-01-31T12:00:00.000Z", "actor_id": "bob"}
    if event == "message:new":
        more = {"message": message(seq, **more)}
    return {"type": "entry", "event": event, "payload": payload | more}


def message(seq: int, **more: Any) -> dict[str, Any]:
    plain = {
        "id": f"m{seq}",
        "room_id": ROOM,
        "seq": seq,
        "client_id": f"c{seq}",
        "sender": BOB,
        "body": f"b{seq}",
    }
    return plain | {"reply_to": None, "mentions": [], "reactions": [], "deleted_at": None} | more


async def after(page: Page, *actions: dict[str, Any]) -> dict[str, Any]:
    """The room after these actions, and the queue."""
    state = await page.evaluate(
        f"import('/playground/state.js').then((m) => {json.dumps(actions)}.reduce(m.reduce, m.initial))"
    )
    return {**state["rooms"][ROOM], "queue": state["queue"]}


def bodies(room: dict[str, Any]) -> list[str]:
    return [each["body"] for each in room["log"] if "body" in each]


async def test_entries_are_applied_in_order_and_once(page: Page) -> None:
    seen = await after(page, ready(0), *(entry(seq) for seq in (1, 2, 2, 1, 3)))
    assert bodies(seen) == ["b1", "b2", "b3"]
    assert (seen["cursor"], seen["my"]["unread"]) == (3, 3)


async def test_an_early_entry_waits_for_its_predecessors(page: Page) -> None:
    early = [ready(0), entry(1), entry(4), entry(3)]
    waiting = await after(page, *early)
    assert (waiting["cursor"], bodies(waiting)) == (1, ["b1"])
    assert sorted(waiting["held"]) == ["3", "4"]
    whole = await after(page, *early, entry(2))
    assert (whole["cursor"], bodies(whole), whole["held"]) == (4, ["b1", "b2", "b3", "b4"], {})


async def test_entries_included_in_ready_are_not_counted_again(page: Page) -> None:
    seen = await after(page, ready(0), ready(2, unread=2), entry(1), entry(2), entry(3, mentions=["me"]))
    assert (seen["my"]["unread"], seen["my"]["mentions"]) == (3, 1)


async def test_sync_and_live_entries_may_overlap(page: Page) -> None:
    entries = [{key: each[key] for key in ("event", "payload")} for each in map(entry, (1, 2, 3))]
    part = {"entries": entries, "first_seq": 1, "last_seq": 3, "complete": True}
    seen = await after(
        page, ready(0), ready(3), entry(4), {"type": "synced", "id": ROOM, "part": part}, entry(4), entry(5)
    )
    assert (bodies(seen), seen["cursor"]) == (["b1", "b2", "b3", "b4", "b5"], 5)


async def test_another_epoch_discards_the_state(page: Page) -> None:
    seen = await after(page, ready(0), entry(1), entry(2), ready(1, epoch="two"))
    assert (bodies(seen), seen["cursor"]) == ([], 1)


async def test_a_reset_room_starts_from_its_last_entry(page: Page) -> None:
    part = {"reset": True, "first_seq": 10, "last_seq": 20}
    seen = await after(page, ready(0), entry(1), {"type": "synced", "id": ROOM, "part": part}, entry(21))
    assert (bodies(seen), seen["cursor"]) == (["b21"], 21)


async def test_reactions_are_counted_and_own_ones_marked(page: Page) -> None:
    change = {"message_id": "m1", "emoji": "👍"}
    seen = await after(
        page,
        ready(0),
        entry(1),
        entry(2, "reaction:added", **change, user_id="bob"),
        entry(3, "reaction:added", **change, user_id="me"),
        entry(4, "message:updated", message=message(1, body="b", reactions=[{"emoji": "👍", "count": 2}])),
        entry(5, "reaction:removed", **change, user_id="bob"),
    )
    assert seen["log"][0]["reactions"] == [{"emoji": "👍", "count": 1, "mine": True}]
    gone = await after(
        page,
        ready(0),
        entry(1),
        entry(2, "reaction:added", **change, user_id="me"),
        entry(3, "reaction:removed", **change, user_id="me"),
    )
    assert gone["log"][0]["reactions"] == []


async def test_a_page_of_history_does_not_undo_later_changes(page: Page) -> None:
    edited = entry(2, "message:updated", message=message(1, body="new"))
    old = {"type": "history", "id": ROOM, "messages": [message(1, body="old")], "asked": 1, "page": {}}
    assert bodies(await after(page, ready(0), entry(1), edited, old)) == ["new"]
    assert bodies(await after(page, ready(0), entry(1), edited, {**old, "asked": 2})) == ["old"]


async def test_an_own_message_leaves_the_queue_and_is_displayed_once(page: Page) -> None:
    queued = {"type": "queue", "item": {"client_id": "c1", "room_id": ROOM, "body": "b1"}}
    own = message(1, sender=ME)
    stored = {"type": "stored", "message": own, "client_id": "c1"}
    arrived = entry(1, sender=ME)
    for actions in ([stored, arrived], [arrived, stored]):
        seen = await after(page, ready(0), queued, *actions)
        assert (bodies(seen), seen["queue"], seen["my"]["unread"]) == (["b1"], [], 0)


@pytest.mark.parametrize(("unread", "text"), [(0, "0"), (999, "999"), (1000, "999+"), (1001, "999+")])
async def test_a_count_of_a_thousand_means_at_least_a_thousand(page: Page, unread: int, text: str) -> None:
    assert await page.evaluate(f"import('/playground/state.js').then((m) => m.counted({unread}))") == text


async def test_counting_stops_at_a_thousand_and_a_hint_sets_the_counts(page: Page) -> None:
    full = (ready(3, unread=1000, mentions=1000), entry(4, mentions=["me"]))
    assert (await after(page, *full))["my"] == MY | {"unread": 1000, "mentions": 1000}

    hint = {"type": "read", "room_id": ROOM, "user_id": "me", "seq": 2, "unread": 999, "mentions": 5}
    seen = await after(page, *full, hint)
    assert seen["my"] == MY | {"last_read_seq": 2, "unread": 999, "mentions": 5}
