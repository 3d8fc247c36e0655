"""A stock client in a well-behaved application: it reconnects, synchronizes and sends again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self
from uuid import uuid4

import aiohttp
import socketio
from socketio.exceptions import ConnectionError as NotConnected
from socketio.exceptions import SocketIOError

from tests.support.client_model import ClientModel, Json, Room

WAIT_S = 30.0
CHAT = "/chat"


class ConnectionLost(Exception):
    """The connection ended before the ack."""


class ChangeNotifier:
    """Wakes tests that wait for a condition. Shared by the clients of a test."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        self._event.set()
        self._event.clear()

    async def until(
        self, condition: Callable[[], bool], what: str | Callable[[], str], seconds: float = WAIT_S
    ) -> None:
        """Wait for a condition, looked at whenever there is news. Raises AssertionError past the deadline."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await self._event.wait()
        except TimeoutError:
            missed = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {seconds} s: {missed}") from None


class Order:
    """Checks the entries of one connection: ascending, without duplicates, gaps, or entries past the end.

    `known` has the last seqs of the rooms when the connection began, as far as its client has them.
    """

    def __init__(self, me: str, known: dict[str, int]) -> None:
        self._me = me
        self._known = known
        self._last: dict[str, int] = {}
        self._left: set[str] = set()

    def begins(self, room_id: str, last_seq: int) -> None:
        """The room was added. Its entries start at or before its end."""
        self._known[room_id] = last_seq
        self._last.pop(room_id, None)
        self._left.discard(room_id)

    def check_entry(self, event: str, payload: Json) -> str | None:
        """What is wrong with this entry, if anything."""
        room_id, seq = payload["room_id"], payload["seq"]
        own = payload.get("user", {}).get("id") == self._me
        begins = own and event == "member:joined"
        last, known = self._last.get(room_id), self._known.get(room_id)
        if last is None:
            fine = begins or (known is not None and seq <= known + 1)
        elif room_id in self._left:
            fine = begins and seq > last
        else:
            fine = seq == last + 1
        self._last[room_id] = seq
        if own:
            (self._left.add if event == "member:left" else self._left.discard)(room_id)
        return None if fine else f"{event} {seq} after {last}, known {known}, left {room_id in self._left}"


class Device:
    """A connected client and its model of the rooms. `violations` must stay empty."""

    def __init__(
        self, url: str, login: Json, notifier: ChangeNotifier, transports: tuple[str, ...] = ("websocket",)
    ) -> None:
        self._url = url
        self._token = login["access_token"]
        self._notifier = notifier
        self._transports = list(transports)
        self.name: str = login["user"]["username"]
        self.mirror = ClientModel(login["user"]["id"])
        self.up = asyncio.Event()
        self.ready_count = 0
        self.violations: list[str] = []
        self._asked: dict[str, int] = {}
        self._answers: set[asyncio.Future[Json]] = set()
        self._order = Order(self.mirror.user_id, {})
        self._wake = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        # The stock client leaves its own HTTP session open when it loses the server while it connects.
        self._http = aiohttp.ClientSession()
        self.sio = socketio.AsyncClient(
            reconnection_delay=0.05, reconnection_delay_max=0.3, http_session=self._http
        )
        self.sio.on("*", self._on_event, namespace=CHAT)
        self.sio.on("disconnect", self._on_disconnect, namespace=CHAT)

    @property
    def me(self) -> str:
        return self.mirror.user_id

    # Connecting and disconnecting.

    async def connect(self) -> Self:
        """Connect with the known cursors and wait for `ready`. From then on stay synchronized."""
        if self._following is None:
            self._following = asyncio.create_task(self._follow())
        await self.sio.connect(
            self._url, namespaces=[CHAT], auth=self._auth, transports=self._transports, wait_timeout=WAIT_S
        )
        await asyncio.wait_for(self.up.wait(), WAIT_S)
        return self

    def _auth(self) -> Json:
        self._asked = self.mirror.cursors()
        return {"token": self._token, "epoch": self.mirror.epoch, "cursors": self._asked}

    async def disconnect(self) -> None:
        """Disconnect. `connect` reconnects with the known state."""
        await self.sio.disconnect()
        self._on_disconnect()

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        await self.sio.disconnect()
        await self._http.close()

    def _on_disconnect(self, _reason: str = "") -> None:
        self.up.clear()
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(ConnectionLost())
        self._answers.clear()
        self._notifier.notify()

    # Receiving.

    def _on_event(self, event: str, payload: Json) -> None:
        try:
            self._take(event, payload)
        except (AssertionError, KeyError, ValueError) as error:
            self.violations.append(f"{event} {payload}: {error!r}")
        self._wake.set()
        self._notifier.notify()

    def _take(self, event: str, payload: Json) -> None:
        if event == "ready":
            known = {**self._asked, **{room["id"]: room["last_seq"] for room in payload["rooms"]}}
            self._order = Order(self.me, known)
            self.mirror.on_ready(payload, self._asked)
            self.ready_count += 1
            self.up.set()
        elif event == "room:added":
            self.mirror.add_or_refresh(payload["room"])
            self._order.begins(payload["room"]["id"], payload["room"]["last_seq"])
        elif event == "room:gone":
            self.mirror.remove_room(payload["room_id"])
        elif event == "read" and payload["user_id"] == self.me:
            self.mirror.on_read(payload["room_id"], payload["seq"])
        elif event == "room:muted":
            self.mirror.on_muted(payload["room_id"], payload["muted"])
        elif "seq" in payload and "at" in payload:
            if wrong := self._order.check_entry(event, payload):
                self.violations.append(wrong)
            self.mirror.on_entry(event, payload)

    async def _follow(self) -> None:
        """Sync when entries are missing, and request rooms whose counts are in doubt."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._count()
            while self.up.is_set() and (behind := self.mirror.rooms_behind()):
                rooms = {room_id: room.cursor for room_id, room in behind.items()}
                with suppress(ConnectionLost):
                    answer = await self.ask("sync", epoch=self.mirror.epoch, rooms=rooms)
                    self._caught(behind, answer["data"])

    async def _count(self) -> None:
        for room_id, doubts in self.mirror.rooms_in_doubt().items():
            with suppress(ConnectionLost):
                answer = await self.ask("room:join", room_id=room_id)
                if answer["ok"]:  # else the user has left it
                    self.mirror.on_room_response(answer["data"]["room"], doubts)
                    self._notifier.notify()

    def _caught(self, asked: dict[str, Room], answer: Json) -> None:
        try:
            self.mirror.on_synced(asked, answer)
        except (AssertionError, KeyError, ValueError) as error:
            self.violations.append(f"sync {answer}: {error!r}")
        self._notifier.notify()

    # Asking.

    async def ask(self, event: str, **payload: Any) -> Json:
        """The whole ack. Raises Lost when the connection ends before."""
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._answers.add(answer)

        def acked(given: Json) -> None:
            if not answer.done():
                answer.set_result(given)

        try:
            await self.sio.emit(event, payload, namespace=CHAT, callback=acked)
            return await asyncio.wait_for(answer, WAIT_S)
        except (SocketIOError, NotConnected):
            raise ConnectionLost from None
        finally:
            self._answers.discard(answer)
            if answer.done() and not answer.cancelled():
                answer.exception()  # seen

    async def call(self, event: str, **payload: Any) -> Json:
        """Return the data of an ack that must be successful."""
        answer = await self.ask(event, **payload)
        assert answer["ok"], (event, payload, answer)
        data: Json = answer["data"]
        return data

    async def create(self, **fields: Any) -> str:
        """Create a room. Returns its id."""
        room = (await self.call("room:create", **fields))["room"]
        self.added(room)
        return str(room["id"])

    def read(self, room_id: str, last_read_seq: int) -> None:
        """An ack showed a read mark."""
        self.mirror.on_read(room_id, last_read_seq)
        self._wake.set()

    def added(self, room: Json) -> None:
        """An ack showed a room."""
        self.mirror.add_or_refresh(room)
        self._wake.set()

    async def send(self, room_id: str, body: str, client_id: str | None = None) -> Json:
        """Send until it is acknowledged, through any number of connections; returns the message."""
        client_id = client_id or str(uuid4())
        while True:
            await asyncio.wait_for(self.up.wait(), WAIT_S)
            with suppress(ConnectionLost):
                sent = await self.call("message:send", room_id=room_id, client_id=client_id, body=body)
                message: Json = sent["message"]
                return message


async def register(url: str, name: str) -> Json:
    """Register a user. Returns tokens and user."""
    given = {
        "name": name.title(),
        "username": name,
        "email": f"{name}@example.com",
        "password": "correct horse battery",
    }
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/api/v1/auth/register", json=given) as answer,
    ):
        login = await answer.json()
        assert answer.status == 201, login
        data: Json = login["data"]
        return data
