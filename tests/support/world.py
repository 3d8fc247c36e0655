"""A running instance and the people who use it, through stock clients only."""

import asyncio
from collections.abc import Callable
from typing import Any, Self
from uuid import uuid4

import aiohttp
import socketio

from hubbub import models
from hubbub.app import App
from hubbub.cluster.bus import Bus
from hubbub.config import Settings
from hubbub.core import clock
from tests.support.documented import documented

WAIT_S = 10.0
PASSWORD = "correct horse battery"


class Refused(Exception):
    """An operation was answered `ok: false`."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.error = error
        self.code = error["code"]


class Client:
    """One device of a person: a stock Socket.IO client that keeps what it hears."""

    def __init__(self, url: str, auth: dict[str, Any], transports: list[str]) -> None:
        self._url = url
        self._auth = auth
        self._transports = transports
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.refusal: Any = None
        self._news = asyncio.Condition()
        self._read = 0
        self.sio = socketio.AsyncClient(reconnection=False)
        self.sio.on("*", self._hear, namespace="/chat")
        self.sio.on("connect_error", self._refused, namespace="/chat")
        self.sio.on("disconnect", self._gone, namespace="/chat")

    async def _hear(self, event: str, *arguments: Any) -> None:
        async with self._news:
            self.heard.append((event, arguments[0] if arguments else {}))
            self._news.notify_all()

    async def _refused(self, data: Any) -> None:
        self.refusal = data

    async def _gone(self, reason: Any = None) -> None:
        await self._hear("disconnect", {"reason": reason})

    async def connect(self) -> Self:
        """Connect and wait for `ready`. Raises socketio's ConnectionError when refused (see `refusal`)."""
        await self.sio.connect(
            self._url, namespaces=["/chat"], auth=self._auth, transports=self._transports, wait_timeout=WAIT_S
        )
        self.ready = await self.next("ready")
        return self

    async def close(self) -> None:
        await self.sio.disconnect()

    async def ask(self, event: str, **payload: Any) -> dict[str, Any]:
        """The whole ack."""
        answer: dict[str, Any] = await self.sio.call(event, payload, namespace="/chat", timeout=WAIT_S)
        return answer

    async def call(self, event: str, **payload: Any) -> dict[str, Any]:
        """The data of the ack; raises Refused."""
        answer = await self.ask(event, **payload)
        if not answer["ok"]:
            raise Refused(answer["error"])
        data: dict[str, Any] = answer["data"]
        return data

    async def send(self, room_id: str, body: str, **more: Any) -> dict[str, Any]:
        """Send a message; returns it as acknowledged."""
        fields = {"client_id": str(uuid4()), **more}
        message: dict[str, Any] = (await self.call("message:send", room_id=room_id, body=body, **fields))[
            "message"
        ]
        return message

    async def next(
        self,
        event: str,
        where: Callable[[dict[str, Any]], bool] = lambda _: True,
        seconds: float = WAIT_S,
    ) -> dict[str, Any]:
        """The next such event that was not returned yet, waiting for it; others are passed over."""
        place = self._read

        def found() -> bool:
            nonlocal place
            while place < len(self.heard):
                name, payload = self.heard[place]
                if name == event and where(payload):
                    return True
                place += 1
            return False

        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(found), seconds)
            except TimeoutError:
                raise AssertionError(f"no {event!r}; heard {self.heard[self._read :]}") from None
        self._read = place + 1
        return self.heard[place][1]

    async def until(
        self, event: str, where: Callable[[dict[str, Any]], bool]
    ) -> list[tuple[str, dict[str, Any]]]:
        """All that was heard up to and with such an event."""
        await self.next(event, where)
        return self.heard[: self._read]

    def count(self, event: str) -> int:
        """How many such events were heard since the start."""
        return sum(name == event for name, _ in self.heard)

    async def settled(self) -> None:
        """Everything the server sent before now was heard: a question and its answer are in between."""
        await self.ask("room:list", limit=1)

    def entries(self, room_id: str) -> list[tuple[str, dict[str, Any]]]:
        """The durable events of a room, as heard."""
        return [
            (name, it)
            for name, it in self.heard
            if "seq" in it and "at" in it and it.get("room_id") == room_id
        ]


class Person:
    """Somebody with an account."""

    def __init__(self, world: "World", signed: dict[str, Any]) -> None:
        self._world = world
        self.token: str = signed["access_token"]
        self.refresh_token: str = signed["refresh_token"]
        self.user: dict[str, Any] = signed["user"]
        self.id: str = signed["user"]["id"]
        self.username: str = signed["user"]["username"]

    async def client(
        self, *, transports: list[str] | None = None, url: str | None = None, **auth: Any
    ) -> Client:
        """A connected device; `url` is another instance than the one where the person signed up."""
        made = Client(url or self._world.url, {"token": self.token, **auth}, transports or ["websocket"])
        self._world.clients.append(made)
        return await made.connect()

    async def confirm(self, password: str = PASSWORD, **more: str) -> Self:
        """Say the password again, for what needs it."""
        status, answer = await self.rest("POST", "/auth/confirm", json={"password": password, **more})
        assert status == 204, answer
        return self

    async def confirmed(self) -> Self:
        """The same without saying it: the sessions that are there are confirmed, and nothing is recorded."""
        await models.Session.filter(user_id=self.id).update(confirmed_at=clock.now())
        return self

    async def rest(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """A request of this person: status and JSON."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self._world.rest(method, path, headers=headers, **options)


class World:
    """An instance, its people and their devices."""

    def __init__(self, settings: Settings, bus: Bus | None = None) -> None:
        self.settings = settings
        self._bus = bus
        self.app: App
        self.clients: list[Client] = []
        self.people: dict[str, Person] = {}

    @property
    def url(self) -> str:
        return self.app.url

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession()
        self.app = await App(self.settings, self._bus).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients:
            await client.close()
        await self.http.close()
        await self.app.stop()

    async def rest(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """A request to `/api/v1` + path: status and JSON or None, held to the API document."""
        async with self.http.request(method, f"{self.url}/api/v1{path}", **options) as answer:
            text = await answer.text()
            body = await answer.json(content_type=None) if text else None
        documented().check(method, f"/api/v1{path}", answer.status, answer.content_type, body)
        return answer.status, body

    async def person(self, name: str = "") -> Person:
        """Register somebody."""
        username = name or f"person{len(self.people)}"
        body = {
            "name": username.title(),
            "email": f"{username}@example.com",
            "password": PASSWORD,
            "username": username,
        }
        status, answer = await self.rest("POST", "/auth/register", json=body)
        assert status == 201, answer
        self.people[username] = Person(self, answer["data"])
        return self.people[username]

    async def device_of(self, username: str) -> Client:
        """One more device of somebody who is here."""
        return await self.people[username].client()

    async def talk(self, *names: str, kind: str = "private") -> tuple[str, list[Client]]:
        """People with a device each, together in a new room of the first one's."""
        people = [await self.person(name) for name in names]
        clients = [await person.client() for person in people]
        made = await clients[0].call(
            "room:create", kind=kind, name=f"room of {names[0]}", member_ids=[each.id for each in people[1:]]
        )
        room_id: str = made["room"]["id"]
        for client in clients[1:]:
            await client.next("room:added", lambda added: added["room"]["id"] == room_id)
        return room_id, clients


class Abroad(World):
    """The people of instances that run as processes; the first of `urls` is where they sign up."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls
        self.clients = []
        self.people = {}

    @property
    def url(self) -> str:
        return self.urls[0]

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients:
            await client.close()
        await self.http.close()
