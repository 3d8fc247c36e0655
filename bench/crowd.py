"""An instance dies under thousands of clients, who all go to the other one: how long that takes.

python -m bench.crowd [--clients 5000] [--stayers 100] [--bench FOLDER]

Two instances over Redis on one core, generator and PostgreSQL on another; the limit of handshakes as it ships
(500 a second). The clients wait as stock ones do: 0.5 to 1.5 s at first, up to 5 s, or as long as they are
told. Who was on the other instance all the time chats, from a process of its own, and measures what it hears.
"""

import argparse
import asyncio
import os
import random
import signal
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing import Pipe, Process
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import aiohttp

from bench import compare
from bench.stage import Running, Stage
from hubbub.prove.journal import Json
from hubbub.prove.socketio_client import Lost, NotLetIn, Socket

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

CALM_S = 10.0  # of chat before
AFTER_S = 5.0
AT_ONCE = 64  # handshakes while everybody comes for the first time
FIRST_S, LONGEST_S = 1.0, 5.0
GIVE_UP_S = 180.0


@dataclass(slots=True)
class Client:
    """One socket that comes back."""

    http: aiohttp.ClientSession
    token: str
    socket: Socket | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[tuple[float, float]] = field(
        default_factory=list
    )  # messages: when, how long after its sending

    def _hear(self, event: str, payload: Json) -> None:
        if event == "ready":
            self.ready.set()
        elif event == "message:new":
            now = time.monotonic()
            self.heard.append((now, now - float(payload["message"]["body"])))

    async def come(self, url: str) -> None:
        """Once. Raises Lost, NotLetIn."""
        self.ready.clear()
        self.socket = await Socket.connect(self.http, url, {"token": self.token}, self._hear)
        async with asyncio.timeout(30):
            await self.ready.wait()

    async def come_back(self, url: str, refused: Counter[str], wait: float = FIRST_S) -> float:
        """Until it is in; returns the time of that."""
        while True:
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))
            try:
                await self.come(url)
            except NotLetIn as no:
                refused[no.code] += 1
                wait = no.retry_s or wait
            except (Lost, TimeoutError):
                refused["connection"] += 1
                wait = min(LONGEST_S, wait * 2)
            else:
                return time.monotonic()

    async def chat(self, room_id: str) -> None:
        """A message a second."""
        await asyncio.sleep(random.random())
        while True:
            said = {"room_id": room_id, "client_id": str(uuid4()), "body": str(time.monotonic())}
            assert self.socket is not None
            await self.socket.ask("message:send", said, 30)
            await asyncio.sleep(1)


async def _stay(url: str, people: list[tuple[str, str]], pipe: "Connection") -> None:
    """Chat until there is a word from the other side, then say what was heard and when."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        stayers = [Client(http, token) for token, _ in people]
        for each in stayers:
            await each.come(url)
        pipe.send(None)
        talk = [asyncio.create_task(each.chat(room)) for each, (_, room) in zip(stayers, people, strict=True)]
        await asyncio.to_thread(pipe.recv)
        for task in talk:
            task.cancel()
        pipe.send(sorted(one for each in stayers for one in each.heard))


def _stayers(url: str, people: list[tuple[str, str]], pipe: "Connection") -> None:
    asyncio.run(_stay(url, people, pipe))


def _show(when: str, heard: list[tuple[float, float]], since: float, until: float) -> None:
    waits = sorted(wait for at, wait in heard if since <= at < until)
    p99 = waits[int(len(waits) * 0.99)]
    median, most = statistics.median(waits), waits[-1]
    print(f"| {when} | {len(waits)} | {median * 1e3:.1f} ms | {p99 * 1e3:.1f} ms | {most * 1e3:.0f} ms |")


async def run(on: Running, clients: int) -> None:
    """Everybody comes, one instance dies, everybody comes to the other."""
    assert on.lines is not None
    lines = [
        (token, room) for token, room in (line.split("\t") for line in on.lines.read_text().splitlines())
    ]
    dying, staying = (f"http://127.0.0.1:{port}" for port in on.ports)
    ours, theirs = Pipe()
    chat = Process(target=_stayers, args=(staying, lines[clients:], theirs), daemon=True)
    chat.start()
    await asyncio.to_thread(ours.recv)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        crowd = [Client(http, token) for token, _ in lines[:clients]]
        gate = asyncio.Semaphore(AT_ONCE)

        async def first(client: Client) -> None:
            async with gate:
                await client.come_back(dying, Counter(), wait=0)

        await asyncio.gather(*(first(each) for each in crowd))
        await asyncio.sleep(2)
        calm = time.monotonic()
        await asyncio.sleep(CALM_S)

        refused: Counter[str] = Counter()
        os.kill(on.pids[0], signal.SIGKILL)
        died = time.monotonic()
        async with asyncio.timeout(GIVE_UP_S):
            back = sorted(await asyncio.gather(*(each.come_back(staying, refused) for each in crowd)))
        await asyncio.sleep(AFTER_S)
        end = time.monotonic()
        ours.send(None)
        heard = await asyncio.to_thread(ours.recv)
        print(f"{clients} clients: half were back after {back[clients // 2] - died:.1f} s, ", end="")
        print(
            f"99 % after {back[int(clients * 0.99)] - died:.1f} s, all after {back[-1] - died:.1f} s; ",
            end="",
        )
        print(f"told to wait: {dict(refused)}\n\n| who stayed heard | messages | p50 | p99 | slowest |")
        print("| --- | ---: | ---: | ---: | ---: |")
        _show("before", heard, calm, died)
        _show("while they came", heard, died, back[-1])
        _show("after", heard, back[-1], end)
        chat.join(10)
        await asyncio.gather(*(each.socket.close() for each in crowd if each.socket))


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--stayers", type=int, default=100)
    parser.add_argument("--bench", type=Path, default=compare.FOLDER)
    options = parser.parse_args()
    people = options.clients + options.stayers
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name:
        stage = Stage(options.bench / "peers", Path(name), 0, 1)
        with stage, stage.hubbub(people, people // 5, 2, {"HUBBUB_HANDSHAKES_PER_S": "500"}) as on:
            os.sched_setaffinity(0, {stage.load_core})
            asyncio.run(run(on, options.clients))


if __name__ == "__main__":
    main()
