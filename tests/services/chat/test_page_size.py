"""Pages of long messages and rooms: none closes the socket that requested it, and nothing is left out."""

import asyncio
from typing import Any

import pytest

from hubbub.config import Settings
from tests.support.live_instance import Client, LiveInstance

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # no statement of its own

BODY = "界" * 1000  # 3 kB, of which the output takes five
COUNT = 11


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A socket is closed when 16 KiB wait unread, instead of 1 MiB."""
    return settings.model_copy(
        update={"max_output_bytes": 16 * 1024, "limit_message_send": None, "default_rooms": ()}
    )


@pytest.fixture
async def long(instance: LiveInstance) -> tuple[str, Client, list[int]]:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    return room_id, ada, [(await ada.send(room_id, BODY + f" {index}"))["seq"] for index in range(COUNT)]


def seqs_of(page: dict[str, Any]) -> list[int]:
    return [message["seq"] for message in page["messages"]]


async def test_history_is_paged_by_size_in_both_directions(long: tuple[str, Client, list[int]]) -> None:
    room_id, ada, seqs = long
    newest = await ada.call("message:history", room_id=room_id, limit=100)
    backward, page = seqs_of(newest), newest
    forward: list[int] = []
    while page["has_more"]:
        page = await ada.call("message:history", room_id=room_id, limit=100, before_seq=backward[0])
        backward = seqs_of(page) + backward
    has_more = True
    while has_more:
        page = await ada.call(
            "message:history", room_id=room_id, limit=100, after_seq=max(forward, default=0)
        )
        forward, has_more = forward + seqs_of(page), page["has_more"]

    assert 1 < len(newest["messages"]) < COUNT
    assert backward == forward == seqs


async def test_a_page_around_a_message_contains_it_and_says_what_is_left_out(
    long: tuple[str, Client, list[int]],
) -> None:
    room_id, ada, seqs = long
    for index, seq in enumerate(seqs):
        page = await ada.call("message:history", room_id=room_id, limit=100, around_seq=seq)
        found = seqs_of(page)
        start = seqs.index(found[0])

        assert seq in found
        assert found == seqs[start : start + len(found)]
        assert page["has_before"] is (found[0] != seqs[0])
        assert page["has_after"] is (found[-1] != seqs[-1])
        assert page["has_more"] is True
        assert not 0 < index < COUNT - 1 or found.index(seq) > 0 or len(found) == 1


async def test_search_is_paged_by_size(long: tuple[str, Client, list[int]]) -> None:
    _, ada, seqs = long
    page = await ada.call("message:search", query="界界", limit=100)
    found = seqs_of(page)
    while page["next_cursor"] is not None:
        page = await ada.call("message:search", query="界界", limit=100, cursor=page["next_cursor"])
        found += seqs_of(page)

    assert found == seqs[::-1]


async def test_a_sync_of_several_rooms_fits_into_the_output(
    instance: LiveInstance, long: tuple[str, Client, list[int]]
) -> None:
    room_id, ada, _ = long
    others = [(await ada.call("room:create", kind="private"))["room"]["id"] for _ in range(12)]
    seen, rounds = dict.fromkeys((room_id, *others), 0), 0
    while seen:
        rounds += 1
        response = await ada.call("sync", rooms=seen)
        for each, part in response["rooms"].items():
            seen[each] = max([seen[each], *(entry["payload"]["seq"] for entry in part["entries"])])
            if part["complete"]:
                assert seen.pop(each) == part["last_seq"]

    assert 3 < rounds <= COUNT + 2
    assert ada.count_events("closing") == 0


async def test_rooms_with_long_texts_are_listed_in_several_pages(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    client = await ada.connect_client()
    created = [
        (await client.call("room:create", kind="private", name="界" * 80, topic="界" * 250))["room"]["id"]
        for _ in range(COUNT)
    ]

    again = await ada.connect_client()
    page = await again.call("room:list", limit=200)
    listed = [room["id"] for room in page["rooms"]]
    while page["next_cursor"] is not None:
        page = await again.call("room:list", limit=200, cursor=page["next_cursor"])
        listed += [room["id"] for room in page["rooms"]]

    in_ready = [room["id"] for room in again.ready["rooms"]]
    assert again.ready["rooms_complete"] is False
    assert 1 < len(in_ready) < COUNT
    assert in_ready == created[::-1][: len(in_ready)]
    assert listed == created[::-1]
    # A room that is not in `ready` is subscribed as well.
    await client.send(created[0], "hello")
    async with asyncio.timeout(5):
        assert (await again.next_event("message:new"))["room_id"] == created[0]
