"""Rooms created and users invited: limited by user and hour, over sockets and REST alike."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.services.chat.room_limits import INVITATIONS, ROOMS
from tests.support.world import Client, Person, World

NOBODY = str(uuid4())


async def crowd(count: int) -> list[str]:
    """So many accounts, without a device."""
    rows = [
        models.User(username=f"u{n}", email=f"u{n}@example.org", display_name="U", password_digest="x")
        for n in range(count)
    ]
    await models.User.bulk_create(rows)
    return [str(row.id) for row in rows]


async def left(world: World, person: Person, of: str) -> int:
    """How much of a limit is left."""
    rate = {"rooms": ROOMS, "invitations": INVITATIONS}[of]
    return (await world.app.parts.allowances.take(of, person.id, rate, 0)).remaining


class Way:
    """The same operations over a socket and over REST."""

    def __init__(self, kind: str, person: Person, client: Client) -> None:
        self._kind, self._person, self._client = kind, person, client

    async def create(self, **fields: Any) -> tuple[str, Any]:
        return await self._ask("room:create", "/rooms", fields)

    async def invite(self, room_id: str, user_id: str) -> tuple[str, Any]:
        if self._kind == "rest":
            return await self._ask("", f"/rooms/{room_id}/members", {"user_id": user_id})
        return await self._ask("room:invite", "", {"room_id": room_id, "user_id": user_id})

    async def _ask(self, event: str, path: str, fields: dict[str, Any]) -> tuple[str, Any]:
        if self._kind == "rest":
            status, answer = await self._person.rest("POST", path, json=fields)
            return ("ok", answer and answer["data"]) if status < 300 else (answer["code"], status)
        answer = await self._client.ask(event, **fields)
        return (
            ("ok", answer["data"].get("room")) if answer["ok"] else (answer["error"]["code"], answer["error"])
        )


@pytest.fixture(params=["socket", "rest"])
async def ways(request: pytest.FixtureRequest, world: World) -> Way:
    ada = await world.person("ada")
    return Way(request.param, ada, await ada.client())


async def test_so_many_rooms_an_hour(world: World, ways: Way) -> None:
    codes = [(await ways.create(kind="private", name=f"room {n}"))[0] for n in range(ROOMS.burst)]
    code, more = await ways.create(kind="public", name="one more")

    assert codes == ["ok"] * ROOMS.burst
    assert code == "rate_limited"
    assert more == 429 or more["retry_after_ms"] > 60_000
    assert not await models.Room.exists(name="one more")


async def test_each_member_named_is_an_invitation(world: World, ways: Way) -> None:
    users = await crowd(100)

    codes = [
        (await ways.create(kind="private", member_ids=some))[0] for some in (users, users[:99], users[:2])
    ]
    room = (await ways.create(kind="private", member_ids=users[:1]))[1]
    late = (await ways.invite(room["id"], users[50]))[0]

    assert codes == ["ok", "ok", "rate_limited"]
    assert late == "rate_limited"
    assert await models.Room.filter(kind="private").count() == 3
    assert await models.Membership.filter(room_id=room["id"]).count() == 2


async def test_what_is_not_stored_is_given_back(world: World, ways: Way) -> None:
    ada, (bob,) = world.people["ada"], await crowd(1)
    _, room = await ways.create(kind="public", name="taken", member_ids=[bob])
    _, direct = await ways.create(kind="direct", member_ids=[bob])
    before = await left(world, ada, "rooms"), await left(world, ada, "invitations")

    codes = [
        await ways.create(kind="public", name="TAKEN", member_ids=[bob]),
        await ways.create(kind="private", member_ids=[bob, NOBODY]),
        await ways.create(kind="direct", member_ids=[bob]),
        await ways.create(kind="direct", member_ids=[bob, NOBODY]),
        await ways.invite(room["id"], bob),
        await ways.invite(room["id"], NOBODY),
        await ways.invite(direct["id"], NOBODY),
    ]

    assert [code for code, _ in codes] == [
        "conflict", "not_found", "ok", "invalid_payload", "ok", "not_found", "forbidden",
    ]  # fmt: skip
    assert before == (ROOMS.burst - 2, INVITATIONS.burst - 2)
    assert (await left(world, ada, "rooms"), await left(world, ada, "invitations")) == before


async def test_rooms_that_are_refused_take_no_invitations(world: World, ways: Way) -> None:
    ada, (bob,) = world.people["ada"], await crowd(1)
    await world.app.parts.allowances.take("rooms", ada.id, ROOMS, ROOMS.burst)

    code, _ = await ways.create(kind="private", member_ids=[bob])

    assert code == "rate_limited"
    assert await left(world, ada, "invitations") == INVITATIONS.burst


async def test_many_at_once_get_what_there_is_and_no_more(world: World, ways: Way) -> None:
    await world.app.parts.allowances.take("rooms", world.people["ada"].id, ROOMS, ROOMS.burst - 3)

    answers = await asyncio.gather(*(ways.create(kind="private", name="x") for _ in range(8)))

    assert sorted(code for code, _ in answers) == ["ok"] * 3 + ["rate_limited"] * 5
    assert await models.Room.filter(name="x").count() == 3


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_both_limits_are_lifted_with_those_of_events(settings: Any) -> None:
    async with World(settings.model_copy(update={"limit_events": None})) as world:
        ada = await (await world.person("ada")).client()
        users = await crowd(100)

        answers = [await ada.ask("room:create", kind="private", member_ids=users) for _ in range(3)]
        answers += [await ada.ask("room:create", kind="private") for _ in range(ROOMS.burst)]

    assert all(each["ok"] for each in answers)
