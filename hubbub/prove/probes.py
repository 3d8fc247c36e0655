"""Promises about time, tried: members removed, sessions ended, a client that does not read, presence."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from hubbub.core import clock, ids
from hubbub.prove import accounts
from hubbub.prove.accounts import Person, Unwilling
from hubbub.prove.clients import Client, World
from hubbub.prove.environment import Stage
from hubbub.prove.journal import Evidence, Json, Probe
from hubbub.prove.schedule import Step
from hubbub.prove.socketio_client import Lost

UP_S = 20.0
SERVED_S = 15.0  # how long it is tried whether somebody is still served
BETWEEN_S = 0.02
MOVED_S = 1.5  # how long a client stays that has moved: longer than a lost entry takes to be found
SURE_S = 0.5  # refused for so long: it is over
OFFLINE_S = 60.0
FILLED = 6 * 1024 * 1024  # what is said while somebody does not read: far above what is kept for a socket
FILL_S = 40.0
SMALL = 8192  # the receive buffer of who does not read


class Probes:
    """`owner` may remove and invite; `guest` is a person of no other use, and a member of the rooms."""

    def __init__(
        self, stage: Stage, world: World, evidence: Evidence, owner: Person, guest: Client, busy: "Busy"
    ) -> None:
        self._stage = stage
        self._world = world
        self._evidence = evidence
        self._owner = owner
        self._guest = guest
        self._busy = busy
        self._visits = 0
        self.clients: list[Client] = []

    def ways(self) -> dict[str, Callable[[Step], Awaitable[None]]]:
        """What carries out which step."""
        return {
            "remove": self._remove,
            "revoke": self._revoke,
            "slow": self._slow,
            "move": self._move,
        }

    def _url(self) -> str:
        return self._world.chance.choice(self._world.urls)

    def _tell(self, name: str, at: float, took: float | None, detail: str, grown: float = 0.0) -> None:
        self._evidence.probes.append(Probe(name, at, took, detail, grown))

    async def _remove(self, _step: Step) -> None:
        """Remove a member who goes on sending; then take them in again."""
        http, room_id = self._stage.http, self._guest.journal.rooms[0]
        await self._up(self._guest)
        await accounts.remove(http, self._url(), self._owner, room_id, self._guest.person.id)
        at = self._world.at
        self._tell("remove", at, await self._served(self._guest, room_id), self._guest.journal.name)
        await accounts.invite(http, self._url(), self._owner, room_id, self._guest.person.id)

    async def _revoke(self, _step: Step) -> None:
        """End a session whose socket goes on sending."""
        person = await accounts.log_in(self._stage.http, self._url(), self._guest.person)
        self._visits += 1
        visitor = self._visitor(f"visitor-{self._visits}", person)
        visitor.start()
        await self._up(visitor)
        await accounts.log_out(self._stage.http, self._url(), person)
        at = self._world.at
        took = await self._served(visitor, self._guest.journal.rooms[1])
        self._tell("revoke", at, took, visitor.journal.name)
        await visitor.stop()

    async def _move(self, step: Step) -> None:
        """Change a membership through one instance; right after, its user is back at another one.

        That one knows the user from a moment before. Half of the clients say what they have.
        """
        world, http, room_id = self._world, self._stage.http, self._guest.journal.rooms[0]
        await self._up(self._guest)
        person = await accounts.log_in(http, self._url(), self._guest.person)
        self._visits += 1
        visitor = self._visitor(f"mover-{self._visits}", person)
        home = visitor.next = world.chance.randrange(len(world.urls))
        visitor.start()
        await self._up(visitor)
        await visitor.stop()
        change = world.chance.choice((self._removed, self._returned, self._promoted))
        if world.chance.random() < 1 / 2:
            visitor.cursors.clear()
        try:
            member = await change(world.urls[(home + 1) % len(world.urls)], room_id)
            await asyncio.sleep(step.lasts)
            rooms = [each for each in self._guest.journal.rooms if member or each != room_id]
            visitor.moves(rooms, [] if member else [room_id])
            visitor.next = home
            visitor.start()
            await self._up(visitor)
            await asyncio.sleep(MOVED_S)
        finally:
            await visitor.stop()
            await accounts.invite(http, self._url(), self._owner, room_id, self._guest.person.id)

    async def _removed(self, url: str, room_id: str) -> bool:
        await accounts.remove(self._stage.http, url, self._owner, room_id, self._guest.person.id)
        return False

    async def _returned(self, url: str, room_id: str) -> bool:
        await self._removed(url, room_id)
        await accounts.invite(self._stage.http, url, self._owner, room_id, self._guest.person.id)
        return True

    async def _promoted(self, url: str, room_id: str) -> bool:
        http, guest = self._stage.http, self._guest.person
        await accounts.set_role(http, url, self._owner, room_id, guest.id, "moderator")
        await accounts.set_role(http, url, self._owner, room_id, guest.id, "member")
        return True

    def _visitor(self, name: str, person: Person) -> Client:
        client = Client(self._world, person, name)
        self._evidence.journals.append(client.journal)
        self.clients.append(client)
        return client

    async def _up(self, client: Client) -> None:
        async with asyncio.timeout(UP_S):
            await client.up.wait()

    async def _served(self, client: Client, room_id: str) -> float | None:
        """Until when sends were taken, in seconds from now; None if they are taken all the time."""
        began = last = clock.monotonic()
        said = "ok"
        while (now := clock.monotonic()) < began + SERVED_S:
            if now > last + SURE_S and (client.out.is_set() or said not in {"ok", "unavailable"}):
                return last - began
            said = await client.say(room_id, "still there?", str(ids.uuid7()))
            if said == "ok":
                last = now  # when it was sent
            await asyncio.sleep(BETWEEN_S)
        return None

    async def _slow(self, step: Step) -> None:
        """Somebody stops reading while everybody talks a lot."""
        connector = aiohttp.TCPConnector(socket_factory=_small, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as http:
            slow = self._visitor(f"slow-{len(self.clients)}", self._guest.person)
            slow.http = http
            slow.start()
            await self._up(slow)
            assert slow.socket is not None  # noqa: S101 - it is up
            one, at, instance = slow.socket, self._world.at, self._stage.instances[slow.instance]
            before = instance.memory()
            one.stop_reading()
            enough = await self._busy.loud(FILLED, FILL_S, step.lasts)
            grown = (instance.memory() - before) / 1024 / 1024
            one.read_again()
            took = await _took(one.ended)
            if enough:
                self._tell("slow", at, took, slow.journal.name, grown)
            back = await self._caught_up(slow)
            await slow.stop()
        if not back:
            raise Unwilling(f"{slow.journal.name} could not catch up")

    async def _caught_up(self, client: Client) -> bool:
        deadline = clock.monotonic() + UP_S
        while not client.up.is_set() or client.missing():
            if clock.monotonic() > deadline:
                return False
            await asyncio.sleep(BETWEEN_S)
        return True

    async def presence(self, observer: Client, user_ids: list[str], since: float) -> None:
        """How long the users of a killed instance are shown as present, counted from `since`."""
        at, deadline = self._world.at, clock.monotonic() + OFFLINE_S
        ghosts: list[str] = user_ids
        while ghosts and clock.monotonic() < deadline:
            try:
                answer = await observer.ask("presence:get", {"user_ids": user_ids})
                ghosts = _present(answer)
            except Lost:
                pass
            await asyncio.sleep(0.1)
        took = None if ghosts else self._world.at - since
        self._tell("presence", at, took, f"{len(ghosts) or len(user_ids)} users of killed instances")


def _present(answer: Json) -> list[str]:
    if not answer["ok"]:
        return ["?"]
    return [each["user_id"] for each in answer["data"]["presences"] if each["status"] != "offline"]


async def _took(ended: asyncio.Event) -> float | None:
    began = clock.monotonic()
    try:
        async with asyncio.timeout(UP_S):
            await ended.wait()
    except TimeoutError:
        return None
    return clock.monotonic() - began


def _small(address: Any) -> socket.socket:  # noqa: ANN401 - aiohttp's address tuple
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    made.setblocking(False)  # noqa: FBT003 - the signature of sockets
    return made


class Busy:
    """How much is said: `quiet` ends it; while it is loud, messages are as long as they may be."""

    LONGEST = 8000

    def __init__(self) -> None:
        self.quiet = False
        self.shouting = False
        self.said = 0

    def body(self, text: str) -> str:
        """The text, filled up while it is loud."""
        said = text.ljust(self.LONGEST, "~") if self.shouting else text
        self.said += len(said)
        return said

    async def loud(self, size: int, limit_s: float, least_s: float) -> bool:
        """Be loud until so much is said, for at least `least_s`; false if it takes more than `limit_s`."""
        began, goal = clock.monotonic(), self.said + size
        self.shouting = True
        try:
            while self.said < goal or clock.monotonic() < began + least_s:
                if clock.monotonic() > began + limit_s or self.quiet:
                    return False
                await asyncio.sleep(0.1)
        finally:
            self.shouting = False
        return True
