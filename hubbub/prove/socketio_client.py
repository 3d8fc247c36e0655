"""A Socket.IO client in a page: WebSocket only, one namespace, acks; it retries nothing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import msgspec

from hubbub.core import tasks
from hubbub.prove.journal import Json

NAMESPACE = "/chat"
OPEN_S = 6.0  # until `ready`; then it is tried elsewhere
LARGEST = 4 * 1024 * 1024


class Lost(Exception):
    """The connection ended, or the answer did not come in time."""


class NotLetIn(Exception):
    """`connect_error`: its code, and after how many seconds to come again."""

    def __init__(self, data: Json) -> None:
        self.code = str(data.get("code", "unknown"))
        self.retry_s = float(data.get("retry_after_ms") or 0) / 1000
        super().__init__(self.code)


class Socket:
    """One connection. `hear(event, payload)` is called for each event, in their order, while it lives."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, hear: Callable[[str, Json], None]) -> None:
        self._socket = socket
        self._hear = hear
        self._asked = 0
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._reading: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()
        self.why = "lost"

    @classmethod
    async def connect(
        cls, http: aiohttp.ClientSession, url: str, auth: Json, hear: Callable[[str, Json], None]
    ) -> "Socket":
        """Connect to an instance. Raises NotLetIn, Lost."""
        try:
            async with asyncio.timeout(OPEN_S):
                socket = await http.ws_connect(
                    f"{url}/socket.io/?EIO=4&transport=websocket", max_msg_size=LARGEST, timeout=_CLOSING
                )
                made = cls(socket, hear)
                await made.open(auth)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Lost(str(error) or "timeout") from None
        return made

    async def open(self, auth: Json) -> None:
        """Enter the namespace. Raises NotLetIn, Lost."""
        try:
            await self._socket.receive_str()
            await self._socket.send_str(f"40{NAMESPACE},{msgspec.json.encode(auth).decode()}")
            while not (packet := await self._socket.receive_str()).startswith(f"40{NAMESPACE}"):
                if packet.startswith(f"44{NAMESPACE},"):
                    raise _no(packet)  # noqa: TRY301 - the connection is cut on any way out
                await self._answer_ping(packet)
        except BaseException as error:
            self._abort()
            if isinstance(error, TypeError):  # it was closed, and no text
                raise Lost("closed while it opened") from None
            raise
        self._reading = tasks.spawn(self._read(), name="the reader of a client")

    async def _answer_ping(self, packet: str) -> None:
        if packet == "2":
            await self._socket.send_str("3")

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._take(message.data)
        except (OSError, aiohttp.ClientError):
            pass
        finally:
            self._end()

    async def _take(self, packet: str) -> None:
        kind = packet[:2]
        if kind == "42":
            event, *rest = msgspec.json.decode(packet.partition(",")[2])
            if event == "closing":
                self.why = "closing"
            self._hear(event, rest[0] if rest else {})
        elif kind == "43":
            number, _, body = packet.partition(",")[2].partition("[")
            answer = self._answers.pop(int(number), None)
            if answer is not None and not answer.done():
                answer.set_result(msgspec.json.decode(f"[{body}")[0])
        elif kind == "41":
            await self._socket.close()
        else:
            await self._answer_ping(packet)

    async def ask(self, event: str, payload: Json, seconds: float) -> Json:
        """The whole ack. Raises Lost."""
        if self.ended.is_set():
            raise Lost(self.why)
        self._asked += 1
        number = self._asked
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        packet = msgspec.json.encode([event, payload]).decode()
        try:
            async with asyncio.timeout(seconds):
                await self._socket.send_str(f"42{NAMESPACE},{number}{packet}")
                said: Json = await answer
                return said
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            raise Lost(str(error) or "no answer") from None
        finally:
            self._answers.pop(number, None)

    def drop(self, why: str) -> None:
        """Cut the connection, as a network does; the server learns of it as it can."""
        self.why = why
        self._abort()

    def _abort(self) -> None:
        connection = self._socket._response.connection  # noqa: SLF001 - there is no other way to it
        if connection is not None and connection.transport is not None:
            connection.transport.abort()

    def stop_reading(self) -> None:
        """Take nothing more from the network; what the server sends piles up on its side."""
        connection = self._socket._response.connection  # noqa: SLF001 - likewise
        if connection is not None and connection.transport is not None:
            connection.transport.pause_reading()

    def read_again(self) -> None:
        """Go on reading: what is left to hear, and then the end, if there was one."""
        connection = self._socket._response.connection  # noqa: SLF001 - likewise
        if connection is not None and connection.transport is not None:
            with suppress(RuntimeError):
                connection.transport.resume_reading()

    async def close(self) -> None:
        """Go away, politely, unless nobody listens."""
        if not self.ended.is_set():
            self.why = "ours"
            with suppress(Exception):
                async with asyncio.timeout(1):
                    await self._socket.close()
        self._abort()
        await tasks.stop(self._reading)
        self._end()

    def _end(self) -> None:
        self.ended.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Lost(self.why))
                answer.exception()  # seen, also when nobody waits any more
        self._answers.clear()


def _no(packet: str) -> NotLetIn:
    return NotLetIn(msgspec.json.decode(packet.partition(",")[2]).get("data") or {})


_CLOSING: Any = aiohttp.ClientWSTimeout(ws_close=1.0)
