"""Thousands of clients connect at once to an instance on which others chat (P13)."""

import asyncio
import json
import multiprocessing
import os
import re
import statistics
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import loads
from bench.attacks.clients import HOST, ChatClient, Samples, run_on_schedule
from bench.cpu import CpuMeter
from bench.environment import RunningServers
from bench.loads import Generator, Row
from bench.scenarios import Scenario

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

CHAT_ROOMS, MEMBERS = 100, 5
MESSAGES_PER_S = 200.0
QUIET_S = 4.0  # of chat before the crowd
DELIVERIES_TIMEOUT_S = 30.0
RESULT_TIMEOUT_S = 120.0
_SEQ_PATTERN = re.compile(rb'"seq":(\d+)')
Delivery = tuple[float, float]  # scheduled time and latency of a message, in seconds


@dataclass(slots=True)
class OrderCheck:
    """Checks that one client receives each entry of its room once, in order."""

    last_seq: int | None = None
    missing: int = 0
    duplicated: int = 0
    reordered: int = 0

    def add(self, seq: int) -> None:
        """Count a received entry."""
        if self.last_seq is None or seq == self.last_seq + 1:
            self.last_seq = seq
        elif seq > self.last_seq:
            self.missing += seq - self.last_seq - 1
            self.last_seq = seq
        elif seq == self.last_seq:
            self.duplicated += 1
        else:
            self.reordered += 1


class OrderedClient(ChatClient):
    """A chat client that checks the order of the messages."""

    def __init__(self, token: str, samples: Samples) -> None:
        super().__init__(token, samples)
        self.order = OrderCheck()
        self.room_size = MEMBERS

    def on_message_new(self, data: bytes) -> None:
        """Count the latency and check the order of a message."""
        super().on_message_new(data)
        if match := _SEQ_PATTERN.search(data):
            self.order.add(int(match[1]))


def run_crowd(generator: Generator, scenario: Scenario, servers: RunningServers, folder: Path) -> Row:
    """Connect the crowd once. Returns the times and latencies of the chat, and the generator's figures."""
    lines = _lines(servers)
    chatting, crowd_path = _split(lines, folder)
    context = multiprocessing.get_context("spawn")
    pipe, chat_pipe = context.Pipe()
    arguments = (servers.ports[0], chatting, chat_pipe, generator.core)
    process = context.Process(target=_run_chat, args=arguments, daemon=True)
    process.start()
    chat_pipe.close()
    try:
        _receive(pipe)  # all are connected
        quiet_start = time.monotonic()
        time.sleep(QUIET_S)
        servers.connections_path = crowd_path
        row, crowd_start = _connect(generator, scenario, servers)
        pipe.send(None)
        chat = _receive(pipe)
    finally:
        process.terminate()
        process.join()
    crowd_end = crowd_start + row["connect_s"]
    return {**row, **chat_figures(chat, quiet_start, crowd_start, crowd_end)}


def _lines(servers: RunningServers) -> list[str]:
    assert servers.connections_path is not None
    return servers.connections_path.read_text().splitlines()


def _split(lines: list[str], folder: Path) -> tuple[list[tuple[str, str]], Path]:
    """Take the members of some rooms for the chat, and write a file with all others."""
    pairs = [(token, room) for token, room, *_ in (line.split("\t") for line in lines)]
    rooms = {room for _, room in pairs[-CHAT_ROOMS:]}
    path = folder / "crowd.tsv"
    path.write_text("".join(f"{token}\t{room}\n" for token, room in pairs if room not in rooms))
    return [pair for pair in pairs if pair[1] in rooms], path


def _connect(generator: Generator, scenario: Scenario, servers: RunningServers) -> tuple[Row, float]:
    arguments = ["--pid", ",".join(map(str, servers.pids)), *scenario.load, *loads.hubbub_arguments(servers)]
    with CpuMeter(servers.groups) as meter:
        start = time.monotonic()
        row = loads.run_generator(generator.command(servers.ports, *arguments))
    loads.add_cpu(row, scenario, meter, start, 0.0)
    return row, start


def chat_figures(chat: dict[str, Any], quiet_start: float, start: float, end: float) -> Row:
    """Return the latencies before and during the connects, and what was lost. Units: ms."""
    during = _latencies_ms(chat["deliveries"], start, end)
    before = _latencies_ms(chat["deliveries"], quiet_start, start)
    return {
        "p50_ms": statistics.median(during),
        "p99_ms": _p99(during),
        "quiet_p99_ms": _p99(before),
        "deliveries_during": len(during),
        **chat["counts"],
    }


def _latencies_ms(deliveries: list[Delivery], start: float, end: float) -> list[float]:
    return sorted(latency * 1e3 for scheduled_at, latency in deliveries if start <= scheduled_at < end)


def _p99(latencies: list[float]) -> float:
    return latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))]


# --- the process of the chat ---


def _receive(pipe: "Connection") -> Any:
    if not pipe.poll(RESULT_TIMEOUT_S):
        raise TimeoutError("the chat does not respond")
    return json.loads(pipe.recv_bytes())


def _run_chat(port: int, connections: list[tuple[str, str]], pipe: "Connection", core: int) -> None:
    os.sched_setaffinity(0, {core})
    asyncio.run(_chat_until_stopped(port, connections, pipe))


async def _chat_until_stopped(port: int, connections: list[tuple[str, str]], pipe: "Connection") -> None:
    """Send messages at a constant rate until the pipe has a message, then send the result."""
    samples = Samples()
    clients = [await _connect_client(port, token, samples) for token, _ in connections]
    pipe.send_bytes(b"null")
    begin, period = time.monotonic() + 0.1, CHAT_ROOMS / MESSAGES_PER_S
    tasks = []
    for number in range(CHAT_ROOMS):  # the first connections are in one room each
        send = partial(clients[number].send, connections[number][1])
        schedule = run_on_schedule(begin + number / MESSAGES_PER_S, float("inf"), period, send)
        tasks.append(asyncio.ensure_future(schedule))
    await asyncio.to_thread(pipe.recv)
    for task in tasks:
        task.cancel()
    await _wait_for_deliveries(clients, samples)
    pipe.send_bytes(json.dumps(_result(clients, samples)).encode())


async def _connect_client(port: int, token: str, samples: Samples) -> OrderedClient:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: OrderedClient(token, samples), HOST, port)
    async with asyncio.timeout(DELIVERIES_TIMEOUT_S):
        await client.ready
    return client


async def _wait_for_deliveries(clients: list[OrderedClient], samples: Samples) -> None:
    deadline = time.monotonic() + DELIVERIES_TIMEOUT_S
    while time.monotonic() < deadline:
        arrived = len(samples.by_kind["delivery"]) >= samples.expected_deliveries
        if arrived and not any(client.pending for client in clients):
            return
        await asyncio.sleep(0.05)


def _result(clients: list[OrderedClient], samples: Samples) -> dict[str, Any]:
    names = ("missing", "duplicated", "reordered")
    counts = {name: sum(getattr(client.order, name) for client in clients) for name in names}
    undelivered = samples.expected_deliveries - len(samples.by_kind["delivery"])
    counts["missing"] += max(0, undelivered)
    counts["unacknowledged"] = sum(len(client.pending) for client in clients)
    counts["chat_failures"] = samples.failures.total()
    return {"deliveries": samples.by_kind["delivery"], "counts": counts}
