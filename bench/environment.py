"""The servers of a comparison: starts and stops hubbub and its peers, each pinned to a core."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import asyncpg

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 30.0
PASSWORD = "a benchmark's own"
# The program of each peer, and its environment variables besides the port.
PEERS: dict[str, tuple[str, dict[str, str]]] = {
    "node-socketio": ("node_socketio.js", {}),
    "node-socketio-pg": ("node_socketio.js", {"PG": ""}),
    "node-socketio-redis": ("node_socketio.js", {"REDIS": ""}),
    "node-nest-typeorm": ("node_nest.js", {"PG": ""}),
    "py-socketio-uvloop": ("py_socketio.py", {"UVLOOP": "1"}),
    "py-socketio-uvloop-redis": ("py_socketio.py", {"UVLOOP": "1", "REDIS": ""}),
    "limit-json": ("py_limit.py", {"PARSE": "1"}),
    "limit-batch": ("py_limit.py", {"PARSE": "1", "MODE": "batch"}),
    "limit-group-pg": ("py_limit.py", {"PARSE": "1", "MODE": "batch", "PG": ""}),
}
PEER_TABLE = (
    "CREATE TABLE messages (id bigserial PRIMARY KEY, room text NOT NULL, sender text NOT NULL, "
    "body text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())"
)


@dataclass(slots=True)
class RunningServers:
    """The running instances of a server."""

    ports: list[int]
    pids: list[int]
    connections_path: Path | None = None
    database_url: str = ""


class PeerUnavailable(Exception):
    """A peer cannot run here. The message has the reason."""


class BenchEnvironment:
    """Cores, folder and databases of the servers."""

    def __init__(self, peers: Path, folder: Path, server_core: int, load_core: int) -> None:
        self.peers = peers
        self.folder = folder
        self.server_core = server_core
        self.load_core = load_core
        self._stack = ExitStack()
        self._database_count = 0
        self._postgres_url = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def _pinned(self, core: int) -> Iterator[None]:
        """Pin processes that are started in this context to a core."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def create_database(self) -> str:
        """Create an empty database on a PostgreSQL as shipped, on the core of the load generator."""
        from tests.support import servers

        if not self._postgres_url:
            with self._pinned(self.load_core):
                self._postgres_url = self._stack.enter_context(servers.postgres(durable=True))
        self._database_count += 1
        name = f"bench{self._database_count}"
        asyncio.run(_execute(self._postgres_url, f'CREATE DATABASE "{name}"'))
        return urlsplit(self._postgres_url)._replace(path=f"/{name}").geturl()

    def run_redis(self) -> str:
        """Start a Redis on the core of the servers. Returns its URL."""
        from tests.support import servers

        with self._pinned(self.server_core):
            return self._stack.enter_context(servers.redis())

    @contextmanager
    def run_peer(self, name: str, instances: int) -> Iterator[RunningServers]:
        """Run a peer. Raises PeerUnavailable if it can't run here."""
        program, variables = PEERS[name]
        path = self.peers / program
        if not path.is_file():
            raise PeerUnavailable(f"there is no {path}")
        environment = dict(variables)
        if "PG" in variables:
            environment["PG"] = self.create_database()
            asyncio.run(_execute(environment["PG"], PEER_TABLE))
        if "REDIS" in variables:
            environment["REDIS"] = self.run_redis()
        interpreter = "node" if path.suffix == ".js" else sys.executable
        with ExitStack() as stack:
            ports = [free_port() for _ in range(instances)]
            started = [
                stack.enter_context(
                    self._process([interpreter, str(path)], {**environment, "PORT": str(port)})
                )
                for port in ports
            ]
            for port, process in zip(ports, started, strict=True):
                _wait_until_listening(name, port, process)
            yield RunningServers(ports, [process.pid for process in started])

    @contextmanager
    def run_hubbub(
        self, users: int, rooms: int, instances: int, settings: dict[str, str]
    ) -> Iterator[RunningServers]:
        """Run hubbub as shipped, on PostgreSQL, with users and rooms; limits are lifted by settings."""
        environment = {**unlimited_settings(self.create_database(), self.folder), **settings}
        if instances > 1:
            environment["HUBBUB_REDIS_URL"] = self.run_redis()
        program = [sys.executable, "-m", "hubbub"]
        subprocess.run(
            [*program, "migrate"], env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL
        )
        with ExitStack() as stack:
            ports = [free_port() for _ in range(instances)]
            started = [
                stack.enter_context(self._process([*program, "serve", "--port", str(port)], environment))
                for port in ports
            ]
            for port, process in zip(ports, started, strict=True):
                _wait_until_listening("hubbub", port, process)
            connections_path = self.folder / f"connections-{ports[0]}.tsv"
            connections_path.write_text(
                "\n".join(asyncio.run(create_users_and_rooms(ports[0], users, rooms, instances))) + "\n"
            )
            database_url = environment["HUBBUB_DATABASE_URL"]
            yield RunningServers(ports, [process.pid for process in started], connections_path, database_url)

    @contextmanager
    def run_process(self, command: list[str], port: int) -> Iterator[int]:
        """Run any program that listens on `port`. Yields its process id."""
        with self._process(command, {}) as process:
            _wait_until_listening(command[0], port, process)
            yield process.pid

    @contextmanager
    def _process(self, command: list[str], variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}
        with self._pinned(self.server_core):
            process = subprocess.Popen(command, env={**environment, **variables}, cwd=ROOT)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(START_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def unlimited_settings(database_url: str, folder: Path) -> dict[str, str]:
    """Return the default settings without limits."""
    return {
        "HUBBUB_ENV": "test",
        "HUBBUB_DATABASE_URL": database_url,
        "HUBBUB_DATA_DIR": str(folder),
        "HUBBUB_BCRYPT_ROUNDS": "4",
        "HUBBUB_LIMIT_MESSAGE_SEND": "off",
        "HUBBUB_LIMIT_EVENTS": "off",
        "HUBBUB_LIMIT_HTTP": "off",
        "HUBBUB_LIMIT_AUTH": "off",
        "HUBBUB_LIMIT_REGISTER": "off",
        "HUBBUB_SOCKETS_PER_ADDRESS": "100000",
        "HUBBUB_SOCKETS_PER_USER": "100000",
        "HUBBUB_HANDSHAKES_PER_S": "100000",
        "HUBBUB_DEFAULT_ROOMS": "",
        "HUBBUB_DRAIN_S": "0",
        "HUBBUB_LOG_LEVEL": "warning",
        "HUBBUB_SECRET_KEY": "a benchmark's secret is no secret at all",
    }


async def create_users_and_rooms(port: int, users: int, rooms: int, instances: int) -> list[str]:
    """Create users and rooms by the public API. Returns `token<TAB>room id` for each connection.

    With several instances the load generator fills one room after the other (`--layout block`). With one it
    alternates.
    """
    url = f"http://127.0.0.1:{port}/api/v1"
    semaphore = asyncio.Semaphore(16)
    async with aiohttp.ClientSession() as session:

        async def post_json(path: str, body: dict[str, Any], token: str = "") -> Any:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with semaphore, session.post(url + path, json=body, headers=headers) as response:
                content = await response.json()
                assert response.status in (200, 201), content
                return content["data"]

        async def register(number: int) -> str:
            name = f"bench{number:05}"
            body = {
                "name": name,
                "email": f"{name}@example.com",
                "password": PASSWORD,
                "username": name,
            }
            return str((await post_json("/auth/register", body))["access_token"])

        tokens = await asyncio.gather(*(register(number) for number in range(users)))

        async def create_room(number: int) -> str:
            members = tokens[number * size : (number + 1) * size] if blocks else tokens[number::rooms]
            created = await post_json("/rooms", {"kind": "public", "name": f"room {number}"}, members[0])
            room_id = str(created["id"])
            await asyncio.gather(*(post_json(f"/rooms/{room_id}/join", {}, member) for member in members[1:]))
            return room_id

        size, blocks = max(1, users // rooms), instances > 1 and rooms > 1
        room_ids = await asyncio.gather(*(create_room(number) for number in range(rooms)))
    return [
        f"{token}\t{room_ids[min(number // size, rooms - 1) if blocks else number % rooms]}"
        for number, token in enumerate(tokens)
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_listening(name: str, port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until it accepts connections. Raises PeerUnavailable."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PeerUnavailable(f"{name} ended at its start")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise PeerUnavailable(f"{name} does not listen after {START_TIMEOUT_S:.0f} s")


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
