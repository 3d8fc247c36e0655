"""A minimal Socket.IO client: WebSocket only, one namespace, acks, no retries."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import msgspec

from hubbub.core import tasks
from hubbub.prove.journal import Json

NAMESPACE = "/chat"
CONNECT_TIMEOUT_S = 6.0  # for the handshake, after which the client tries another instance
MAX_MESSAGE_BYTES = 4 * 1024 * 1024


class ConnectionLost(Exception):
    """The connection ended, or an ack did not arrive in time."""


class ConnectRefused(Exception):
    """`connect_error`: its code, and after how many seconds to try again."""

    def __init__(self, data: Json) -> None:
        self.code = str(data.get("code", "unknown"))
        self.retry_s = float(data.get("retry_after_ms") or 0) / 1000
        super().__init__(self.code)


class Socket:
    """One connection. `on_event(event, payload)` is called for each event, in order."""

    def __init__(
        self, websocket: aiohttp.ClientWebSocketResponse, on_event: Callable[[str, Json], None]
    ) -> None:
        self._websocket = websocket
        self._on_event = on_event  # called with name and payload
        self._last_ack_id = 0  # of the last call
        self._pending_acks: dict[int, asyncio.Future[Json]] = {}  # by ack id
        self._read_task: asyncio.Task[None] | None = None
        self.closed = asyncio.Event()  # set at the end of the connection
        self.close_reason = "lost"  # `closing` after a closing event, or the client's own reason

    @classmethod
    async def connect(
        cls, http: aiohttp.ClientSession, url: str, auth: Json, on_event: Callable[[str, Json], None]
    ) -> "Socket":
        """Connect to an instance. Raises ConnectRefused, ConnectionLost."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                websocket = await http.ws_connect(
                    f"{url}/socket.io/?EIO=4&transport=websocket",
                    max_msg_size=MAX_MESSAGE_BYTES,
                    timeout=_WEBSOCKET_TIMEOUT,
                )
                connected = cls(websocket, on_event)
                await connected.connect_namespace(auth)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConnectionLost(str(error) or "timeout") from None
        return connected

    async def connect_namespace(self, auth: Json) -> None:
        """Connect to the namespace. Raises ConnectRefused, ConnectionLost."""
        try:
            await self._websocket.receive_str()
            await self._websocket.send_str(f"40{NAMESPACE},{msgspec.json.encode(auth).decode()}")
            while not (packet := await self._websocket.receive_str()).startswith(f"40{NAMESPACE}"):
                if packet.startswith(f"44{NAMESPACE},"):
                    raise _to_refusal(packet)  # noqa: TRY301 - the handler below closes the connection for every error
                await self._send_pong(packet)
        except BaseException as error:
            self._abort()
            if isinstance(error, TypeError):  # a close frame instead of text
                raise ConnectionLost("closed during the handshake") from None
            raise
        self._read_task = tasks.spawn(self._read(), name="client reader")

    async def _send_pong(self, packet: str) -> None:
        if packet == "2":
            await self._websocket.send_str("3")

    async def _read(self) -> None:
        try:
            async for message in self._websocket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._on_packet(message.data)
        except (OSError, aiohttp.ClientError):
            pass
        finally:
            self._mark_closed()

    async def _on_packet(self, packet: str) -> None:
        kind = packet[:2]
        if kind == "42":
            event, *rest = msgspec.json.decode(packet.partition(",")[2])
            if event == "closing":
                self.close_reason = "closing"
            self._on_event(event, rest[0] if rest else {})
        elif kind == "43":
            ack_id, _, body = packet.partition(",")[2].partition("[")
            future = self._pending_acks.pop(int(ack_id), None)
            if future is not None and not future.done():
                future.set_result(msgspec.json.decode(f"[{body}")[0])
        elif kind == "41":
            await self._websocket.close()
        else:
            await self._send_pong(packet)

    async def call(self, event: str, payload: Json, timeout_s: float) -> Json:
        """Return the whole ack. Raises ConnectionLost."""
        if self.closed.is_set():
            raise ConnectionLost(self.close_reason)
        self._last_ack_id += 1
        ack_id = self._last_ack_id
        future = self._pending_acks[ack_id] = asyncio.get_running_loop().create_future()
        packet = msgspec.json.encode([event, payload]).decode()
        try:
            async with asyncio.timeout(timeout_s):
                await self._websocket.send_str(f"42{NAMESPACE},{ack_id}{packet}")
                ack: Json = await future
                return ack
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            raise ConnectionLost(str(error) or "no ack") from None
        finally:
            self._pending_acks.pop(ack_id, None)

    def drop(self, reason: str) -> None:
        """Abort the connection without a close frame, as a network failure does."""
        self.close_reason = reason
        self._abort()

    @property
    def _transport(self) -> asyncio.Transport | None:
        """The TCP connection; None after its end."""
        connection = self._websocket._response.connection  # noqa: SLF001 - not accessible otherwise
        return connection.transport if connection is not None else None

    def _abort(self) -> None:
        if (transport := self._transport) is not None:
            transport.abort()

    def pause_reading(self) -> None:
        """Stop reading from the network, so that the server's output accumulates on its side."""
        if (transport := self._transport) is not None:
            transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again: the remaining events, then the end of the connection, if it was closed."""
        if (transport := self._transport) is not None:
            with suppress(RuntimeError):
                transport.resume_reading()

    async def close(self) -> None:
        """Close the connection with a close frame, for at most a second."""
        if not self.closed.is_set():
            self.close_reason = "ours"
            with suppress(Exception):
                async with asyncio.timeout(1):
                    await self._websocket.close()
        self._abort()
        await tasks.stop(self._read_task)
        self._mark_closed()

    def _mark_closed(self) -> None:
        self.closed.set()
        for future in self._pending_acks.values():
            if not future.done():
                future.set_exception(ConnectionLost(self.close_reason))
                future.exception()  # retrieved, even if nothing waits for it any more
        self._pending_acks.clear()


def _to_refusal(packet: str) -> ConnectRefused:
    return ConnectRefused(msgspec.json.decode(packet.partition(",")[2]).get("data") or {})


_WEBSOCKET_TIMEOUT: Any = aiohttp.ClientWSTimeout(ws_close=1.0)
