"""Node's stock socket.io-client, driven from a test."""

import asyncio
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from tests.support.client_model import Entry, Json

SCRIPT = Path(__file__).parents[1] / "node" / "converse.mjs"
WAIT_S = 30.0


class Node:
    """A Node process with one client; what it prints is kept in `lines`."""

    def __init__(self) -> None:
        self.lines: list[Json] = []
        self._read = 0
        self._notifier = asyncio.Condition()
        self._asked = 0
        self._process: asyncio.subprocess.Process
        self._reading: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        node = shutil.which("node")
        assert node, "The tests need Node.js 20 or newer."
        self._process = await asyncio.create_subprocess_exec(
            *(node, SCRIPT), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24
        )
        self._reading = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), WAIT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _follow(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._notifier:
                self.lines.append(json.loads(line))
                self._notifier.notify_all()

    async def _order(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        with suppress(ConnectionError):
            await self._process.stdin.drain()

    async def next(self, **wanted: Any) -> Json:
        """The next line, not returned yet, with these members; others are passed over."""

        def found() -> bool:
            while self._read < len(self.lines):
                line = self.lines[self._read]
                if all(line.get(name) == value for name, value in wanted.items()):
                    return True
                self._read += 1
            return False

        try:
            async with self._notifier:
                await asyncio.wait_for(self._notifier.wait_for(found), WAIT_S)
        except TimeoutError:
            raise AssertionError(f"no {wanted}; {self.lines}") from None
        self._read += 1
        return self.lines[self._read - 1]

    async def seen(self, **wanted: Any) -> Json:
        """Return a line with these members, already received or not. Other lines stay unread."""

        def found() -> list[Json]:
            return [line for line in self.lines if all(line.get(name) == it for name, it in wanted.items())]

        async with self._notifier:
            await asyncio.wait_for(self._notifier.wait_for(found), WAIT_S)
        return found()[0]

    async def connect(self, url: str, client: str = "socket.io-client", **options: Any) -> None:
        """`io(url, options)` of a package. `next(is="connect")` and the like return the outcome."""
        await self._order(do="connect", url=url, client=client, options=options)

    async def leave(self) -> None:
        """Close the client; `back` opens it again, with what it keeps."""
        await self._order(do="leave")

    async def back(self) -> None:
        await self._order(do="back")

    async def _answer(self, **order: Any) -> Any:
        self._asked += 1
        number = self._asked
        await self._order(id=number, **order)

        def answered() -> bool:
            return any(line.get("id") == number for line in self.lines)

        async with self._notifier:
            await asyncio.wait_for(self._notifier.wait_for(answered), WAIT_S)
        return next(line["answer"] for line in self.lines if line.get("id") == number)

    async def ask(self, event: str, **payload: Any) -> Json:
        """The whole ack."""
        answer: Json = await self._answer(do="ask", event=event, payload=payload)
        return answer

    async def send(self, room_id: str, body: str) -> Json:
        """A message as it was acknowledged."""
        answer = await self.ask("message:send", room_id=room_id, client_id=str(uuid4()), body=body)
        assert answer["ok"], answer
        message: Json = answer["data"]["message"]
        return message

    async def log(self, room_id: str) -> list[Entry]:
        """What it has of a room."""
        logs = await self._answer(do="log")
        return [(event, payload) for event, payload in logs.get(room_id, [])]

    async def next_event(self, event: str) -> Json:
        """The payload of the next such event."""
        payload: Json = (await self.next(**{"is": "event", "event": event}))["payload"]
        return payload
