"""A running instance and its users, who use stock clients only."""

import asyncio
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
import socketio

from hubbub import models
from hubbub.app import App
from hubbub.cluster.bus import Bus
from hubbub.config import Settings
from hubbub.core import clock
from tests.support.api_contract import api_contract
from tests.support.event_contract import ack_fault, event_fault

WAIT_S = 10.0
PASSWORD = "correct horse battery"


class OperationRefused(Exception):
    """An operation was acknowledged with `ok: false`."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.error = error
        self.code = error["code"]


class Client:
    """One client of a user: a stock Socket.IO client that stores received events."""

    def __init__(
        self, url: str, auth: dict[str, Any], transports: list[str], namespace: str = "/chat"
    ) -> None:
        self._url = url
        self.namespace = namespace
        self._auth = auth
        self._transports = transports
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.connect_error: Any = None
        self.faults: list[str] = []  # of what was received: undeclared fields, missing fields
        self._event_received = asyncio.Condition()
        self._events_read = 0
        self.sio = socketio.AsyncClient(reconnection=False)
        self.sio.on("*", self._on_event, namespace=self.namespace)
        self.sio.on("connect_error", self._on_connect_error, namespace=self.namespace)
        self.sio.on("disconnect", self._on_disconnect, namespace=self.namespace)

    async def _on_event(self, event: str, *arguments: Any) -> None:
        payload = arguments[0] if arguments else {}
        if (fault := event_fault(event, payload, self.namespace)) is not None:
            self.faults.append(fault)
        async with self._event_received:
            self.events.append((event, payload))
            self._event_received.notify_all()

    async def _on_connect_error(self, data: Any) -> None:
        self.connect_error = data

    async def _on_disconnect(self, reason: Any = None) -> None:
        await self._on_event("disconnect", {"reason": reason})

    async def connect(self) -> Self:
        """Connect and wait for `ready`. Raises socketio's ConnectionError when refused (see `refusal`)."""
        await self.sio.connect(
            self._url,
            namespaces=[self.namespace],
            auth=self._auth,
            transports=self._transports,
            wait_timeout=WAIT_S,
        )
        self.ready = await self.next_event("ready")
        return self

    async def close(self) -> None:
        await self.sio.disconnect()

    async def call_for_ack(self, event: str, **payload: Any) -> dict[str, Any]:
        """The whole ack."""
        ack: dict[str, Any] = await self.sio.call(event, payload, namespace=self.namespace, timeout=WAIT_S)
        assert (fault := ack_fault(event, ack, self.namespace)) is None, fault
        return ack

    async def call(self, event: str, **payload: Any) -> dict[str, Any]:
        """The data of the ack; raises Refused."""
        ack = await self.call_for_ack(event, **payload)
        if not ack["ok"]:
            raise OperationRefused(ack["error"])
        data: dict[str, Any] = ack["data"]
        return data

    async def send(self, room_id: str, body: str, **extra_fields: Any) -> dict[str, Any]:
        """Send a message; returns it as acknowledged."""
        fields = {"client_id": str(uuid4()), **extra_fields}
        message: dict[str, Any] = (await self.call("message:send", room_id=room_id, body=body, **fields))[
            "message"
        ]
        return message

    async def next_event(
        self,
        event: str,
        where: Callable[[dict[str, Any]], bool] = lambda _: True,
        seconds: float = WAIT_S,
    ) -> dict[str, Any]:
        """The next such event that was not returned yet, waiting for it; others are passed over."""
        index = self._events_read

        def found() -> bool:
            nonlocal index
            while index < len(self.events):
                name, payload = self.events[index]
                if name == event and where(payload):
                    return True
                index += 1
            return False

        async with self._event_received:
            try:
                await asyncio.wait_for(self._event_received.wait_for(found), seconds)
            except TimeoutError:
                raise AssertionError(f"no {event!r}; heard {self.events[self._events_read :]}") from None
        self._events_read = index + 1
        return self.events[index][1]

    async def events_until(
        self, event: str, where: Callable[[dict[str, Any]], bool]
    ) -> list[tuple[str, dict[str, Any]]]:
        """Return the received events up to and including such an event."""
        await self.next_event(event, where)
        return self.events[: self._events_read]

    def count_events(self, event: str) -> int:
        """Count the received events of this name since the start."""
        return sum(name == event for name, _ in self.events)

    async def synchronize(self) -> None:
        """Wait until all earlier output of the server has been received: one call and its ack."""
        await self.call_for_ack("room:list" if self.namespace == "/chat" else "notification:list", limit=1)

    def entries(self, room_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the durable events of a room, as received."""
        return [
            (name, it)
            for name, it in self.events
            if "seq" in it and "at" in it and it.get("room_id") == room_id
        ]


class ApiUser:
    """A user with an account."""

    def __init__(self, instance: "LiveInstance", login: dict[str, Any]) -> None:
        self._instance = instance
        self.token: str = login["access_token"]
        self.refresh_token: str = login["refresh_token"]
        self.account: dict[str, Any] = login["user"]
        self.id: str = login["user"]["id"]
        self.username: str = login["user"]["username"]

    async def connect_client(
        self, *, transports: list[str] | None = None, url: str | None = None, **auth: Any
    ) -> Client:
        """Connect a client. `url` may be another instance than the one where the user registered."""
        client = Client(url or self._instance.url, {"token": self.token, **auth}, transports or ["websocket"])
        self._instance.clients.append(client)
        return await client.connect()

    async def connect_inbox(
        self, *, transports: list[str] | None = None, url: str | None = None, **auth: Any
    ) -> Client:
        """Connect a client to /notifications."""
        client = Client(
            url or self._instance.url,
            {"token": self.token, **auth},
            transports or ["websocket"],
            "/notifications",
        )
        self._instance.clients.append(client)
        return await client.connect()

    async def confirm_session(self, password: str = PASSWORD, **extra_fields: str) -> Self:
        """Confirm the session with the password, for operations that require it."""
        status, response = await self.rest(
            "POST", "/auth/confirm", json={"password": password, **extra_fields}
        )
        assert status == 204, response
        return self

    async def mark_sessions_confirmed(self) -> Self:
        """The same without saying it: the sessions that are there are confirmed, and nothing is recorded."""
        await models.Session.filter(user_id=self.id).update(confirmed_at=clock.now())
        return self

    async def rest(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Send a request of this user. Returns status and JSON."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self._instance.rest(method, path, headers=headers, **options)


class LiveInstance:
    """An instance, its users and their clients."""

    def __init__(self, settings: Settings, bus: Bus | None = None) -> None:
        self.settings = settings
        self._bus = bus
        self.app: App
        self.clients: list[Client] = []
        self.users: dict[str, ApiUser] = {}

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
        assert [fault for client in self.clients for fault in client.faults] == []

    async def rest(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """A request to `/api/v1` + path: status and JSON or None, held to the API document."""
        async with self.http.request(method, f"{self.url}/api/v1{path}", **options) as response:
            text = await response.text()
            is_page = response.content_type == "text/html"
            body = text if is_page else await response.json(content_type=None) if text else None
        api_contract().check(
            method,
            f"/api/v1{path}?{urlencode(options.get('params') or {})}",
            response.status,
            response.content_type,
            body,
            options.get("json"),
        )
        return response.status, body

    async def register(self, name: str = "") -> ApiUser:
        """Register a user."""
        username = name or f"person{len(self.users)}"
        body = {
            "name": username.title(),
            "email": f"{username}@example.com",
            "password": PASSWORD,
            "username": username,
        }
        status, response = await self.rest("POST", "/auth/register", json=body)
        assert status == 201, response
        self.users[username] = ApiUser(self, response["data"])
        return self.users[username]

    async def another_client(self, username: str) -> Client:
        """Connect one more client of a registered user."""
        return await self.users[username].connect_client()

    async def room_with_clients(self, *names: str, kind: str = "private") -> tuple[str, list[Client]]:
        """Register users with a client each, in a new room of the first one."""
        users = [await self.register(name) for name in names]
        clients = [await user.connect_client() for user in users]
        created = await clients[0].call(
            "room:create", kind=kind, name=f"room of {names[0]}", member_ids=[each.id for each in users[1:]]
        )
        room_id: str = created["room"]["id"]
        for client in clients[1:]:
            await client.next_event("room:added", lambda added: added["room"]["id"] == room_id)
        return room_id, clients


class RemoteInstances(LiveInstance):
    """The users of instances that run as processes. They register at the first of `urls`."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls
        self.clients = []
        self.users = {}

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
        assert [fault for client in self.clients for fault in client.faults] == []
