"""Latency of chat without and with a login storm (P10), in alternating runs, on one core.

python -m bench.storm [--runs 3] [--secs 10] [--per-s 20] [--bench FOLDER]
"""

import argparse
import asyncio
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg
import bcrypt

from bench import loads, measuring
from bench.datasets import PASSWORD
from bench.environment import RunningServers
from bench.measuring import Bench
from bench.scenarios import SCENARIOS
from hubbub.core import passwords

BCRYPT_COST = 12  # the default
CHAT = SCENARIOS["P6"]
MAX_P99_RATIO = 2.0


@dataclass(slots=True)
class LoginStorm:
    """Logins of existing users, each once, at a constant rate, regardless of their results."""

    url: str
    user_numbers: Iterator[int]
    per_s: float
    results: list[tuple[int, float]] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self, core: int) -> Iterator[None]:
        """Run the storm in this context, from a thread on a core."""
        thread = threading.Thread(target=lambda: asyncio.run(self._run(core)))
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    async def _run(self, core: int) -> None:
        os.sched_setaffinity(0, {core})
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            while not self._stopped.is_set():
                group.create_task(self._log_in(session, next(self.user_numbers)))
                await asyncio.sleep(1 / self.per_s)

    async def _log_in(self, session: aiohttp.ClientSession, number: int) -> None:
        started_at = time.monotonic()
        body = {"email": f"bench{number:05}@example.com", "password": PASSWORD}
        async with session.post(f"{self.url}/api/v1/auth/login", json=body) as response:
            await response.read()
            self.results.append((response.status, time.monotonic() - started_at))


async def _set_password_digests(database: str) -> None:
    """Set digests of the default cost: users are created with a low one, in seconds instead of minutes."""
    digest = await passwords.digest(PASSWORD, BCRYPT_COST)
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("UPDATE users SET password_digest = $1", digest)
    finally:
        await connection.close()


def _measure(options: argparse.Namespace, bench: Bench, servers: RunningServers) -> None:
    user_numbers = iter(range(CHAT.users))
    rows: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    results: list[tuple[int, float]] = []
    for _ in range(options.runs):
        rows[False].append(loads.run_load(bench.generator, CHAT, "chat alone", servers))
        storm = LoginStorm(f"http://127.0.0.1:{servers.ports[0]}", user_numbers, options.per_s)
        with storm.running(options.load_core):
            rows[True].append(loads.run_load(bench.generator, CHAT, "in a storm", servers))
        results += storm.results
    for storming, storm_rows in rows.items():
        p50, p99 = (
            statistics.median(row["latency_ms"][name] for row in storm_rows) for name in ("p50", "p99")
        )
        all_p99 = ", ".join(f"{row['latency_ms']['p99']:.1f}" for row in storm_rows)
        print(f"{'in a storm' if storming else 'chat alone'}: p50 {p50:.2f} ms, p99 {p99:.2f} ms ({all_p99})")
    alone, storming = (
        statistics.median(row["latency_ms"]["p99"] for row in rows[which]) for which in (False, True)
    )
    verdict = "reached" if storming <= MAX_P99_RATIO * alone else "short"
    print(f"p99 in a storm / alone: {storming / alone:.2f} (required: at most {MAX_P99_RATIO:g}): {verdict}")
    durations = sorted(duration for status, duration in results if status == 200)
    seconds = options.runs * (options.secs + 1)
    print(
        f"logins sent {len(results)}, completed {len(durations)} ({len(durations) / seconds:.1f}/s), "
        f"the rest refused"
    )
    if durations:
        print(f"a completed login took {statistics.median(durations):.1f} s, at most {durations[-1]:.1f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--per-s", type=float, default=20, help="logins per second")
    measuring.add_options(parser)
    parser.set_defaults(secs=10)
    options = parser.parse_args()
    if options.runs * (options.secs + 5) * options.per_s > CHAT.users:
        sys.exit(f"There are {CHAT.users} users, and each logs in once: use fewer runs, seconds or logins.")
    with measuring.open_bench(options) as bench, bench.start_hubbub(CHAT) as servers:
        asyncio.run(_set_password_digests(servers.database_url))
        print(f"bcrypt {bcrypt.__version__}, cost {BCRYPT_COST}, {options.per_s:g} logins/s", flush=True)
        _measure(options, bench, servers)


if __name__ == "__main__":
    main()
