"""P9: public portfolios from the cache, compared with a bare aiohttp handler; and the hit rate of the cache.

python -m bench.portfolios [--runs 3] [--secs 5] [--connections 32] [--portfolios 2000] [--only reads|hits]

reads: one portfolio, as JSON and as a page, read by all connections; the bare handler returns the same bytes.
hits: portfolios read by a Zipf distribution (s = 1.0), with a write after every 50 reads, after each was read
once. A read that waits for the computation of another one is no hit.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import aiohttp

from bench.cpu import tree_cpu_s
from bench.environment import BenchEnvironment, RunningServers
from bench.http_load import get_request, run_load
from bench.processes import free_port

MIN_RATIO = 0.8
MIN_HIT_RATE = 0.8
READS_PER_WRITE = 50
WARMUP_S = 300.0  # at most
PATH = "/api/v1/public/portfolio/"
IMPORT_PATH = "/api/v1/portfolio/import?mode=replace"
BASELINE_SERVER = """
import sys
from pathlib import Path
import uvloop
from aiohttp import web

body = Path(sys.argv[2]).read_bytes()

async def respond(_request):
    return web.Response(body=body, headers={"Content-Type": sys.argv[3]})

app = web.Application()
app.router.add_get("/{tail:.*}", respond)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None,
            loop=uvloop.new_event_loop())
"""
MAX_CONCURRENT_WRITES = 8
WORDS = [
    "async",
    "python",
    "design",
    "storage",
    "queue",
    "river",
    "garden",
    "archive",
    "signal",
    "atlas",
    "harbour",
    "lantern",
]


def document(number: int) -> dict[str, Any]:
    """Return a portfolio of usual size, as `POST /portfolio/import` takes it."""
    chooser = random.Random(number)

    def text(words: int) -> str:
        return " ".join(chooser.choices(WORDS, k=words))

    return {
        "version": 1,
        "profile": {"bio": text(40), "location": "Lisbon", "is_public": True, "accent": "#1e90ff"},
        "projects": [
            {"title": text(4), "description": text(80), "tags": WORDS[:4], "technologies": WORDS[4:8]}
            for _ in range(12)
        ],
        "companies": [{"name": text(2), "description": text(30)} for _ in range(4)],
        "skills": [{"name": f"{text(1)} {n}", "category": "backend", "level": 4} for n in range(20)],
        "experiences": [
            {"title": text(3), "company": text(2), "start_date": "2019-03-01", "description": text(60)}
            for _ in range(6)
        ],
        "education": [{"institution": text(3), "degree": text(2), "start_date": "2010-10-01"}],
        "certifications": [
            {"name": text(3), "issuer": text(1), "issue_date": "2022-05-01"} for _ in range(4)
        ],
        "blog": [{"title": text(5), "content": text(300), "published": True} for _ in range(5)],
        "testimonials": [{"name": text(2), "content": text(40), "rating": 5} for _ in range(4)],
        "contacts": [{"platform": text(1), "url": "https://example.com/me"} for _ in range(4)],
    }


async def create_portfolios(port: int, tokens: list[str]) -> None:
    """Import a public portfolio for each user."""
    semaphore = asyncio.Semaphore(MAX_CONCURRENT_WRITES)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

        async def create(number: int, token: str) -> None:
            headers = {"Authorization": f"Bearer {token}"}
            async with (
                semaphore,
                session.post(IMPORT_PATH, json=document(number), headers=headers) as response,
            ):
                assert response.status == 200, await response.text()

        await asyncio.gather(*(create(number, token) for number, token in enumerate(tokens)))


def tokens_of(servers: RunningServers) -> list[str]:
    """Return the access tokens of the users, whose names are numbered from bench00000."""
    assert servers.connections_path is not None
    return [line.split("\t")[0] for line in servers.connections_path.read_text().splitlines()]


def measure_reads(env: BenchEnvironment, options: argparse.Namespace) -> bool:
    """Compare the reads of JSON and of the page. Return whether both ratios reach their minimum."""
    with env.run_hubbub(10, 1, 1, {}) as servers:
        asyncio.run(create_portfolios(servers.ports[0], tokens_of(servers)[:1]))
        paths = {"JSON": f"{PATH}bench00000", "page": "/@bench00000"}
        ratios = [_compare(env, options, servers, name, path) for name, path in paths.items()]
    return min(ratios) >= MIN_RATIO


def _compare(
    env: BenchEnvironment, options: argparse.Namespace, servers: RunningServers, name: str, path: str
) -> float:
    """Print the requests per second of both servers, and their CPU time. Return the ratio of the rates."""
    port, bare_port = servers.ports[0], free_port()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
        body, content_type = response.read(), response.headers["Content-Type"]
    server_file, body_file = env.folder / "baseline.py", env.folder / "body"
    server_file.write_text(BASELINE_SERVER)
    body_file.write_bytes(body)
    command = [sys.executable, str(server_file), str(bare_port), str(body_file), content_type]
    runs: dict[str, list[tuple[float, float, float]]] = {"hubbub": [], "bare aiohttp": []}
    with env.run_process(command, bare_port) as bare_pid:
        for _ in range(options.runs):
            for server, target, pid in (
                ("hubbub", port, servers.pids[0]),
                ("bare aiohttp", bare_port, bare_pid),
            ):
                runs[server].append(_run(target, pid, path, options))
    print(f"\nReads of one portfolio from memory: {name} of {len(body) / 1024:.1f} KiB\n")
    print("| | requests/s | p95 | CPU per request |\n| --- | ---: | ---: | ---: |")
    medians = {
        server: [statistics.median(column) for column in zip(*rows, strict=True)]
        for server, rows in runs.items()
    }
    for server, (per_s, p95_ms, cpu_us) in medians.items():
        print(f"| {server} | {per_s:.0f} | {p95_ms:.1f} ms | {cpu_us:.1f} µs |")
    hubbub, bare = medians.values()
    print(f"\nhubbub / bare aiohttp: {hubbub[0] / bare[0]:.2f} (required: {MIN_RATIO})", end="")
    print(f"; CPU bare aiohttp / hubbub: {bare[2] / hubbub[2]:.2f}")
    return hubbub[0] / bare[0]


def _run(port: int, pid: int, path: str, options: argparse.Namespace) -> tuple[float, float, float]:
    """Load a server once. Return requests per second, p95 in ms, and CPU microseconds per request."""
    request, before_s = get_request(path), tree_cpu_s(pid)
    load = run_load(port, lambda: request, options.connections, options.secs)
    assert set(load.statuses) == {200}, load.statuses
    cpu_us = (tree_cpu_s(pid) - before_s) / load.statuses.total() * 1e6
    return load.per_s, load.latency_ms(0.95), cpu_us


def requests_by_zipf(tokens: list[str]) -> Iterator[bytes]:
    """Yield reads whose portfolio n has the probability 1/n, and a write of one chosen likewise."""
    weights = list(accumulate(1 / (rank + 1) for rank in range(len(tokens))))
    chooser = random.Random(1)
    users = range(len(tokens))
    while True:
        for number in chooser.choices(users, cum_weights=weights, k=READS_PER_WRITE):
            yield get_request(f"{PATH}bench{number:05}")
        (number,) = chooser.choices(users, cum_weights=weights)
        body = json.dumps({"location": f"place {chooser.random()}"}).encode()
        yield (
            f"PATCH /api/v1/portfolio/profile HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {tokens[number]}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def metrics_of(port: int) -> dict[str, float]:
    """Return the metrics of the cache of an instance."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        lines = response.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("hubbub_cache_"))
    return {name.removeprefix("hubbub_cache_"): float(value) for name, value in pairs}


def measure_hits(env: BenchEnvironment, options: argparse.Namespace) -> bool:
    """Print the hit rate after each portfolio was read once. Return whether it reaches its minimum."""
    with env.run_hubbub(options.portfolios, options.portfolios // 50, 1, {}) as servers:
        port, tokens = servers.ports[0], tokens_of(servers)
        asyncio.run(create_portfolios(port, tokens))
        each_once = iter([get_request(f"{PATH}bench{number:05}") for number in range(len(tokens))])
        run_load(port, lambda: next(each_once, None), options.connections, WARMUP_S)
        before = metrics_of(port)
        requests = requests_by_zipf(tokens)
        load = run_load(port, lambda: next(requests), options.connections, options.secs * options.runs)
        after = metrics_of(port)
    reads = {
        result: after[f'reads_total{{result="{result}"}}'] - before[f'reads_total{{result="{result}"}}']
        for result in ("memory", "checked", "shared", "computed", "joined")
    }
    rate = sum(reads[result] for result in ("memory", "checked", "shared")) / sum(reads.values())
    print(f"\n{options.portfolios} portfolios, Zipf s = 1.0, one write to {READS_PER_WRITE} reads\n")
    print(f"statuses: {dict(load.statuses)}; {load.per_s:.0f} requests/s; p95 {load.latency_ms(0.95):.1f} ms")
    print("reads: " + ", ".join(f"{name} {number:.0f}" for name, number in reads.items()))
    print(
        f"memory: {after['bytes'] / (1 << 20):.1f} MiB in {after['entries']:.0f} entries, "
        f"{after['evictions_total']:.0f} evictions"
    )
    print(f"hit rate: {rate:.1%} (required: {MIN_HIT_RATE:.0%})")
    return rate > MIN_HIT_RATE and set(load.statuses) == {200}


def main() -> None:
    """Measure, print tables, and exit with 1 if a minimum is not reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--secs", type=float, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--portfolios", type=int, default=2000)
    parser.add_argument("--only", choices=("reads", "hits"))
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.load_core})
    reached = []
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name:
        folder = Path(name)
        with BenchEnvironment(folder, folder, options.server_core, options.load_core) as env:
            if options.only != "hits":
                reached.append(measure_reads(env, options))
            if options.only != "reads":
                reached.append(measure_hits(env, options))
    sys.exit(0 if all(reached) else 1)


if __name__ == "__main__":
    main()
