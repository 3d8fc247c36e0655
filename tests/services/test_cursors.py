"""Cursors of every list: forged ones, and paging while the order changes, over sockets and REST."""

import base64
import json
import random
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import quote
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.services import cursors
from tests.support.live_instance import OperationRefused

SIZE, LIMIT, WALKS = 7, 2, 4


class Socket:
    """The lists as events."""

    def __init__(self, client):
        self._client = client

    async def page(self, name, cursor, limit, about):
        events = {
            "own": "room:list",
            "public": "room:browse",
            "members": "room:members",
            "found": "message:search",
        }
        asked = {**about, "limit": limit, **({} if cursor is None else {"cursor": cursor})}
        try:
            data = await self._client.call(events[name], **asked)
        except OperationRefused as refused:
            return refused.code
        return next(value for value in data.values() if isinstance(value, list)), data["next_cursor"]


class Rest:
    """The lists as routes."""

    def __init__(self, user):
        self._person = user

    async def page(self, name, cursor, limit, about):
        room = about.get("room_id")
        path = {
            "own": "/rooms?",
            "public": "/rooms/public?",
            "members": f"/rooms/{room}/members?",
            "found": f"/messages/search?q={about.get('query')}&",
        }[name]
        given = "" if cursor is None else f"&cursor={quote(str(cursor), safe='')}"
        status, answer = await self._person.rest("GET", f"{path}limit={limit}{given}")
        if status != 200:
            return {422: "invalid_payload"}.get(status, status)
        return answer["data"], answer["meta"]["next_cursor"]


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"limit_events": None})


@pytest.fixture
async def lists(instance):
    """Ada with rooms, members and messages, and how each list is requested."""
    ada = await instance.register("ada")
    client = await ada.connect_client()
    rooms = [
        (await client.call("room:create", kind="public", name=f"room {number}"))["room"]["id"]
        for number in range(SIZE)
    ]
    for number in range(SIZE):
        bob = await instance.register(f"bob{number}")
        await client.call("room:invite", room_id=rooms[0], user_id=bob.id)
        await client.send(rooms[number], "fox")
    about = {"own": {}, "public": {}, "members": {"room_id": rooms[0]}, "found": {"query": "fox"}}
    return SimpleNamespace(ada=ada, client=client, rooms=rooms, about=about, container=instance.app.container)


def edge(lists, way):
    return Socket(lists.client) if way == "socket" else Rest(lists.ada)


def lists_of_both_edges(lists):
    """Yield an edge, the name of a list, and what the list is about: one database serves all of them."""
    for way in ("socket", "rest"):
        for name, about in lists.about.items():
            yield edge(lists, way), name, about


def id_of(item):
    return item["user"]["id"] if "user" in item else item["id"]


async def everything(at, name, about):
    items, _ = await at.page(name, None, 100, about)
    return {id_of(item) for item in items}


LISTS = ["own", "public", "members", "found"]


async def test_an_unchanged_list_is_paged_in_order_and_each_item_once(lists):
    for at, name, about in lists_of_both_edges(lists):
        whole, _ = await at.page(name, None, 100, about)

        for limit in (1, 2, 3, len(whole) - 1, len(whole)):
            paged, cursor = await at.page(name, None, limit, about)
            while cursor is not None:
                more, cursor = await at.page(name, cursor, limit, about)
                paged += more
            assert [id_of(item) for item in paged] == [id_of(item) for item in whole], (at, name, limit)


async def write_something(lists, chance):
    """Move an item of each list: to the beginning, to another name, or by a clock that is late."""
    room_id = chance.choice(lists.rooms)
    act = chance.randrange(4)
    if act == 0:
        await lists.client.send(room_id, "fox")
    elif act == 1:
        await lists.client.call("room:update", room_id=room_id, name=f"{chance.choice('amz')} {uuid4()}")
    elif act == 2:
        late = clock.now() - timedelta(seconds=chance.randrange(60))
        await models.Room.filter(id=room_id).update(last_entry_at=late)
    else:
        other = chance.choice(
            await models.User.filter(memberships__room_id=lists.rooms[0]).values_list("id", flat=True)
        )
        username = f"{chance.choice('amz')}{uuid4().hex[:12]}"
        await models.User.filter(id=other).update(username=username, updated_at=clock.now())


@pytest.mark.parametrize("way", ["socket", "rest"])
async def test_every_item_of_the_first_moment_is_on_some_page(lists, way):
    for name in ("found", "own", "public", "members"):  # each walk adds messages to be found
        await _walk(lists, edge(lists, way), name, lists.about[name])


async def _walk(lists, at, name, about):
    """Page through a list that changes meanwhile, with several seeds."""
    for seed in range(WALKS):
        chance = random.Random(seed)
        there = await everything(at, name, about)
        items, cursor = await at.page(name, None, LIMIT, about)
        pages, seen = 1, {id_of(item) for item in items}
        while cursor is not None:
            for _ in range(chance.randrange(4)):
                await write_something(lists, chance)
            items, cursor = await at.page(name, cursor, LIMIT, about)
            pages, seen = pages + 1, seen | {id_of(item) for item in items}
        assert there <= seen, f"{at} {name}, seed {seed}: {len(there - seen)} of {len(there)} on no page"
        assert pages <= 4 * len(there)


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


ID = str(uuid4())
VALUES: list[object] = [
    None, True, 0, -1, 1.5, 10**400, "", "x", "\x00", "\ud800", "é" * 50, [], {}, [[]], ID, [ID], [ID, ID],
    ["9999-12-31T23:59:59-23:59", ID], ["0001-01-01T00:00:00+23:59", ID], ["2026-01-01T00:00:00", ID],
    ["2026-01-01T00:00:00+00:00", ID], ["infinity", ID], ["room 1", ID], [1e308, ID], [None, None],
    ["\x00", ID], ["a" * 3000, ID], {"id": ID}, [["2026-01-01T00:00:00Z"], {"a": [ID]}],
]  # fmt: skip
RAW = [
    "",
    "nonsense",
    "x" * 201,
    "x" * 5000,
    "s1.",
    "s1..",
    "s1.0123456789abcdef.AAAA",
    "%",
    "\x00",
    "🐝",
    "ada",
    ID,
]


async def test_a_cursor_that_the_server_did_not_issue_is_refused(lists):
    for at, name, about in lists_of_both_edges(lists):
        _, issued = await at.page(name, None, LIMIT, about)
        changed = [issued[:-2], issued + "AAAA", issued.swapcase(), issued[3:], issued[:60]]
        for cursor in [*(encoded(value) for value in VALUES), *RAW, *changed]:
            assert await at.page(name, cursor, LIMIT, about) == "invalid_payload", (at, name, cursor)


async def test_a_cursor_that_is_not_text_is_refused(lists):
    at = Socket(lists.client)
    for cursor in (0, True, 1.5, [], {}, [ID], {"a": 1}):
        for name in LISTS:
            assert await at.page(name, cursor, LIMIT, lists.about[name]) == "invalid_payload"


async def test_a_cursor_is_for_one_list_and_one_user(lists, instance):
    at, eve = Socket(lists.client), Socket(await (await instance.register("eve")).connect_client())
    issued = {name: (await at.page(name, None, LIMIT, lists.about[name]))[1] for name in LISTS}
    other = {"room_id": lists.rooms[1]}

    for name in LISTS:
        for of in LISTS:
            answer = await at.page(name, issued[of], LIMIT, lists.about[name])
            assert (answer == "invalid_payload") is (name != of)
    assert await eve.page("public", issued["public"], LIMIT, {}) == "invalid_payload"
    assert await at.page("members", issued["members"], LIMIT, other) == "invalid_payload"
    assert (await at.page("public", issued["public"], LIMIT, {"query": "room"}))[0]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_longest_cursor_is_accepted_over_both_edges(lists):
    walk = cursors._CursorState(clock.now(), None, uuid4(), b"seen" * cursors.MAX_SEEN_ITEMS)
    ctx = SimpleNamespace(container=lists.container, user_id=lists.ada.id)
    cursor = cursors.encode(ctx, "rooms", walk)

    for way in ("socket", "rest"):
        assert (await edge(lists, way).page("own", cursor, LIMIT, {})) != "invalid_payload"
