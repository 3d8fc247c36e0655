"""Measures how long thousands of clients need to reconnect to another instance when theirs dies.

python -m bench.mass_reconnect [--clients 5000] [--stayers 100] [--bench FOLDER]

Two instances over Redis on one core, load generator and PostgreSQL on another, with the default limit of
handshakes (500 per second). The clients wait as stock ones do: 0.5 to 1.5 s at first, up to 5 s, or as long
as the server demands. Clients that stay connected to the other instance chat, in a separate process, and
measure the latency.
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

from bench import loads
from bench.environment import BenchEnvironment, RunningServers
from hubbub.prove.journal import Json
from hubbub.prove.socketio_client import ConnectionLost, ConnectRefused, Socket

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

BASELINE_S = 10.0  # of chat before
AFTERWARDS_S = 5.0
MAX_CONCURRENT_HANDSHAKES = 64  # handshakes during the first connects
INITIAL_BACKOFF_S, MAX_BACKOFF_S = 1.0, 5.0
RECONNECT_TIMEOUT_S = 180.0


@dataclass(slots=True)
class Client:
    """One socket that reconnects."""

    http: aiohttp.ClientSession
    token: str
    socket: Socket | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    # Time of receipt and latency of each message.
    messages: list[tuple[float, float]] = field(default_factory=list)

    def _on_event(self, event: str, payload: Json) -> None:
        if event == "ready":
            self.ready.set()
        elif event == "message:new":
            now = time.monotonic()
            self.messages.append((now, now - float(payload["message"]["body"])))

    async def connect(self, url: str) -> None:
        """Connect once. Raises ConnectionLost, ConnectRefused."""
        self.ready.clear()
        self.socket = await Socket.connect(self.http, url, {"token": self.token}, self._on_event)
        async with asyncio.timeout(30):
            await self.ready.wait()

    async def reconnect(self, url: str, refusals: Counter[str], wait: float = INITIAL_BACKOFF_S) -> float:
        """Try until the connection is accepted. Returns the time of the acceptance."""
        while True:
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))
            try:
                await self.connect(url)
            except ConnectRefused as no:
                refusals[no.code] += 1
                wait = no.retry_s or wait
            except (ConnectionLost, TimeoutError):
                refusals["connection"] += 1
                wait = min(MAX_BACKOFF_S, wait * 2)
            else:
                return time.monotonic()

    async def chat(self, room_id: str) -> None:
        """Send a message every second."""
        await asyncio.sleep(random.random())
        while True:
            message = {"room_id": room_id, "client_id": str(uuid4()), "body": str(time.monotonic())}
            assert self.socket is not None
            await self.socket.call("message:send", message, 30)
            await asyncio.sleep(1)


async def _chat_until_stopped(url: str, connections: list[tuple[str, str]], pipe: "Connection") -> None:
    """Chat until the pipe has a message, then send the received messages with their latencies."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        clients = [Client(http, token) for token, _ in connections]
        for each in clients:
            await each.connect(url)
        pipe.send(None)
        chat_tasks = [
            asyncio.create_task(each.chat(room)) for each, (_, room) in zip(clients, connections, strict=True)
        ]
        await asyncio.to_thread(pipe.recv)
        for task in chat_tasks:
            task.cancel()
        pipe.send(sorted(message for each in clients for message in each.messages))


def _run_chat_process(url: str, connections: list[tuple[str, str]], pipe: "Connection") -> None:
    asyncio.run(_chat_until_stopped(url, connections, pipe))


def _print_row(label: str, messages: list[tuple[float, float]], since: float, until: float) -> None:
    latencies = sorted(latency for received_at, latency in messages if since <= received_at < until)
    p99 = latencies[int(len(latencies) * 0.99)]
    median, slowest = statistics.median(latencies), latencies[-1]
    print(
        f"| {label} | {len(latencies)} | {median * 1e3:.1f} ms | {p99 * 1e3:.1f} ms "
        f"| {slowest * 1e3:.0f} ms |"
    )


async def run(servers: RunningServers, clients: int) -> None:
    """Connect all clients, kill their instance, and reconnect them to the other one."""
    assert servers.connections_path is not None
    connections = [
        (token, room)
        for token, room, *_ in (
            line.split("\t") for line in servers.connections_path.read_text().splitlines()
        )
    ]
    killed_url, other_url = (f"http://127.0.0.1:{port}" for port in servers.ports)
    pipe, chat_pipe = Pipe()
    chat = Process(target=_run_chat_process, args=(other_url, connections[clients:], chat_pipe), daemon=True)
    chat.start()
    await asyncio.to_thread(pipe.recv)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        all_clients = [Client(http, token) for token, _ in connections[:clients]]
        semaphore = asyncio.Semaphore(MAX_CONCURRENT_HANDSHAKES)

        async def connect_first(client: Client) -> None:
            async with semaphore:
                await client.reconnect(killed_url, Counter(), wait=0)

        await asyncio.gather(*(connect_first(each) for each in all_clients))
        await asyncio.sleep(2)
        baseline_start = time.monotonic()
        await asyncio.sleep(BASELINE_S)

        refusals: Counter[str] = Counter()
        os.kill(servers.pids[0], signal.SIGKILL)
        killed_at = time.monotonic()
        async with asyncio.timeout(RECONNECT_TIMEOUT_S):
            reconnect_times = sorted(
                await asyncio.gather(*(each.reconnect(other_url, refusals) for each in all_clients))
            )
        await asyncio.sleep(AFTERWARDS_S)
        end = time.monotonic()
        pipe.send(None)
        messages = await asyncio.to_thread(pipe.recv)
        print(
            f"{clients} clients: half reconnected after {reconnect_times[clients // 2] - killed_at:.1f} s, ",
            end="",
        )
        print(
            f"99 % after {reconnect_times[int(clients * 0.99)] - killed_at:.1f} s, "
            f"all after {reconnect_times[-1] - killed_at:.1f} s; ",
            end="",
        )
        print(f"refused: {dict(refusals)}\n\n| delivery | messages | p50 | p99 | slowest |")
        print("| --- | ---: | ---: | ---: | ---: |")
        _print_row("before", messages, baseline_start, killed_at)
        _print_row("during the reconnects", messages, killed_at, reconnect_times[-1])
        _print_row("after", messages, reconnect_times[-1], end)
        chat.join(10)
        await asyncio.gather(*(each.socket.close() for each in all_clients if each.socket))


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--stayers", type=int, default=100)
    parser.add_argument("--bench", type=Path, default=loads.BENCH_FOLDER)
    options = parser.parse_args()
    users = options.clients + options.stayers
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name:
        env = BenchEnvironment(options.bench / "peers", Path(name), 0, 1)
        with (
            env,
            env.run_hubbub(users, users // 5, 2, {"HUBBUB_HANDSHAKES_PER_S": "500"}) as servers,
        ):
            os.sched_setaffinity(0, {env.load_core})
            asyncio.run(run(servers, options.clients))


if __name__ == "__main__":
    main()
