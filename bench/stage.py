"""The servers of a comparison: hubbub and its peers, each pinned to a core, started and ended here."""

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
WAIT_S = 30.0
PASSWORD = "a benchmark's own"
# A peer: its program and what it is told besides its port.
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
class Running:
    """A server, or the instances of one, ready to be loaded."""

    ports: list[int]
    pids: list[int]
    lines: Path | None = None
    database: str = ""


class Missing(Exception):
    """A peer cannot run here, and why."""


class Stage:
    """Where servers run: which cores, which folder, which databases."""

    def __init__(self, peers: Path, folder: Path, server_core: int, load_core: int) -> None:
        self.peers = peers
        self.folder = folder
        self.server_core = server_core
        self.load_core = load_core
        self._stack = ExitStack()
        self._databases = 0
        self._postgres = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def _pinned(self, core: int) -> Iterator[None]:
        """What is started meanwhile stays on this core."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def database(self) -> str:
        """A new, empty database of one PostgreSQL server as it ships, fsync on, on the generator's core."""
        from tests.support import servers

        if not self._postgres:
            with self._pinned(self.load_core):
                self._postgres = self._stack.enter_context(servers.postgres(durable=True))
        self._databases += 1
        name = f"bench{self._databases}"
        asyncio.run(_execute(self._postgres, f'CREATE DATABASE "{name}"'))
        return urlsplit(self._postgres)._replace(path=f"/{name}").geturl()

    def redis(self) -> str:
        """A Redis of its own, on the servers' core."""
        from tests.support import servers

        with self._pinned(self.server_core):
            return self._stack.enter_context(servers.redis())

    @contextmanager
    def peer(self, name: str, instances: int) -> Iterator[Running]:
        """A peer. Raises Missing if it can't run here."""
        program, told = PEERS[name]
        path = self.peers / program
        if not path.is_file():
            raise Missing(f"there is no {path}")
        environment = dict(told)
        if "PG" in told:
            environment["PG"] = self.database()
            asyncio.run(_execute(environment["PG"], PEER_TABLE))
        if "REDIS" in told:
            environment["REDIS"] = self.redis()
        runner = "node" if path.suffix == ".js" else sys.executable
        with ExitStack() as stack:
            ports = [free_port() for _ in range(instances)]
            started = [
                stack.enter_context(self._process([runner, str(path)], {**environment, "PORT": str(port)}))
                for port in ports
            ]
            for port, process in zip(ports, started, strict=True):
                _listens(name, port, process)
            yield Running(ports, [process.pid for process in started])

    @contextmanager
    def hubbub(self, people: int, rooms: int, instances: int, settings: dict[str, str]) -> Iterator[Running]:
        """Hubbub as it ships, on PostgreSQL, its limits lifted by settings; people in rooms are there."""
        environment = {**lifted(self.database(), self.folder), **settings}
        if instances > 1:
            environment["HUBBUB_REDIS_URL"] = self.redis()
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
                _listens("hubbub", port, process)
            lines = self.folder / f"people-{ports[0]}.tsv"
            lines.write_text("\n".join(asyncio.run(fill(ports[0], people, rooms, instances))) + "\n")
            database = environment["HUBBUB_DATABASE_URL"]
            yield Running(ports, [process.pid for process in started], lines, database)

    @contextmanager
    def process(self, command: list[str], port: int) -> Iterator[int]:
        """Any program that listens on `port`; its process id."""
        with self._process(command, {}) as process:
            _listens(command[0], port, process)
            yield process.pid

    @contextmanager
    def _process(self, command: list[str], told: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}
        with self._pinned(self.server_core):
            process = subprocess.Popen(command, env={**environment, **told}, cwd=ROOT)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def lifted(database_url: str, folder: Path) -> dict[str, str]:
    """The settings: as shipped, without limits."""
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


async def fill(port: int, people: int, rooms: int, instances: int) -> list[str]:
    """People and rooms through the public API; a line `token<TAB>room id` for each connection.

    Of several instances the generator fills room after room (`--layout block`), of one it deals them out.
    """
    url = f"http://127.0.0.1:{port}/api/v1"
    gate = asyncio.Semaphore(16)
    async with aiohttp.ClientSession() as session:

        async def post(path: str, body: dict[str, Any], token: str = "") -> Any:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with gate, session.post(url + path, json=body, headers=headers) as answer:
                found = await answer.json()
                assert answer.status in (200, 201), found
                return found["data"]

        async def person(number: int) -> str:
            name = f"bench{number:05}"
            body = {
                "name": name,
                "email": f"{name}@example.com",
                "password": PASSWORD,
                "username": name,
            }
            return str((await post("/auth/register", body))["access_token"])

        tokens = await asyncio.gather(*(person(number) for number in range(people)))

        async def room(number: int) -> str:
            members = tokens[number * size : (number + 1) * size] if blocks else tokens[number::rooms]
            made = await post("/rooms", {"kind": "public", "name": f"room {number}"}, members[0])
            room_id = str(made["id"])
            await asyncio.gather(*(post(f"/rooms/{room_id}/join", {}, member) for member in members[1:]))
            return room_id

        size, blocks = max(1, people // rooms), instances > 1 and rooms > 1
        ids = await asyncio.gather(*(room(number) for number in range(rooms)))
    return [
        f"{token}\t{ids[min(number // size, rooms - 1) if blocks else number % rooms]}"
        for number, token in enumerate(tokens)
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(name: str, port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until it takes connections. Raises Missing."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Missing(f"{name} ended at its start")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Missing(f"{name} does not listen after {WAIT_S:.0f} s")


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
