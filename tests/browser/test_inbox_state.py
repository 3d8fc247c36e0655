"""The reducer of the playground's inbox: gaps, late pages, reads, another epoch."""

import json
from typing import Any

import pytest

from tests.support.browser import Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT = "2026-01-31T12:00:00.000Z"


def notification(seq: int, read_at: str | None = None) -> dict[str, Any]:
    return {"id": f"n{seq}", "seq": seq, "read_at": read_at}


def ready(last_seq: int, unread: int, epoch: str = "one") -> dict[str, Any]:
    return {"change": "ready", "ready": {"epoch": epoch, "last_seq": last_seq, "unread": unread}}


def entry(seq: int, unread: int) -> dict[str, Any]:
    return {"change": "entry", "payload": {"seq": seq, "notification": notification(seq), "unread": unread}}


def first_page(unread: int, *seqs: int, **more: Any) -> dict[str, Any]:
    items = [notification(seq) for seq in seqs]
    return {"change": "page", "page": {"notifications": items, "unread": unread, "has_more": False}} | more


def synced(last_seq: int, unread: int, *seqs: int) -> dict[str, Any]:
    entries = [{"event": "notification:new", "payload": {"notification": notification(seq)}} for seq in seqs]
    return {
        "change": "synced",
        "part": {"entries": entries, "last_seq": last_seq, "unread": unread, "complete": True},
    }


def read(unread: int, **which: Any) -> dict[str, Any]:
    return {"change": "read", "unread": unread, "at": AT} | which


async def reduced(page: Page, *changes: dict[str, Any]) -> tuple[int, int, list[int], list[int]]:
    """Return cursor, unread count, all seqs and unread seqs after the changes."""
    script = f"""import("/playground/inbox-state.js").then(({{ initialInbox, reduceInbox }}) =>
        {json.dumps(changes)}.reduce(reduceInbox, initialInbox))"""
    inbox = await page.evaluate(script)
    seqs = [item["seq"] for item in inbox["items"]]
    return (
        inbox["cursor"],
        inbox["unread"],
        seqs,
        [item["seq"] for item in inbox["items"] if not item["read_at"]],
    )


CASES = {
    "in order": ([ready(0, 0), entry(1, 1), entry(2, 2)], (2, 2, [2, 1], [2, 1])),
    "twice": ([ready(1, 1), first_page(1, 1), entry(1, 9)], (1, 1, [1], [1])),
    "a gap keeps the cursor": ([ready(1, 1), entry(3, 3)], (1, 3, [3], [3])),
    "a gap is closed": ([ready(1, 1), entry(3, 3), synced(4, 4, 2, 3, 4)], (4, 4, [4, 3, 2], [4, 3, 2])),
    "removed ones": ([ready(1, 0), synced(9, 1, 7)], (9, 1, [7], [7])),
    "an entry before its page": ([ready(1, 1), entry(2, 2), first_page(1, 1)], (2, 1, [2, 1], [2, 1])),
    "a page replaces": ([ready(3, 3), first_page(3, 3, 2), first_page(1, 3, 1)], (3, 1, [3, 1], [3, 1])),
    "older": (
        [ready(3, 3), first_page(3, 3, 2), first_page(3, 1, older=True)],
        (3, 3, [3, 2, 1], [3, 2, 1]),
    ),
    "read meanwhile": (
        [ready(2, 2), first_page(2, 2, 1), read(1, ids=["n1"]), first_page(1, 2, 1)],
        (2, 1, [2, 1], [2]),
    ),
    "all read": ([ready(3, 3), first_page(3, 3, 2, 1), read(1, up_to_seq=2)], (3, 1, [3, 2, 1], [3])),
    "another epoch": ([ready(2, 2), first_page(2, 2, 1), ready(1, 0, "two")], (1, 0, [], [])),
    "the same epoch": ([ready(2, 2), first_page(2, 2, 1), ready(4, 3)], (2, 3, [2, 1], [2, 1])),
}


@pytest.mark.parametrize(("changes", "expected"), CASES.values(), ids=CASES.keys())
async def test_the_inbox_after_changes(page: Page, changes: Any, expected: Any) -> None:
    assert await reduced(page, *changes) == expected


async def test_the_items_that_stay_loaded_are_limited(page: Page) -> None:
    cursor, unread, seqs, _ = await reduced(page, ready(0, 0), *[entry(seq, seq) for seq in range(1, 521)])
    assert (cursor, unread, len(seqs), seqs[0]) == (520, 520, 500, 520)
