"""Lightweight clients for large numbers: handwritten packets on WebSockets."""

import asyncio
import json
from typing import Any

import aiohttp

WAIT_S = 20.0


class ConnectRefused(Exception):
    """A `connect_error`."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.error = error


class RawClient:
    """One client: connects, stores received events, reconnects with its cursors."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self._http = http
        self.url = url
        self._token = token
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready_future: asyncio.Future[dict[str, Any]]
        self.cursors: dict[str, int] = {}
        self.ready: dict[str, Any] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.closed = asyncio.Event()
        self._event_received = asyncio.Event()
        self._acks: list[asyncio.Future[dict[str, Any]]] = []

    async def connect(self) -> dict[str, Any]:
        """Connect and wait for `ready`. Raises Refusal; ConnectionError when it is closed instead."""
        auth: dict[str, Any] = {"token": self._token}
        if self.ready:
            auth |= {"epoch": self.ready["epoch"], "cursors": self.cursors}
        self.closed.clear()
        self._ready_future = asyncio.get_running_loop().create_future()
        self._socket = await self._http.ws_connect(f"{self.url}/socket.io/?EIO=4&transport=websocket")
        await self._socket.send_str(f"40/chat,{json.dumps(auth)}")
        self._reader = asyncio.create_task(self._read(self._socket))
        self.ready = await asyncio.wait_for(self._ready_future, WAIT_S)
        self.cursors |= {room["id"]: room["last_seq"] for room in self.ready["rooms"]}
        return self.ready

    async def connect_with_retries(self) -> int:
        """Connect, again when that fails for a while. Returns how often that was. Raises Refusal."""
        failures = 0
        while True:
            try:
                await self.connect()
            except (ConnectionError, aiohttp.WSServerHandshakeError):
                failures += 1
                await self.close()
            else:
                return failures

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            text = message.data
            if text == "2":
                await socket.send_str("3")
            elif text.startswith("42/chat,"):
                name, payload = json.loads(text[8:])
                self._on_event(name, payload)
            elif text.startswith("43/chat,"):
                number, _, data = text[8:].partition("[")
                self._acks[int(number)].set_result(json.loads(f"[{data}")[0])
            elif text.startswith("44/chat,") and not self._ready_future.done():
                self._ready_future.set_exception(ConnectRefused(json.loads(text[8:])["data"]))
        self.closed.set()
        if not self._ready_future.done():
            self._ready_future.set_exception(ConnectionError("closed"))

    def _on_event(self, name: str, payload: dict[str, Any]) -> None:
        self.events.append((name, payload))
        self._event_received.set()
        if "seq" in payload and "at" in payload:
            self.cursors[payload["room_id"]] = payload["seq"]
        if name == "ready":
            self._ready_future.set_result(payload)

    async def call(self, event: str, **payload: Any) -> dict[str, Any]:
        """Return the data of an ack that must be successful."""
        self._acks.append(asyncio.get_running_loop().create_future())
        assert self._socket is not None
        await self._socket.send_str(f"42/chat,{len(self._acks) - 1}{json.dumps([event, payload])}")
        ack = await asyncio.wait_for(self._acks[-1], WAIT_S)
        assert ack["ok"], (event, payload, ack)
        data: dict[str, Any] = ack["data"]
        return data

    async def wait_for_count(self, event: str, count: int) -> None:
        """Wait until this many such events were received."""
        async with asyncio.timeout(WAIT_S):
            while sum(name == event for name, _ in self.events) < count:
                self._event_received.clear()
                await self._event_received.wait()

    async def wait_for_seq(self, room_id: str, seq: int) -> None:
        """Wait until all entries of a room up to `seq` were received or reported by `ready`."""
        async with asyncio.timeout(WAIT_S):
            while self.cursors.get(room_id, 0) < seq:
                self._event_received.clear()
                await self._event_received.wait()

    async def close(self) -> None:
        """Disconnect without a close packet."""
        if self._socket is not None and self._reader is not None:
            await self._socket.close()
            await asyncio.wait([self._reader])
