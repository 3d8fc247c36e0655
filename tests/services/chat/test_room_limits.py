"""Limits of rooms created and users invited, per user and hour, over sockets and REST."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.services.chat.room_limits import INVITATION_RATE, ROOM_RATE
from tests.support.live_instance import ApiUser, Client, LiveInstance

NOBODY = str(uuid4())


async def crowd(count: int) -> list[str]:
    """So many accounts, without a device."""
    rows = [
        models.User(username=f"u{n}", email=f"u{n}@example.org", display_name="U", password_digest="x")
        for n in range(count)
    ]
    await models.User.bulk_create(rows)
    return [str(row.id) for row in rows]


async def left(instance: LiveInstance, user: ApiUser, of: str) -> int:
    """How much of a limit is left."""
    rate = {"rooms": ROOM_RATE, "invitations": INVITATION_RATE}[of]
    return (await instance.app.container.rate_limiter.acquire(of, user.id, rate, 0)).remaining


class Edge:
    """The same operations over a socket and over REST."""

    def __init__(self, kind: str, user: ApiUser, client: Client) -> None:
        self._kind, self._user, self._client = kind, user, client

    async def create(self, **fields: Any) -> tuple[str, Any]:
        return await self._ask("room:create", "/rooms", fields)

    async def invite(self, room_id: str, user_id: str) -> tuple[str, Any]:
        if self._kind == "rest":
            return await self._ask("", f"/rooms/{room_id}/members", {"user_id": user_id})
        return await self._ask("room:invite", "", {"room_id": room_id, "user_id": user_id})

    async def _ask(self, event: str, path: str, fields: dict[str, Any]) -> tuple[str, Any]:
        if self._kind == "rest":
            status, answer = await self._user.rest("POST", path, json=fields)
            return ("ok", answer and answer["data"]) if status < 300 else (answer["code"], status)
        answer = await self._client.call_for_ack(event, **fields)
        return (
            ("ok", answer["data"].get("room")) if answer["ok"] else (answer["error"]["code"], answer["error"])
        )


@pytest.fixture(params=["socket", "rest"])
async def edge(request: pytest.FixtureRequest, instance: LiveInstance) -> Edge:
    ada = await instance.register("ada")
    return Edge(request.param, ada, await ada.connect_client())


async def test_new_rooms_are_limited_per_hour(instance: LiveInstance, edge: Edge) -> None:
    codes = [(await edge.create(kind="private", name=f"room {n}"))[0] for n in range(ROOM_RATE.burst)]
    code, more = await edge.create(kind="public", name="one more")

    assert codes == ["ok"] * ROOM_RATE.burst
    assert code == "rate_limited"
    assert more == 429 or more["retry_after_ms"] > 60_000
    assert not await models.Room.exists(name="one more")


async def test_each_initial_member_counts_as_an_invitation(instance: LiveInstance, edge: Edge) -> None:
    users = await crowd(100)

    codes = [
        (await edge.create(kind="private", member_ids=some))[0] for some in (users, users[:99], users[:2])
    ]
    room = (await edge.create(kind="private", member_ids=users[:1]))[1]
    late = (await edge.invite(room["id"], users[50]))[0]

    assert codes == ["ok", "ok", "rate_limited"]
    assert late == "rate_limited"
    assert await models.Room.filter(kind="private").count() == 3
    assert await models.Membership.filter(room_id=room["id"]).count() == 2


async def test_a_failed_operation_is_not_counted(instance: LiveInstance, edge: Edge) -> None:
    ada, (bob,) = instance.users["ada"], await crowd(1)
    _, room = await edge.create(kind="public", name="taken", member_ids=[bob])
    _, direct = await edge.create(kind="direct", member_ids=[bob])
    before = await left(instance, ada, "rooms"), await left(instance, ada, "invitations")

    codes = [
        await edge.create(kind="public", name="TAKEN", member_ids=[bob]),
        await edge.create(kind="private", member_ids=[bob, NOBODY]),
        await edge.create(kind="direct", member_ids=[bob]),
        await edge.create(kind="direct", member_ids=[bob, NOBODY]),
        await edge.invite(room["id"], bob),
        await edge.invite(room["id"], NOBODY),
        await edge.invite(direct["id"], NOBODY),
    ]

    assert [code for code, _ in codes] == [
        "conflict", "not_found", "ok", "invalid_payload", "ok", "not_found", "forbidden",
    ]  # fmt: skip
    assert before == (ROOM_RATE.burst - 2, INVITATION_RATE.burst - 2)
    assert (await left(instance, ada, "rooms"), await left(instance, ada, "invitations")) == before


async def test_refused_rooms_use_no_invitations(instance: LiveInstance, edge: Edge) -> None:
    ada, (bob,) = instance.users["ada"], await crowd(1)
    await instance.app.container.rate_limiter.acquire("rooms", ada.id, ROOM_RATE, ROOM_RATE.burst)

    code, _ = await edge.create(kind="private", member_ids=[bob])

    assert code == "rate_limited"
    assert await left(instance, ada, "invitations") == INVITATION_RATE.burst


async def test_concurrent_calls_get_exactly_the_available_units(instance: LiveInstance, edge: Edge) -> None:
    await instance.app.container.rate_limiter.acquire(
        "rooms", instance.users["ada"].id, ROOM_RATE, ROOM_RATE.burst - 3
    )

    answers = await asyncio.gather(*(edge.create(kind="private", name="x") for _ in range(8)))

    assert sorted(code for code, _ in answers) == ["ok"] * 3 + ["rate_limited"] * 5
    assert await models.Room.filter(name="x").count() == 3


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_both_limits_are_off_when_those_of_events_are(settings: Any) -> None:
    async with LiveInstance(settings.model_copy(update={"limit_events": None})) as instance:
        ada = await (await instance.register("ada")).connect_client()
        users = await crowd(100)

        answers = [await ada.call_for_ack("room:create", kind="private", member_ids=users) for _ in range(3)]
        answers += [await ada.call_for_ack("room:create", kind="private") for _ in range(ROOM_RATE.burst)]

    assert all(each["ok"] for each in answers)
