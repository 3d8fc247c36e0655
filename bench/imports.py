"""Imports of portfolios: time, CPU time and peak memory of an instance, and how long other requests wait.

python -m bench.imports [--store sqlite|postgres]

4,500 items with a few lines of text each, and the largest document: 500 posts of 90,000 characters and 4,000
other items with their longest texts.
"""

import argparse
import asyncio
import io
import json
import random
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp

from bench.uploads import PeakMemory
from hubbub.schemas.portfolio.columns import Column
from hubbub.schemas.portfolio.resource import MAX_ITEMS
from hubbub.schemas.portfolio.resources import RESOURCES
from tests.support import servers
from tests.support.databases import Databases
from tests.support.portfolio_items import complete
from tests.support.server_process import ServerProcess

PROBE_S = 0.005  # between two other requests
WORDS = [f"word{number}" for number in range(3000)]


def text(rng: random.Random, chars: int) -> str:
    """Return text of many different words."""
    return " ".join(rng.choices(WORDS, k=chars // 8))[:chars]


def longest(column: Column) -> int:
    """Return the characters of a text in the largest document."""
    return min(column.max_chars or 90_000, 90_000)


def document(*, largest: bool) -> bytes:
    """Return a document with 500 items of each resource."""
    rng, found = random.Random(1), {}
    for resource in RESOURCES:
        items = [complete(resource, number % 20) for number in range(MAX_ITEMS)]
        for number, item in enumerate(items):
            item.pop("slug", None)
            item.pop("order", None)
            for column in resource.columns:
                if column.kind == "text" and not column.is_upload and column.name in item:
                    item[column.name] = text(rng, longest(column) if largest else 600)
            if "published" in item:
                item["published"] = number % 2 == 0
        found[resource.name] = items
    return json.dumps({"version": 1, **found}).encode()


async def probe(session: aiohttp.ClientSession, waits: list[float]) -> None:
    """Send other requests all the time, and note how long each takes."""
    while True:
        began = time.monotonic()
        async with session.get("/health/live") as response:
            await response.read()
        waits.append(time.monotonic() - began)
        await asyncio.sleep(PROBE_S)


async def import_once(session: aiohttp.ClientSession, pid: int, content: bytes, mode: str) -> dict[str, Any]:
    """Import a document; return the figures."""
    waits: list[float] = []
    probing = asyncio.create_task(probe(session, waits))
    headers = {"Content-Type": "application/json"}
    async with PeakMemory(pid) as memory:
        began = time.monotonic()
        path = f"/api/v1/portfolio/import?mode={mode}"
        async with session.post(path, data=io.BytesIO(content), headers=headers) as response:
            answer = await response.json()
        seconds = time.monotonic() - began
    probing.cancel()
    return {
        "status": response.status,
        **{name: value for name, value in answer["data"].items() if name != "errors"},
        "mib": round(len(content) / (1 << 20), 1),
        "s": round(seconds, 2),
        "cpu_s": memory.cpu_s,
        "memory_mib": [round(memory.before), round(memory.peak)],
        "others_p99_ms": round(statistics.quantiles(waits, n=100, method="inclusive")[98] * 1000, 1),
        "others_max_ms": round(max(waits) * 1000, 1),
    }


async def measure(folder: Path, database_url: str | None) -> dict[str, Any]:
    """Return the figures of a new instance."""
    variables = {"database_url": database_url, "inline_workers": "true"} if database_url else {}
    async with ServerProcess(folder, **variables) as server:
        async with aiohttp.ClientSession(server.url) as anonymous:
            account = {"name": "Ada", "email": "ada@example.com", "password": "correct horse battery"}
            async with anonymous.post("/api/v1/auth/register", json=account) as response:
                token = (await response.json())["data"]["access_token"]
        pid, found = server._process.pid, {}  # noqa: SLF001
        async with aiohttp.ClientSession(server.url, headers={"Authorization": f"Bearer {token}"}) as session:
            for name, largest in (("usual", False), ("largest", True)):
                content = await asyncio.to_thread(document, largest=largest)
                found[name] = await import_once(session, pid, content, "replace")
    return found


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hubbub-imports-")))
        url = None
        if arguments.store == "postgres":
            server_url = stack.enter_context(servers.postgres())
            url = Databases(folder / "databases", lambda: server_url).create_migrated("postgres", folder)
        print(json.dumps(asyncio.run(measure(folder, url)), indent=1))


if __name__ == "__main__":
    main()
