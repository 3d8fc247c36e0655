"""One instance under load: latency at 100 messages per second and at saturation, on both databases."""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
USERS, ROOMS = 1000, 200
MESSAGE = (
    '42/chat,{ack}["message:send",{"room_id":"{col:2}","client_id":"{uuid}","body":"{t}.{seq}.{i} {pad:40}"}]'
)
SERIES = {
    "100/s": ["--pubs", "200", "--rate", "100", "--until", "ack"],
    "saturation": ["--pubs", "200", "--window", "4", "--until", "ack"],
}


def unlimited_settings(database_url: str, folder: Path, port: int) -> dict[str, str]:
    """Return the default settings without limits."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")},
        "HUBBUB_ENV": "test",
        "HUBBUB_DATABASE_URL": database_url,
        "HUBBUB_DATA_DIR": str(folder),
        "HUBBUB_PORT": str(port),
        "HUBBUB_BCRYPT_ROUNDS": "4",
        "HUBBUB_LIMIT_MESSAGE_SEND": "off",
        "HUBBUB_LIMIT_EVENTS": "off",
        "HUBBUB_LIMIT_HTTP": "off",
        "HUBBUB_LIMIT_AUTH": "off",
        "HUBBUB_SOCKETS_PER_ADDRESS": "100000",
        "HUBBUB_LOG_LEVEL": "warning",
        "HUBBUB_SECRET_KEY": "a benchmark's secret is no secret at all",
    }


@contextmanager
def run_instance(environment: dict[str, str], core: int) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """Run a server pinned to a core. Yields its process and the seconds until it was ready."""
    hubbub = str(Path(sys.executable).with_name("hubbub"))
    started_at = time.monotonic()
    process = subprocess.Popen(["taskset", "-c", str(core), hubbub, "serve"], env=environment)
    try:
        asyncio.run(wait_until_ready(f"http://127.0.0.1:{environment['HUBBUB_PORT']}/health/ready"))
        yield process, time.monotonic() - started_at
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def wait_until_ready(url: str) -> None:
    """Wait until the instance responds."""
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)


async def create_users_and_rooms(port: int) -> list[str]:
    """Create users and rooms through the public API. Returns a line `token<TAB>room id` per connection."""
    url = f"http://127.0.0.1:{port}/api/v1"
    semaphore = asyncio.Semaphore(8)
    async with aiohttp.ClientSession() as session:

        async def post_json(path: str, body: dict[str, Any], token: str = "") -> Any:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with semaphore, session.post(url + path, json=body, headers=headers) as response:
                content = await response.json()
                assert response.status in (200, 201), content
                return content["data"]

        async def register(number: int) -> tuple[str, str]:
            name = f"bench{number:04}"
            body = {"name": name, "email": f"{name}@example.com", "password": "benchmark", "username": name}
            tokens = await post_json("/auth/register", body)
            return tokens["access_token"], tokens["user"]["id"]

        users = await asyncio.gather(*(register(number) for number in range(USERS)))

        async def create_room(number: int) -> str:
            members = users[number::ROOMS]
            body = {"kind": "private", "member_ids": [each[1] for each in members[1:]]}
            return str((await post_json("/rooms", body, members[0][0]))["id"])

        rooms = await asyncio.gather(*(create_room(number) for number in range(ROOMS)))
    return [f"{token}\t{rooms[number % ROOMS]}" for number, (token, _) in enumerate(users)]


def run_load(
    options: argparse.Namespace, pid: int, connections_path: Path, extra: list[str]
) -> dict[str, Any]:
    """Run the load generator once. Returns its figures."""
    command = [
        *("taskset", "-c", str(options.load_core), options.sioload, "--quiet"),
        *("--port", str(options.port), "--pid", str(pid)),
        *("-n", str(USERS), "--rooms", str(ROOMS), "--lines", str(connections_path), "--nsp", "/chat"),
        *("--auth", '{"token":"{col:1}"}', "--msg", MESSAGE, "--mark", '"body":"', "--settle", "3"),
        *("--warmup", "1", "--secs", str(options.secs), "--drain", "10", *extra),
    ]
    process = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=300)
    result: dict[str, Any] = json.loads(process.stdout)
    return result


def median(rows: list[dict[str, Any]], name: str) -> float:
    """Return the median of a figure, `a.b` for nested ones."""
    values = []
    for row in rows:
        value: Any = row
        for part in name.split("."):
            value = value.get(part, 0)
        values.append(float(value))
    return statistics.median(values)


def measure(options: argparse.Namespace, kind: str, database_url: str, folder: Path) -> None:
    """Measure all series on one database, and print."""
    environment = unlimited_settings(database_url, folder, options.port)
    if kind == "postgres":
        hubbub = str(Path(sys.executable).with_name("hubbub"))
        subprocess.run([hubbub, "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
    with run_instance(environment, options.server_core) as (process, started):
        print(f"{kind}: ready after {started:.2f} s", flush=True)
        connections_path = folder / f"{kind}.tsv"
        connections_path.write_text("\n".join(asyncio.run(create_users_and_rooms(options.port))) + "\n")
        for series, extra in SERIES.items():
            rows = [run_load(options, process.pid, connections_path, extra) for _ in range(options.runs)]
            for name in FIGURES:
                print(f"  {series:<12}{name:<20}{median(rows, name):>12.4g}", flush=True)
            failed_rows = [row for row in rows if any(row.get(name) for name in FAILURE_COUNTS)]
            print(
                f"  {series:<12}{'integrity':<20}"
                f"{'BROKEN ' + json.dumps(failed_rows[0]) if failed_rows else 'complete':>12}"
            )


FIGURES = (
    "sent_per_s",
    "deliveries_per_s",
    "latency_ms.p50",
    "latency_ms.p99",
    "ack_ms.p50",
    "ack_ms.p99",
    "server_cpu",
)
FAILURE_COUNTS = ("missing", "duplicated", "reordered", "failed", "disconnected")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sioload", required=True, help="the load generator's program")
    parser.add_argument("--databases", default="sqlite,postgres")
    parser.add_argument("--postgres", help="a PostgreSQL database that may be filled")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--secs", type=float, default=5)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name:
        folder = Path(name)
        if "sqlite" in options.databases:
            measure(options, "sqlite", f"sqlite://{folder}/bench.db", folder)
        if "postgres" in options.databases:
            with run_postgres(options) as url:
                measure(options, "postgres", url, folder)


@contextmanager
def run_postgres(options: argparse.Namespace) -> Iterator[str]:
    """Yield the URL of the given server, or of a new one with fsync on, as shipped."""
    if options.postgres:
        yield options.postgres
        return
    sys.path.insert(0, str(ROOT))
    from tests.support import servers

    with servers.postgres(durable=True) as url:
        yield url


if __name__ == "__main__":
    main()
