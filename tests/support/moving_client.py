"""Clients that change instances right after a change, and the data they must receive there."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self
from uuid import UUID, uuid4

import aiohttp
import asyncpg

from tests.support.live_instance import ApiUser, RemoteInstances
from tests.support.raw_client import ConnectRefused, RawClient

MAX_DELIVERY_S = 1.0
Json = dict[str, Any]


class MovingClient:
    """A user cached by the second instance, in a room of the owner, who now acts on the first one."""

    def __init__(self, instance: RemoteInstances, owner: ApiUser, user: ApiUser) -> None:
        self.instance, self.owner, self.user = instance, owner, user
        self._http = aiohttp.ClientSession()
        self.client = RawClient(self._http, instance.urls[1], user.token)
        self.private_room_id = self.public_room_id = ""
        self.expected_refusal: str | None = None

    async def prepare(self) -> Self:
        """Be at the second instance, and leave it."""
        self.private_room_id = await self.create_room(kind="private", member_ids=[self.user.id])
        self.public_room_id = await self.create_room(kind="public")
        await self.client.connect()
        await self.client.close()
        return self

    async def create_room(self, **fields: Any) -> str:
        name = None if fields["kind"] == "direct" else uuid4().hex
        return str((await self.owner_request("POST", "/rooms", json={"name": name, **fields}))["id"])

    async def owner_request(self, method: str, path: str, **options: Any) -> Json:
        return await _request_ok(self.owner, method, path, **options)

    async def user_request(self, method: str, path: str, **options: Any) -> Json:
        return await _request_ok(self.user, method, path, **options)

    async def send_message(self, room_id: str) -> int:
        """The owner sends a message, or the mover in a room without the owner; returns its seq."""
        body = {"body": "?", "client_id": str(uuid4())}
        status, response = await self.owner.rest("POST", f"/rooms/{room_id}/messages", json=body)
        if status != 201:
            return int((await self.user_request("POST", f"/rooms/{room_id}/messages", json=body))["seq"])
        return int(response["data"]["seq"])

    async def visit_first_instance(self, event: str = "", **payload: Any) -> None:
        """Connect to the first instance for a moment, with an event if one is given."""
        self.client.url = self.instance.urls[0]
        await self.client.connect()
        if event:
            await self.client.call(event, **payload)
        else:
            seq = await self.send_message(self.private_room_id)
            await self.client.wait_for_seq(self.private_room_id, seq)
        await self.client.close()
        self.client.url = self.instance.urls[1]

    async def move(self, delay_s: float, *, cursors: bool) -> list[str]:
        """Connect to the second instance; returns what is wrong with what the client receives there."""
        await asyncio.sleep(delay_s)
        if not cursors:
            self.client.ready, self.client.cursors = {}, {}
        old_cursors, events_before = dict(self.client.cursors), len(self.client.events)
        try:
            await self.client.connect()
        except ConnectRefused as refusal:
            code = refusal.error["code"]
            return [] if code == self.expected_refusal else [f"refused: {code}"]
        if self.expected_refusal:
            return [f"accepted instead of {self.expected_refusal}"]
        rooms = (await self.database_view())["rooms"]
        faults = self._check_ready(old_cursors, rooms)
        delays = await asyncio.gather(*(self._delivery_delay(room_id) for room_id in rooms))
        faults += [f"an entry after {seconds:.2f} s" for seconds in delays if seconds > MAX_DELIVERY_S + 0.5]
        return faults + self._check_events(self.client.events[events_before:], old_cursors, rooms)

    async def database_view(self) -> Json:
        """The rooms of the mover as they are in the database."""
        status, response = await self.user.rest("GET", "/rooms?limit=200")
        assert status == 200, response
        return {"rooms": {room["id"]: room for room in response["data"]}}

    async def _delivery_delay(self, room_id: str) -> float:
        seq = await self.send_message(room_id)
        started_at = time.monotonic()
        await self.client.wait_for_seq(room_id, seq)
        return time.monotonic() - started_at

    def _check_ready(self, old_cursors: dict[str, int], rooms: Json) -> list[str]:
        listed = {room["id"]: room for room in self.client.ready["rooms"]}
        faults = [f"ready lists {room_id}" for room_id in listed.keys() - rooms.keys()]
        for room_id, room in rooms.items():
            listed_room = listed.get(room_id)
            if listed_room is None and old_cursors.get(room_id) != room["last_seq"]:
                faults.append(f"ready lacks {room}, cursor {old_cursors.get(room_id)}")
            elif listed_room is not None and (listed_room["my"], listed_room["last_seq"]) != (
                room["my"],
                room["last_seq"],
            ):
                faults.append(f"ready shows {listed_room} instead of {room}")
        name = self.client.ready["user"]["display_name"]
        return faults if name == self.user.account["display_name"] else [*faults, f"ready shows {name}"]

    def _check_events(
        self, events: list[tuple[str, Json]], old_cursors: dict[str, int], rooms: Json
    ) -> list[str]:
        listed = {room["id"]: room["last_seq"] for room in self.client.ready["rooms"]}
        removed_room_ids = {it["room_id"] for name, it in events if name == "room:gone"}
        faults = [f"room:gone for {room_id}" for room_id in removed_room_ids & rooms.keys()]
        faults += [
            f"no room:gone for {room_id}" for room_id in old_cursors.keys() - rooms.keys() - removed_room_ids
        ]
        faults += [f"room:added {it['room']['id']}" for name, it in events if name == "room:added"]
        for room_id in rooms:
            seqs = [it["seq"] for _, it in events if it.get("room_id") == room_id and "at" in it]
            first = listed.get(room_id, old_cursors.get(room_id, 0)) + 1
            if seqs != list(range(first, first + len(seqs))):
                faults.append(f"entries {seqs} of {room_id} after {first - 1}")
        return faults

    async def close(self) -> None:
        await self.client.close()
        await self._http.close()


async def _request_ok(user: ApiUser, method: str, path: str, **options: Any) -> Json:
    status, response = await user.rest(method, path, **options)
    assert status < 300, (method, path, response)
    data: Json = response["data"] if response else {}
    return data


# --- what happens on the first instance before the move ---


async def join_room(mover: MovingClient) -> None:
    room = await mover.user_request("POST", f"/rooms/{mover.public_room_id}/join")
    mover.client.cursors[mover.public_room_id] = room["last_seq"]


async def join_room_by_socket(mover: MovingClient) -> None:
    await mover.visit_first_instance("room:join", room_id=mover.public_room_id)


async def create_room(mover: MovingClient) -> None:
    room = await mover.user_request("POST", "/rooms", json={"kind": "private"})
    mover.client.cursors[room["id"]] = room["last_seq"]


async def leave_room(mover: MovingClient) -> None:
    await mover.user_request("POST", f"/rooms/{mover.private_room_id}/leave")


async def leave_and_drop_cursor(mover: MovingClient) -> None:
    await leave_room(mover)
    del mover.client.cursors[mover.private_room_id]


async def join_and_leave(mover: MovingClient) -> None:
    await join_room(mover)
    await mover.user_request("POST", f"/rooms/{mover.public_room_id}/leave")


async def be_invited(mover: MovingClient) -> None:
    await mover.owner_request(
        "POST", f"/rooms/{mover.public_room_id}/members", json={"user_id": mover.user.id}
    )


async def be_added_to_direct_room(mover: MovingClient) -> None:
    await mover.create_room(kind="direct", member_ids=[mover.user.id])


async def be_removed(mover: MovingClient) -> None:
    await mover.owner_request("DELETE", f"/rooms/{mover.private_room_id}/members/{mover.user.id}")


async def be_invited_after_removal(mover: MovingClient) -> None:
    await be_removed(mover)
    await mover.owner_request(
        "POST", f"/rooms/{mover.private_room_id}/members", json={"user_id": mover.user.id}
    )


async def be_promoted(mover: MovingClient) -> None:
    path = f"/rooms/{mover.private_room_id}/members/{mover.user.id}"
    await mover.owner_request("PATCH", path, json={"role": "moderator"})


async def inherit_ownership(mover: MovingClient) -> None:
    await mover.owner_request("POST", f"/rooms/{mover.private_room_id}/leave")


async def mute_room(mover: MovingClient) -> None:
    await mover.visit_first_instance("room:mute", room_id=mover.private_room_id, muted=True)


async def mark_read(mover: MovingClient) -> None:
    seq = await mover.send_message(mover.private_room_id)
    await mover.user_request("POST", f"/rooms/{mover.private_room_id}/read", json={"seq": seq})


async def be_renamed(mover: MovingClient) -> None:
    name = f"Countess {uuid4().hex[:8]}"
    await mover.user_request("PATCH", "/users/profile", json={"display_name": name})
    mover.user.account["display_name"] = name


async def miss_a_message(mover: MovingClient) -> None:
    await mover.send_message(mover.private_room_id)


async def receive_a_message(mover: MovingClient) -> None:
    await mover.visit_first_instance()


async def log_out(mover: MovingClient) -> None:
    await mover.user_request("POST", "/auth/logout")
    mover.expected_refusal = "session_revoked"


async def be_suspended(mover: MovingClient) -> None:
    suspended = {"suspended": {"reason": "spam"}}
    await mover.owner_request("PATCH", f"/admin/users/{mover.user.id}", json=suspended)
    mover.expected_refusal = "suspended"


CHANGES: list[Callable[[MovingClient], Awaitable[None]]] = [
    join_room, join_room_by_socket, create_room, leave_room, leave_and_drop_cursor, join_and_leave,
    be_invited,
    be_added_to_direct_room, be_removed,
    be_invited_after_removal, be_promoted, inherit_ownership, mute_room, mark_read, be_renamed,
    miss_a_message, receive_a_message,
    log_out, be_suspended,
]  # fmt: skip


async def make_admin(database_url: str, user: ApiUser) -> None:
    """Give a user the role of an administrator, in the database."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE users SET role = 'admin' WHERE id = $1", UUID(user.id))
    finally:
        await connection.close()
