"""A client as a good application is one: comes back, catches up, sends again; and writes it all down."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress

import aiohttp

from hubbub.core import clock, ids, tasks
from hubbub.prove.accounts import Person
from hubbub.prove.journal import (
    Acked,
    Added,
    Began,
    Caught,
    Ended,
    Gone,
    Heard,
    Journal,
    Json,
    Moved,
    Refused,
    Reset,
    Rested,
    Sent,
    plain,
)
from hubbub.prove.socketio_client import Lost, NotLetIn, Socket

ACK_S = 6.0  # then the client takes the connection for dead
BACK_S = (0.05, 0.4)  # at random, before it comes back
PAGE = 200  # entries of one `sync`
GIVEN_UP = frozenset({"session_revoked", "unauthenticated", "suspended"})  # come back as nobody


class World:
    """What the clients of a run share: the clock, the addresses, the texts that many of them hear."""

    def __init__(self, http: aiohttp.ClientSession, urls: Sequence[str], seed: int) -> None:
        self.http = http
        self.urls = list(urls)
        self.chance = random.Random(seed)  # noqa: S311 - who goes where
        self.began = clock.monotonic()
        self.acks = 0
        self.ends: dict[str, int] = {}  # how far each room goes, as far as any client knows
        self._texts: dict[str, str] = {}

    @property
    def at(self) -> float:
        """Seconds since the run began."""
        return clock.monotonic() - self.began

    def text(self, payload: Json) -> str:
        """The payload as text, kept once however many clients hear it."""
        said = plain(payload)
        return self._texts.setdefault(said, said)

    def reaches(self, room_id: str, seq: int) -> None:
        """A room has an entry of this number."""
        self.ends[room_id] = max(seq, self.ends.get(room_id, 0))


class Client:
    """One device of a person. `start` it, `send` through it, `stop` it; the journal stays."""

    def __init__(self, world: World, person: Person, name: str) -> None:
        self.world = world
        self.person = person
        self.http = world.http
        self.journal = Journal(name, person.id)
        self.next: int | None = None  # the instance that it goes to next, if it matters
        self.up = asyncio.Event()
        self.out = asyncio.Event()  # told to stay away
        self.socket: Socket | None = None
        self.cursors: dict[str, int] = {}
        self._asked: dict[str, int] = {}
        self._epoch: str | None = None
        self._ends: dict[str, int] = {}
        self._connection = 0
        self._heard_ready = False  # on this connection
        self.instance = 0
        self._wait_s = 0.0
        self._living: asyncio.Task[None] | None = None
        self._catching: asyncio.Task[None] | None = None
        self._behind = asyncio.Event()

    def start(self) -> None:
        """Connect, and stay connected."""
        self._living = tasks.spawn(self._live(), name=self.journal.name)
        self._catching = tasks.spawn(self._catch_up(), name=f"{self.journal.name} catches up")

    async def stop(self) -> None:
        """Go away for good."""
        await tasks.stop(self._living)
        await tasks.stop(self._catching)
        await self._leave("ours")

    async def _live(self) -> None:
        while not self.out.is_set():
            try:
                await self._come()
                assert self.socket is not None  # noqa: S101 - for the type checker
                await self._ready_in_time(self.socket)
                await self.socket.ended.wait()
                await self._leave(self.socket.why)
            except NotLetIn as no:
                self._wait_s = no.retry_s
                if no.code in GIVEN_UP:
                    self.out.set()
            except Lost:
                await self._leave("lost")
            await asyncio.sleep(self._wait_s + self.world.chance.uniform(*BACK_S))
            self._wait_s = 0.0

    async def _come(self) -> None:
        anywhere = self.world.chance.randrange(len(self.world.urls))
        self.instance = anywhere if self.next is None else self.next
        self.next = None
        self._connection += 1
        self._asked = dict(self.cursors)
        auth = {"token": self.person.token, "epoch": self._epoch, "cursors": self._asked}
        self.socket = await Socket.connect(self.http, self.world.urls[self.instance], auth, self._hear)

    async def _ready_in_time(self, socket: Socket) -> None:
        """An instance may stand still just now: `ready` does not come, and the client goes elsewhere."""
        try:
            async with asyncio.timeout(ACK_S):
                await self.up.wait()
        except TimeoutError:
            socket.drop("not ready")

    async def _leave(self, why: str) -> None:
        if self.socket is not None:
            if self._heard_ready:
                self.journal.events.append(Ended(self.world.at, self._connection, why))
            self._heard_ready = False
            self.up.clear()
            await self.socket.close()

    # Hearing.

    def _hear(self, event: str, payload: Json) -> None:
        if event == "ready":
            self._ready(payload)
        elif event == "room:added":
            self._added(payload["room"])
        elif event == "room:gone":
            self.journal.events.append(Gone(self.world.at, self._connection, payload["room_id"]))
            self._ends.pop(payload["room_id"], None)
        elif event == "server:draining":
            self._wait_s = payload["reconnect_in_ms"] / 1000
        elif "seq" in payload and "at" in payload:
            self._entry(event, payload)

    def _ready(self, payload: Json) -> None:
        self._epoch = payload["epoch"]
        listed = {room["id"]: room["last_seq"] for room in payload["rooms"]}
        self._ends = {**self._asked, **listed}
        began = Began(self.world.at, self._connection, self.instance, dict(self._ends))
        self.journal.events.append(began)
        self._heard_ready = True
        self.up.set()
        self._behind.set()

    def _added(self, room: Json) -> None:
        self._ends[room["id"]] = room["last_seq"]
        self.journal.events.append(Added(self.world.at, self._connection, room["id"], room["last_seq"]))
        self._behind.set()

    def _entry(self, event: str, payload: Json) -> None:
        room_id, seq = payload["room_id"], payload["seq"]
        user, message = payload.get("user") or {}, payload.get("message") or {}
        own = (
            event.partition(":")[2]
            if event.startswith("member:") and user.get("id") == self.person.id
            else ""
        )
        self.journal.events.append(
            Heard(
                *(self.world.at, self._connection, room_id, seq, event, self.world.text(payload)),
                client_id=message.get("client_id", ""),
                own=own,
            )
        )
        self._ends[room_id] = max(seq, self._ends.get(room_id, 0))
        self.world.reaches(room_id, seq)
        if seq == self.cursors.get(room_id, 0) + 1:
            self.cursors[room_id] = seq
        else:
            self._behind.set()

    # Catching up.

    def missing(self) -> dict[str, int]:
        """Rooms of which it does not have everything that it knows to be there, and how far it has them."""
        return {
            room_id: self.cursors.get(room_id, 0)
            for room_id, end in self._ends.items()
            if self.cursors.get(room_id, 0) < end
        }

    async def _catch_up(self) -> None:
        while True:
            await self._behind.wait()
            self._behind.clear()
            while self.up.is_set() and (rooms := self.missing()):
                with suppress(Lost):
                    await self._sync(rooms)

    async def _sync(self, rooms: dict[str, int]) -> None:
        answer = await self.ask("sync", {"epoch": self._epoch, "rooms": rooms, "limit": PAGE})
        if not answer["ok"]:
            await asyncio.sleep(0.2)
            return
        for room_id, part in answer["data"]["rooms"].items():
            if "entries" in part:
                self._caught(room_id, rooms[room_id], part["entries"])
            elif "gone" in part:
                self._ends.pop(room_id, None)
            elif "reset" in part:
                self.journal.events.append(Reset(self.world.at, self._connection, room_id))
                self.cursors[room_id] = self._ends[room_id] = part["last_seq"]
            else:
                await asyncio.sleep(0.2)

    def _caught(self, room_id: str, after: int, entries: list[Json]) -> None:
        got = [(each["payload"]["seq"], each["event"], self.world.text(each["payload"])) for each in entries]
        self.journal.events.append(Caught(self.world.at, self._connection, room_id, after, got))
        last = max([self.cursors.get(room_id, 0), *(seq for seq, _, _ in got)])
        self.cursors[room_id] = last
        self.world.reaches(room_id, last)
        if room_id in self._ends:
            self._ends[room_id] = max(last, self._ends[room_id])

    def moves(self, rooms: list[str], ended: list[str]) -> None:
        """Write down what is true when it connects the next time."""
        self.journal.events.append(Moved(self.world.at, self._connection + 1, rooms, ended))

    def rest(self) -> None:
        """Write down what it has, now that all should have arrived; nothing if it is not connected."""
        if self.up.is_set():
            has = {room_id: self.cursors.get(room_id, 0) for room_id in self._ends}
            self.journal.events.append(Rested(self.world.at, self._connection, has, dict(self.world.ends)))

    def has_all(self) -> bool:
        """Whether it is connected, and has what anybody has, or was acknowledged, or is stored."""
        return self.up.is_set() and all(
            self.cursors.get(room_id, 0) >= end for room_id, end in self.world.ends.items()
        )

    # Asking.

    async def ask(self, event: str, payload: Json) -> Json:
        """The whole ack. Raises Lost; who does not answer in time is taken for dead."""
        socket = self.socket
        if socket is None or not self.up.is_set():
            raise Lost("not connected")
        try:
            return await socket.ask(event, payload, ACK_S)
        except Lost:
            if not socket.ended.is_set():
                socket.drop("no answer")
            if self.socket is socket:
                self.up.clear()  # who asks again at once waits for the next connection
            raise

    async def say(self, room_id: str, body: str, client_id: str) -> str:
        """Send once. Returns `ok`, the code of a refusal, or `lost`."""
        self.journal.events.append(Sent(self.world.at, self._connection, room_id, client_id, body))
        connection = self._connection
        try:
            answer = await self.ask(
                "message:send", {"room_id": room_id, "client_id": client_id, "body": body}
            )
        except Lost:
            return "lost"
        at = self.world.at
        if not answer["ok"]:
            code = answer["error"]["code"]
            self.journal.events.append(Refused(at, connection, client_id, code))
            return str(code)
        stored = answer["data"]["message"]
        told = (stored["id"], stored["room_id"], stored["seq"], stored["body"])
        self.journal.events.append(Acked(at, connection, client_id, *told))
        self.world.acks += 1
        self.world.reaches(stored["room_id"], stored["seq"])
        return "ok"

    async def send(self, room_id: str, body: str, enough: Callable[[], bool]) -> None:
        """Send until it is acknowledged, through any number of connections, or there is `enough`."""
        client_id = str(ids.uuid7())
        while not enough() and not self.out.is_set():
            await self.up.wait()
            said = await self.say(room_id, body, client_id)
            if said in {"ok", "not_a_member", "forbidden"}:
                return
            if said != "lost":
                await asyncio.sleep(0.1)
