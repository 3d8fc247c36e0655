"""Probes of time limits: removed members, ended sessions, a slow client, presence."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp

from hubbub.core import clock, ids
from hubbub.prove import accounts, waiting
from hubbub.prove.accounts import UnexpectedResult, User
from hubbub.prove.clients import Client
from hubbub.prove.environment import Environment
from hubbub.prove.journal import Evidence, Json, Probe
from hubbub.prove.schedule import Step
from hubbub.prove.shared_state import SharedState
from hubbub.prove.socketio_client import ConnectionLost

CONNECT_TIMEOUT_S = 20.0
SERVED_TIMEOUT_S = 15.0  # for which a probe tests whether a client is still served
SEND_INTERVAL_S = 0.02
PRESENCE_INTERVAL_S = 0.1  # between two reads of the presence of users
OBSERVE_AFTER_MOVE_S = 1.5  # that a moved client stays: longer than the detection of a lost entry takes
REFUSED_FOR_S = 0.5  # rejections for this time mean that access has ended
OFFLINE_TIMEOUT_S = 60.0
FLOOD_CHARS = 6 * 1024 * 1024  # sent while a client does not read: far above the output limit of a socket
FLOOD_TIMEOUT_S = 40.0
RECEIVE_BUFFER_BYTES = 8192  # the receive buffer of the slow client


class Probes:
    """Probes. `owner` may remove and add members; `member` is a member of the rooms and only used here."""

    def __init__(
        self,
        env: Environment,
        shared: SharedState,
        evidence: Evidence,
        owner: User,
        member: Client,
        load: "MessageLoad",
    ) -> None:
        self._env = env
        self._shared = shared
        self._evidence = evidence
        self._owner = owner  # adds and removes members
        self._member = member  # the subject of the probes
        self._load = load  # of the writers, for the slow client
        self._client_count = 0  # of the clients with sessions of their own, for their names
        self.clients: list[Client] = []  # to be stopped at the end of the run

    def handlers(self) -> dict[str, Callable[[Step], Awaitable[None]]]:
        """Return the handlers by the names of the steps."""
        return {
            "remove": self._probe_removal,
            "revoke": self._probe_revocation,
            "slow": self._probe_slow_client,
            "move": self._probe_move,
        }

    def _url(self) -> str:
        return self._shared.rng.choice(self._shared.urls)

    def _record(
        self,
        name: str,
        started_at: float,
        duration_s: float | None,
        detail: str,
        memory_growth_mib: float = 0.0,
    ) -> None:
        self._evidence.probes.append(Probe(name, started_at, duration_s, detail, memory_growth_mib))

    async def _probe_removal(self, _step: Step) -> None:
        """Remove a member who continues to send, then add the member again."""
        http, room_id = self._env.http, self._member.journal.rooms[0]
        await self._wait_ready(self._member)
        await accounts.remove_member(http, self._url(), self._owner, room_id, self._member.user.id)
        started_at = self._shared.elapsed_s
        duration_s = await self._time_served(self._member, room_id)
        self._record("remove", started_at, duration_s, self._member.journal.name)
        await accounts.add_member(http, self._url(), self._owner, room_id, self._member.user.id)

    async def _probe_revocation(self, _step: Step) -> None:
        """Revoke a session whose socket continues to send."""
        user = await accounts.log_in(self._env.http, self._url(), self._member.user)
        self._client_count += 1
        client = self._add_client(f"visitor-{self._client_count}", user)
        client.start()
        await self._wait_ready(client)
        await accounts.log_out(self._env.http, self._url(), user)
        started_at = self._shared.elapsed_s
        duration_s = await self._time_served(client, self._member.journal.rooms[1])
        self._record("revoke", started_at, duration_s, client.journal.name)
        await client.stop()

    async def _probe_move(self, step: Step) -> None:
        """Change a membership through one instance; right after, connect the user to another instance.

        That instance has cached the user a moment before. Half of the clients send cursors.
        """
        shared, http, room_id = self._shared, self._env.http, self._member.journal.rooms[0]
        await self._wait_ready(self._member)
        user = await accounts.log_in(http, self._url(), self._member.user)
        self._client_count += 1
        client = self._add_client(f"mover-{self._client_count}", user)
        home = client.next_instance = shared.rng.randrange(len(shared.urls))
        client.start()
        await self._wait_ready(client)
        await client.stop()
        change = shared.rng.choice((self._remove_member, self._readd_member, self._promote_member))
        if shared.rng.random() < 1 / 2:
            client.cursors.clear()
        try:
            is_member = await change(shared.urls[(home + 1) % len(shared.urls)], room_id)
            await asyncio.sleep(step.duration_s)
            rooms = [each for each in self._member.journal.rooms if is_member or each != room_id]
            client.expect_rooms(rooms, [] if is_member else [room_id])
            client.next_instance = home
            client.start()
            await self._wait_ready(client)
            await asyncio.sleep(OBSERVE_AFTER_MOVE_S)
        finally:
            await client.stop()
            await accounts.add_member(http, self._url(), self._owner, room_id, self._member.user.id)

    async def _remove_member(self, url: str, room_id: str) -> bool:
        await accounts.remove_member(self._env.http, url, self._owner, room_id, self._member.user.id)
        return False

    async def _readd_member(self, url: str, room_id: str) -> bool:
        await self._remove_member(url, room_id)
        await accounts.add_member(self._env.http, url, self._owner, room_id, self._member.user.id)
        return True

    async def _promote_member(self, url: str, room_id: str) -> bool:
        http, user = self._env.http, self._member.user
        await accounts.set_role(http, url, self._owner, room_id, user.id, "moderator")
        await accounts.set_role(http, url, self._owner, room_id, user.id, "member")
        return True

    def _add_client(self, name: str, user: User) -> Client:
        client = Client(self._shared, user, name)
        self._evidence.journals.append(client.journal)
        self.clients.append(client)
        return client

    async def _wait_ready(self, client: Client) -> None:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await client.ready.wait()

    async def _time_served(self, client: Client, room_id: str) -> float | None:
        """Return for how many seconds from now sends were accepted; None if that did not end."""
        started_at = last_sent_at = clock.monotonic()
        outcome = "ok"
        while (now := clock.monotonic()) < started_at + SERVED_TIMEOUT_S:
            is_refused = client.session_ended.is_set() or outcome not in {"ok", "unavailable"}
            if is_refused and now > last_sent_at + REFUSED_FOR_S:
                return last_sent_at - started_at
            outcome = await client.send_once(room_id, "still there?", str(ids.uuid7()))
            if outcome == "ok":
                last_sent_at = now  # when it was sent
            await asyncio.sleep(SEND_INTERVAL_S)
        return None

    async def _probe_slow_client(self, step: Step) -> None:
        """Stop reading on one client while the others send much."""
        connector = aiohttp.TCPConnector(socket_factory=_small_buffer_socket, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as http:
            client = self._add_client(f"slow-{len(self.clients)}", self._member.user)
            client.http = http
            client.start()
            await self._wait_ready(client)
            assert client.socket is not None  # noqa: S101 - it is connected
            slow_socket, instance = client.socket, self._env.instances[client.instance]
            started_at = self._shared.elapsed_s
            memory_before = instance.memory_bytes()
            slow_socket.pause_reading()
            flooded = await self._load.flood(FLOOD_CHARS, FLOOD_TIMEOUT_S, step.duration_s)
            memory_growth_mib = (instance.memory_bytes() - memory_before) / 1024 / 1024
            slow_socket.resume_reading()
            duration_s = await _time_until(slow_socket.closed)
            if flooded:
                self._record("slow", started_at, duration_s, client.journal.name, memory_growth_mib)
            complete = await waiting.until(
                lambda: client.ready.is_set() and not client.incomplete_rooms(),
                CONNECT_TIMEOUT_S,
                SEND_INTERVAL_S,
            )
            await client.stop()
        if not complete:
            raise UnexpectedResult(f"{client.journal.name} did not sync completely")

    async def probe_presence(self, observer: Client, user_ids: list[str], killed_at: float) -> None:
        """Measure how long the users of killed instances appear online, counted from `killed_at`."""
        started_at = self._shared.elapsed_s
        still_present: list[str] = user_ids

        async def all_offline() -> bool:
            nonlocal still_present
            with suppress(ConnectionLost):
                still_present = _present_users(await observer.call("presence:get", {"user_ids": user_ids}))
            return not still_present

        await waiting.until(all_offline, OFFLINE_TIMEOUT_S, PRESENCE_INTERVAL_S)
        duration_s = None if still_present else self._shared.elapsed_s - killed_at
        detail = f"{len(still_present) or len(user_ids)} users of killed instances"
        self._record("presence", started_at, duration_s, detail)


def _present_users(ack: Json) -> list[str]:
    if not ack["ok"]:
        return ["?"]
    return [each["user_id"] for each in ack["data"]["presences"] if each["status"] != "offline"]


async def _time_until(event: asyncio.Event) -> float | None:
    started_at = clock.monotonic()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await event.wait()
    except TimeoutError:
        return None
    return clock.monotonic() - started_at


def _small_buffer_socket(address: Any) -> socket.socket:  # noqa: ANN401 - aiohttp's address tuple
    created = socket.socket(*address[:3])
    created.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    created.setblocking(False)  # noqa: FBT003 - the signature of sockets
    return created


class MessageLoad:
    """The load of the writers. `stopped` ends it. While `flooding`, messages have the maximum length."""

    MAX_MESSAGE_CHARS = 8000

    def __init__(self) -> None:
        self.stopped = False  # the writers end
        self.flooding = False
        self.sent_chars = 0  # by all writers

    def pad(self, text: str) -> str:
        """Return the text, padded while flooding."""
        body = text.ljust(self.MAX_MESSAGE_CHARS, "~") if self.flooding else text
        self.sent_chars += len(body)
        return body

    async def flood(self, chars: int, timeout_s: float, min_s: float) -> bool:
        """Flood until `chars` are sent, for at least `min_s`; return False if that takes over `timeout_s`."""
        started_at, goal = clock.monotonic(), self.sent_chars + chars
        self.flooding = True
        try:
            while self.sent_chars < goal or clock.monotonic() < started_at + min_s:
                if clock.monotonic() > started_at + timeout_s or self.stopped:
                    return False
                await asyncio.sleep(0.1)
        finally:
            self.flooding = False
        return True
