"""Clients that move to another instance right after a change, and what they must receive there."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self
from uuid import UUID, uuid4

import aiohttp
import asyncpg

from tests.support.crowd import Fan, Refusal
from tests.support.world import Abroad, Person

LATE_S = 1.0
Json = dict[str, Any]


class Mover:
    """A user whom the second instance remembers, in a room of the owner, who now acts on the first one."""

    def __init__(self, world: Abroad, owner: Person, person: Person) -> None:
        self.world, self.owner, self.person = world, owner, person
        self._http = aiohttp.ClientSession()
        self.fan = Fan(self._http, world.urls[1], person.token)
        self.home = self.public = ""
        self.refusal: str | None = None

    async def settle(self) -> Self:
        """Be at the second instance, and leave it."""
        self.home = await self.room(kind="private", member_ids=[self.person.id])
        self.public = await self.room(kind="public")
        await self.fan.connect()
        await self.fan.drop()
        return self

    async def room(self, **fields: Any) -> str:
        name = None if fields["kind"] == "direct" else uuid4().hex
        return str((await self.owns("POST", "/rooms", json={"name": name, **fields}))["id"])

    async def owns(self, method: str, path: str, **options: Any) -> Json:
        return await _good(self.owner, method, path, **options)

    async def does(self, method: str, path: str, **options: Any) -> Json:
        return await _good(self.person, method, path, **options)

    async def says(self, room_id: str) -> int:
        """The owner sends a message, or the mover in a room without the owner; returns its seq."""
        body = {"body": "?", "client_id": str(uuid4())}
        status, answer = await self.owner.rest("POST", f"/rooms/{room_id}/messages", json=body)
        if status != 201:
            return int((await self.does("POST", f"/rooms/{room_id}/messages", json=body))["seq"])
        return int(answer["data"]["seq"])

    async def stays(self, event: str = "", **payload: Any) -> None:
        """Be at the first instance for a moment, with an event if one is given."""
        self.fan.url = self.world.urls[0]
        await self.fan.connect()
        if event:
            await self.fan.call(event, **payload)
        else:
            seq = await self.says(self.home)
            await self.fan.until_seq(self.home, seq)
        await self.fan.drop()
        self.fan.url = self.world.urls[1]

    async def move(self, delay_s: float, *, cursors: bool) -> list[str]:
        """Connect to the second instance; returns what is wrong with what the client receives there."""
        await asyncio.sleep(delay_s)
        if not cursors:
            self.fan.ready, self.fan.cursors = {}, {}
        had, before = dict(self.fan.cursors), len(self.fan.heard)
        try:
            await self.fan.connect()
        except Refusal as refusal:
            code = refusal.error["code"]
            return [] if code == self.refusal else [f"refused: {code}"]
        if self.refusal:
            return [f"accepted instead of {self.refusal}"]
        rooms = (await self.owner_view())["rooms"]
        faults = self._ready(had, rooms)
        took = await asyncio.gather(*(self._delivered(room_id) for room_id in rooms))
        faults += [f"an entry after {seconds:.2f} s" for seconds in took if seconds > LATE_S + 0.5]
        return faults + self._events(self.fan.heard[before:], had, rooms)

    async def owner_view(self) -> Json:
        """The rooms of the mover as they are in the database."""
        status, answer = await self.person.rest("GET", "/rooms?limit=200")
        assert status == 200, answer
        return {"rooms": {room["id"]: room for room in answer["data"]}}

    async def _delivered(self, room_id: str) -> float:
        seq = await self.says(room_id)
        began = time.monotonic()
        await self.fan.until_seq(room_id, seq)
        return time.monotonic() - began

    def _ready(self, had: dict[str, int], rooms: Json) -> list[str]:
        listed = {room["id"]: room for room in self.fan.ready["rooms"]}
        faults = [f"ready lists {room_id}" for room_id in listed.keys() - rooms.keys()]
        for room_id, room in rooms.items():
            shown = listed.get(room_id)
            if shown is None and had.get(room_id) != room["last_seq"]:
                faults.append(f"ready lacks {room}, cursor {had.get(room_id)}")
            elif shown is not None and (shown["my"], shown["last_seq"]) != (room["my"], room["last_seq"]):
                faults.append(f"ready shows {shown} instead of {room}")
        name = self.fan.ready["user"]["display_name"]
        return faults if name == self.person.user["display_name"] else [*faults, f"ready shows {name}"]

    def _events(self, heard: list[tuple[str, Json]], had: dict[str, int], rooms: Json) -> list[str]:
        listed = {room["id"]: room["last_seq"] for room in self.fan.ready["rooms"]}
        gone = {it["room_id"] for name, it in heard if name == "room:gone"}
        faults = [f"room:gone for {room_id}" for room_id in gone & rooms.keys()]
        faults += [f"no room:gone for {room_id}" for room_id in had.keys() - rooms.keys() - gone]
        faults += [f"room:added {it['room']['id']}" for name, it in heard if name == "room:added"]
        for room_id in rooms:
            seqs = [it["seq"] for _, it in heard if it.get("room_id") == room_id and "at" in it]
            first = listed.get(room_id, had.get(room_id, 0)) + 1
            if seqs != list(range(first, first + len(seqs))):
                faults.append(f"entries {seqs} of {room_id} after {first - 1}")
        return faults

    async def close(self) -> None:
        await self.fan.drop()
        await self._http.close()


async def _good(person: Person, method: str, path: str, **options: Any) -> Json:
    status, answer = await person.rest(method, path, **options)
    assert status < 300, (method, path, answer)
    data: Json = answer["data"] if answer else {}
    return data


# --- what happens on the first instance before the move ---


async def join(mover: Mover) -> None:
    room = await mover.does("POST", f"/rooms/{mover.public}/join")
    mover.fan.cursors[mover.public] = room["last_seq"]


async def join_by_socket(mover: Mover) -> None:
    await mover.stays("room:join", room_id=mover.public)


async def create(mover: Mover) -> None:
    room = await mover.does("POST", "/rooms", json={"kind": "private"})
    mover.fan.cursors[room["id"]] = room["last_seq"]


async def leave(mover: Mover) -> None:
    await mover.does("POST", f"/rooms/{mover.home}/leave")


async def leave_and_forget(mover: Mover) -> None:
    await leave(mover)
    del mover.fan.cursors[mover.home]


async def visit(mover: Mover) -> None:
    await join(mover)
    await mover.does("POST", f"/rooms/{mover.public}/leave")


async def be_invited(mover: Mover) -> None:
    await mover.owns("POST", f"/rooms/{mover.public}/members", json={"user_id": mover.person.id})


async def be_addressed(mover: Mover) -> None:
    await mover.room(kind="direct", member_ids=[mover.person.id])


async def be_removed(mover: Mover) -> None:
    await mover.owns("DELETE", f"/rooms/{mover.home}/members/{mover.person.id}")


async def return_after_removal(mover: Mover) -> None:
    await be_removed(mover)
    await mover.owns("POST", f"/rooms/{mover.home}/members", json={"user_id": mover.person.id})


async def be_promoted(mover: Mover) -> None:
    path = f"/rooms/{mover.home}/members/{mover.person.id}"
    await mover.owns("PATCH", path, json={"role": "moderator"})


async def inherit(mover: Mover) -> None:
    await mover.owns("POST", f"/rooms/{mover.home}/leave")


async def mute(mover: Mover) -> None:
    await mover.stays("room:mute", room_id=mover.home, muted=True)


async def read(mover: Mover) -> None:
    seq = await mover.says(mover.home)
    await mover.does("POST", f"/rooms/{mover.home}/read", json={"seq": seq})


async def be_renamed(mover: Mover) -> None:
    name = f"Countess {uuid4().hex[:8]}"
    await mover.does("PATCH", "/users/profile", json={"display_name": name})
    mover.person.user["display_name"] = name


async def miss_a_message(mover: Mover) -> None:
    await mover.says(mover.home)


async def receive_a_message(mover: Mover) -> None:
    await mover.stays()


async def log_out(mover: Mover) -> None:
    await mover.does("POST", "/auth/logout")
    mover.refusal = "session_revoked"


async def be_suspended(mover: Mover) -> None:
    suspended = {"suspended": {"reason": "spam"}}
    await mover.owns("PATCH", f"/admin/users/{mover.person.id}", json=suspended)
    mover.refusal = "suspended"


CHANGES: list[Callable[[Mover], Awaitable[None]]] = [
    join, join_by_socket, create, leave, leave_and_forget, visit, be_invited, be_addressed, be_removed,
    return_after_removal, be_promoted, inherit, mute, read, be_renamed, miss_a_message, receive_a_message,
    log_out, be_suspended,
]  # fmt: skip


async def make_admin(database_url: str, person: Person) -> None:
    """Give a user the role of an administrator, in the database."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE users SET role = 'admin' WHERE id = $1", UUID(person.id))
    finally:
        await connection.close()
