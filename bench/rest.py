"""P9: the mix of REST requests of one instance at saturation: requests/s, latency and CPU time per request.

python -m bench.rest [--runs 3] [--secs 5] [--connections 64] [--users 1000] [--rooms 200]

Of 20 requests 8 list the caller's rooms, 6 read 50 messages of a room, 2 read the caller's account, 2 send a
message, 1 reads the members of a room, 1 searches messages. Users are chosen at random. Each room has 50
messages before, and PostgreSQL has analyzed them, as it does within a minute. A bare handler of aiohttp shows
what HTTP alone costs. Exit code 1: p95 is over its maximum.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.cpu import tree_cpu_s
from bench.datasets import execute
from bench.environment import BenchEnvironment, RunningServers
from bench.http_load import get_request, run_load
from bench.portfolios import BASELINE_SERVER, WORDS
from bench.processes import free_port

MAX_P95_MS = 50.0
MESSAGES_PER_ROOM = 50
FILL_S = 300.0  # at most
MESSAGE_WORDS = 8
BARE_BODY_BYTES = 1400
API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Caller:
    """A user of the mix."""

    headers: str  # with the access token
    room_id: str


def callers_of(servers: RunningServers) -> list[Caller]:
    """Return the users of the servers, each with a room."""
    assert servers.connections_path is not None
    lines = (line.split("\t") for line in servers.connections_path.read_text().splitlines())
    return [Caller(f"Authorization: Bearer {token}\r\n", room_id) for token, room_id, *_ in lines]


def message_request(caller: Caller, chooser: random.Random) -> bytes:
    """Return the bytes of a POST of a new message."""
    text = " ".join(chooser.choices(WORDS, k=MESSAGE_WORDS))
    body = json.dumps({"client_id": str(uuid4()), "body": text}).encode()
    return (
        f"POST {API}/rooms/{caller.room_id}/messages HTTP/1.1\r\nHost: bench\r\n{caller.headers}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def requests_of_the_mix(callers: list[Caller]) -> Iterator[bytes]:
    """Yield requests without end, each kind with its share."""
    chooser = random.Random(1)
    while True:
        kind, caller = chooser.randrange(20), chooser.choice(callers)
        room = f"{API}/rooms/{caller.room_id}"
        if kind < 8:
            yield get_request(f"{API}/rooms?limit=20", caller.headers)
        elif kind < 14:
            yield get_request(f"{room}/messages?limit=50", caller.headers)
        elif kind < 16:
            yield get_request(f"{API}/auth/me", caller.headers)
        elif kind < 18:
            yield message_request(caller, chooser)
        elif kind < 19:
            yield get_request(f"{room}/members", caller.headers)
        else:
            yield get_request(f"{API}/messages/search?q={chooser.choice(WORDS)}", caller.headers)


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one run."""

    per_s: float
    p50_ms: float
    p95_ms: float
    cpu_us: float  # of the server, per request
    database_us: float  # of PostgreSQL, per request
    errors: float


def run(
    port: int, pids: tuple[int, list[int]], requests: Iterator[bytes], options: argparse.Namespace
) -> Row:
    """Load a server once; `pids` are those of the server and of its database."""
    server, database = pids
    before_s = tree_cpu_s(server), sum(map(tree_cpu_s, database))
    load = run_load(port, lambda: next(requests), options.connections, options.secs)
    total = load.statuses.total()
    return Row(
        load.per_s,
        load.latency_ms(0.5),
        load.latency_ms(0.95),
        (tree_cpu_s(server) - before_s[0]) / total * 1e6,
        (sum(map(tree_cpu_s, database)) - before_s[1]) / total * 1e6,
        total - load.statuses[200] - load.statuses[201],
    )


def _repeat(request: bytes) -> Iterator[bytes]:
    while True:
        yield request


def measure(env: BenchEnvironment, options: argparse.Namespace) -> dict[str, list[Row]]:
    """Run both servers in turn."""
    rows: dict[str, list[Row]] = {"hubbub": [], "bare aiohttp": []}
    server_file, body_file, bare_port = env.folder / "baseline.py", env.folder / "body", free_port()
    server_file.write_text(BASELINE_SERVER)
    body_file.write_bytes(b"[" + b"0," * (BARE_BODY_BYTES // 2) + b"0]")
    command = [sys.executable, str(server_file), str(bare_port), str(body_file), "application/json"]
    with (
        env.run_hubbub(options.users, options.rooms, 1, {}) as servers,
        env.run_process(command, bare_port) as bare_pid,
    ):
        callers, chooser = callers_of(servers), random.Random(2)
        rooms = {caller.room_id: caller for caller in callers}
        first = iter(
            [message_request(it, chooser) for it in rooms.values() for _ in range(MESSAGES_PER_ROOM)]
        )
        run_load(servers.ports[0], lambda: next(first, None), options.connections, FILL_S)
        asyncio.run(execute(servers.database_url, "VACUUM ANALYZE"))
        mix, bare = requests_of_the_mix(callers), _repeat(get_request("/"))
        for _ in range(options.runs):
            pids = servers.pids[0], servers.other_pids["postgres"]
            rows["hubbub"].append(run(servers.ports[0], pids, mix, options))
            rows["bare aiohttp"].append(run(bare_port, (bare_pid, []), bare, options))
    return rows


def main() -> None:
    """Measure, print a table, and exit with 1 if p95 is over its maximum, or a request failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--secs", type=float, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--rooms", type=int, default=200)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.load_core})
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name:
        folder = Path(name)
        with BenchEnvironment(folder, folder, options.server_core, options.load_core) as env:
            rows = measure(env, options)
    print("| | requests/s | p50 | p95 | CPU per request | of PostgreSQL | errors |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for server, runs in rows.items():
        per_s, p50, p95, cpu, database, errors = (
            statistics.median(getattr(row, field) for row in runs) for field in Row.__slots__
        )
        print(
            f"| {server} | {per_s:.0f} | {p50:.1f} ms | {p95:.1f} ms | {cpu:.0f} µs "
            f"| {database:.0f} µs | {errors:.0f} |"
        )
    p95 = statistics.median(row.p95_ms for row in rows["hubbub"])
    print(f"\np95 of the mix: {p95:.1f} ms (required: < {MAX_P95_MS:.0f} ms)")
    sys.exit(0 if p95 < MAX_P95_MS and not any(row.errors for row in rows["hubbub"]) else 1)


if __name__ == "__main__":
    main()
