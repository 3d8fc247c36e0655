"""A crowd of devices, as light as devices can be: packets by hand on WebSockets."""

import asyncio
import json
from typing import Any

import aiohttp

WAIT_S = 20.0


class Refusal(Exception):
    """A `connect_error`."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.error = error


class Fan:
    """One device: connects, keeps what it hears, comes back with its cursors."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self._http = http
        self.url = url
        self._token = token
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[dict[str, Any]]
        self.cursors: dict[str, int] = {}
        self.ready: dict[str, Any] = {}
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.gone = asyncio.Event()
        self._news = asyncio.Event()
        self._acks: list[asyncio.Future[dict[str, Any]]] = []

    async def connect(self) -> dict[str, Any]:
        """Connect and wait for `ready`. Raises Refusal; ConnectionError when it is closed instead."""
        auth: dict[str, Any] = {"token": self._token}
        if self.ready:
            auth |= {"epoch": self.ready["epoch"], "cursors": self.cursors}
        self.gone.clear()
        self._ready = asyncio.get_running_loop().create_future()
        self._socket = await self._http.ws_connect(f"{self.url}/socket.io/?EIO=4&transport=websocket")
        await self._socket.send_str(f"40/chat,{json.dumps(auth)}")
        self._reading = asyncio.create_task(self._read(self._socket))
        self.ready = await asyncio.wait_for(self._ready, WAIT_S)
        self.cursors |= {room["id"]: room["last_seq"] for room in self.ready["rooms"]}
        return self.ready

    async def insist(self) -> int:
        """Connect, again when that fails for a while. Returns how often that was. Raises Refusal."""
        closed = 0
        while True:
            try:
                await self.connect()
            except (ConnectionError, aiohttp.WSServerHandshakeError):
                closed += 1
                await self.drop()
            else:
                return closed

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            text = message.data
            if text == "2":
                await socket.send_str("3")
            elif text.startswith("42/chat,"):
                name, payload = json.loads(text[8:])
                self._hear(name, payload)
            elif text.startswith("43/chat,"):
                number, _, answer = text[8:].partition("[")
                self._acks[int(number)].set_result(json.loads(f"[{answer}")[0])
            elif text.startswith("44/chat,") and not self._ready.done():
                self._ready.set_exception(Refusal(json.loads(text[8:])["data"]))
        self.gone.set()
        if not self._ready.done():
            self._ready.set_exception(ConnectionError("closed"))

    def _hear(self, name: str, payload: dict[str, Any]) -> None:
        self.heard.append((name, payload))
        self._news.set()
        if "seq" in payload and "at" in payload:
            self.cursors[payload["room_id"]] = payload["seq"]
        if name == "ready":
            self._ready.set_result(payload)

    async def call(self, event: str, **payload: Any) -> dict[str, Any]:
        """The data of an ack that must be good."""
        self._acks.append(asyncio.get_running_loop().create_future())
        assert self._socket is not None
        await self._socket.send_str(f"42/chat,{len(self._acks) - 1}{json.dumps([event, payload])}")
        answer = await asyncio.wait_for(self._acks[-1], WAIT_S)
        assert answer["ok"], (event, payload, answer)
        data: dict[str, Any] = answer["data"]
        return data

    async def until(self, event: str, count: int) -> None:
        """Wait until that many such events were heard."""
        async with asyncio.timeout(WAIT_S):
            while sum(name == event for name, _ in self.heard) < count:
                self._news.clear()
                await self._news.wait()

    async def until_seq(self, room_id: str, seq: int) -> None:
        """Wait until everything of a room up to there was heard, or told of by `ready`."""
        async with asyncio.timeout(WAIT_S):
            while self.cursors.get(room_id, 0) < seq:
                self._news.clear()
                await self._news.wait()

    async def drop(self) -> None:
        """Be gone, without a word to the server."""
        if self._socket is not None and self._reading is not None:
            await self._socket.close()
            await asyncio.wait([self._reading])
