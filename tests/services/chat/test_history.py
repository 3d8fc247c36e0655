"""Pages of a room's history, also around one message, which a jump to a search result loads."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from hubbub.db import database
from hubbub.queries.chat import message_pages
from hubbub.services.chat import history
from hubbub.services.context import Context
from tests.support.live_instance import ApiUser, Client, LiveInstance

COUNT = 12


class Long:
    """A room with messages, and entries of other kinds between them."""

    def __init__(self, user: ApiUser, client: Client, room_id: str, seqs: list[int]) -> None:
        self.person = user
        self.client = client
        self.room_id = room_id
        self.seqs = seqs

    async def over_socket(self, **query: Any) -> dict[str, Any]:
        return await self.client.call("message:history", room_id=self.room_id, **query)

    async def over_rest(self, **query: Any) -> dict[str, Any]:
        status, answer = await self.person.rest("GET", f"/rooms/{self.room_id}/messages", params=query)
        assert status == 200
        assert answer["meta"].keys() == {"has_before", "has_after"}
        return {"messages": answer["data"], **answer["meta"]}


@pytest.fixture
async def long(instance: LiveInstance) -> Long:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    seqs = []
    for number in range(COUNT):
        sent = await ada.send(room_id, f"number {number}")
        seqs.append(sent["seq"])
        if number % 3 == 0:
            await ada.call("reaction:add", message_id=sent["id"], emoji="👍")
    return Long(instance.users["ada"], ada, room_id, seqs)


async def test_a_page_around_a_seq_has_it_in_the_middle(long: Long) -> None:
    for way in (long.over_socket, long.over_rest):
        for seq in (0, long.seqs[1], long.seqs[4], long.seqs[3] + 1, long.seqs[-2], long.seqs[-1], 2**53):
            for limit in (1, 5, 100):
                page = await way(around_seq=seq, limit=limit)
                found = [message["seq"] for message in page["messages"]]
                place = long.seqs.index(found[0])

                assert found == long.seqs[place : place + min(limit, COUNT)]
                assert (page["has_before"], page["has_after"]) == (place > 0, place + len(found) < COUNT)
                assert seq in found or seq not in long.seqs
                inside = page["has_before"] and page["has_after"]
                assert not inside or sum(it < seq for it in found) == limit // 2


async def test_one_request_is_enough_for_a_jump(long: Long) -> None:
    target = long.seqs[5]

    page = await long.over_socket(around_seq=target, limit=5)
    older = await long.over_socket(before_seq=page["messages"][0]["seq"], limit=100)
    newer = await long.over_socket(after_seq=page["messages"][-1]["seq"], limit=100)

    assert [message["seq"] for message in page["messages"]] == long.seqs[3:8]
    assert page["has_more"] is True
    together = [*older["messages"], *page["messages"], *newer["messages"]]
    assert [message["seq"] for message in together] == long.seqs


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # refused for its form
@pytest.mark.parametrize(
    "given",
    [
        {"before_seq": 3, "after_seq": 1},
        {"before_seq": 3, "around_seq": 3},
        {"after_seq": 3, "around_seq": 3},
        {"before_seq": 3, "after_seq": 1, "around_seq": 2},
        {"around_seq": -1},
    ],
)
async def test_only_one_position_is_accepted(long: Long, given: dict[str, int]) -> None:
    answer = await long.client.call_for_ack("message:history", room_id=long.room_id, **given)
    status, problem = await long.person.rest("GET", f"/rooms/{long.room_id}/messages", params=given)

    assert (answer["error"]["code"], status, problem["code"]) == ("invalid_payload", 422, "invalid_payload")
    assert {it["field"] for it in answer["error"]["fields"]} == given.keys()
    assert problem["errors"] == answer["error"]["fields"]


POSITIONS: tuple[dict[str, int], ...] = ({}, {"before_seq": 4}, {"after_seq": 2}, {"around_seq": 5})


@pytest.mark.parametrize("position", POSITIONS, ids=str)
async def test_only_members_read_a_room(instance: LiveInstance, position: dict[str, int]) -> None:
    eve = await (await instance.register("eve")).connect_client()
    private, _ = await instance.room_with_clients("ada")
    public, (bob,) = await instance.room_with_clients("bob", kind="public")
    for room_id, client in ((private, instance.clients[-2]), (public, bob)):
        for _ in range(9):
            await client.send(room_id, "secret")

    found = [
        await eve.call_for_ack("message:history", room_id=room_id, **position)
        for room_id in (private, public, str(uuid4()))
    ]
    answers = [
        await instance.users["eve"].rest("GET", f"/rooms/{room_id}/messages", params=position)
        for room_id in (private, public, str(uuid4()))
    ]

    codes = ["not_found", "not_a_member", "not_found"]
    assert [each["error"]["code"] for each in found] == codes
    assert [answer["code"] for _, answer in answers] == codes
    await eve.call("room:join", room_id=public)
    assert (await eve.call("message:history", room_id=public, **position))["messages"]


async def test_a_page_read_while_the_caller_joins_is_read_again(long: Long, instance: LiveInstance) -> None:
    ctx = Context(instance.app.container, UUID(instance.users["bob"].id))
    read_pages: list[list[message_pages.MessageRow]] = []

    async def read_rows() -> list[message_pages.MessageRow]:
        sql, limit = (
            database.connection(),
            COUNT if read_pages else 0,
        )  # the first one is before the membership
        page = await message_pages.before(sql, ctx.user_id, UUID(long.room_id), None, limit)
        read_pages.append(page)
        return page

    found = await history._of_member(ctx, UUID(long.room_id), read_rows)

    assert [len(page) for page in read_pages] == [0, COUNT]
    assert found == read_pages[1]


async def test_an_empty_room_has_an_empty_page(instance: LiveInstance) -> None:
    room_id, (ada,) = await instance.room_with_clients("ada")

    for position in POSITIONS:
        assert (await ada.call("message:history", room_id=room_id, **position))["messages"] == []
