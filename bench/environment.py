"""The servers of a comparison: starts and stops hubbub and its peers, each pinned to a core.

Every run has new servers and a new database. hubbub's users exist in it; no running process has seen them.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from bench import processes
from bench.datasets import DATABASE, Datasets, execute, unlimited_settings
from bench.processes import ROOT, ProcessUnavailable, Program
from bench.stores import Stores

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
    """The running instances of a server, and the processes that work for them."""

    ports: list[int] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)  # of the instances
    connections_path: Path | None = None  # a line `token<TAB>room id` for each connection
    database_url: str = ""
    other_pids: dict[str, list[int]] = field(default_factory=dict)  # by "worker", "redis", "postgres"

    @property
    def groups(self) -> dict[str, list[int]]:
        """Return the processes whose CPU time is measured, by kind."""
        return {"instances": self.pids, **self.other_pids}


class BenchEnvironment:
    """Cores, folder and databases of the servers."""

    def __init__(self, peers: Path, folder: Path, server_core: int, load_core: int) -> None:
        self.peers = peers
        self.folder = folder
        self.server_core = server_core
        self.load_core = load_core
        self._stack = ExitStack()
        self._stores = self._stack.enter_context(Stores())
        self._datasets: dict[Path, Datasets] = {}  # by working copy
        self._run_count = 0  # numbers the data directories

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def run_peer(self, name: str, instances: int) -> Iterator[RunningServers]:
        """Run a peer. Raises ProcessUnavailable if it can't run here."""
        file_name, variables = PEERS[name]
        path = self.peers / file_name
        if not path.is_file():
            raise ProcessUnavailable(f"there is no {path}")
        environment = processes.inherited_environment() | variables
        running = RunningServers()
        with ExitStack() as stack:
            if "PG" in variables:
                store = stack.enter_context(self._stores.postgres(self._stores.empty_data, self.load_core))
                environment["PG"] = running.database_url = store.url
                running.other_pids["postgres"] = [store.pid]
                asyncio.run(execute(store.url, PEER_TABLE))
            if "REDIS" in variables:
                environment["REDIS"] = self._run_redis(stack, running)
            interpreter = "node" if path.suffix == ".js" else sys.executable
            command = [interpreter, str(path)]
            self._start_instances(stack, running, instances, command, environment, ROOT)
            yield running

    @contextmanager
    def run_hubbub(
        self,
        users: int,
        rooms: int,
        instances: int,
        settings: Mapping[str, str],
        *,
        database: str = "postgres",
        program: Program | None = None,
    ) -> Iterator[RunningServers]:
        """Run hubbub as shipped, with users and rooms that no process has seen; settings lift the limits.

        On PostgreSQL a worker runs on the core of the instances. On SQLite it is part of the instance.
        """
        program = program or Program()
        dataset = self._datasets_of(program).get(users, rooms, database)
        running = RunningServers(connections_path=dataset.connections_path)
        self._run_count += 1
        folder = self.folder / f"run{self._run_count}"
        with ExitStack() as stack:
            if database == "postgres":
                folder.mkdir()
                store = stack.enter_context(self._stores.postgres(dataset.data, self.load_core))
                running.database_url = urlsplit(store.url)._replace(path=f"/{DATABASE}").geturl()
                running.other_pids["postgres"] = [store.pid]
            else:
                subprocess.run(["cp", "-a", str(dataset.data), str(folder)], check=True)
                running.database_url = f"sqlite://{folder / DATABASE}"
            variables = {**unlimited_settings(running.database_url, folder), **settings}
            if instances > 1:
                variables["HUBBUB_REDIS_URL"] = self._run_redis(stack, running)
            environment = program.environment(variables)
            self._start_instances(stack, running, instances, program.serve(), environment, program.root)
            if database == "postgres":
                command = program.command("worker")
                worker = stack.enter_context(
                    processes.run_process(command, environment, program.root, self.server_core)
                )
                running.other_pids["worker"] = [worker.pid]
            processes.wait_until_settled([*running.pids, *running.other_pids.get("worker", ())])
            yield running

    @contextmanager
    def run_process(self, command: list[str], port: int) -> Iterator[int]:
        """Run any program that listens on `port`, on the core of the servers. Yields its process id."""
        environment = processes.inherited_environment()
        with processes.run_process(command, environment, ROOT, self.server_core) as process:
            processes.wait_until_listening(command[0], port, process)
            yield process.pid

    def _datasets_of(self, program: Program) -> Datasets:
        if program.root not in self._datasets:
            folder = self.folder / f"datasets{len(self._datasets)}"
            cores = (self.server_core, self.load_core)
            self._datasets[program.root] = Datasets(self._stores, program, folder, cores)
        return self._datasets[program.root]

    def _run_redis(self, stack: ExitStack, running: RunningServers) -> str:
        store = stack.enter_context(self._stores.redis(self.server_core))
        running.other_pids["redis"] = [store.pid]
        return store.url

    def _start_instances(
        self,
        stack: ExitStack,
        running: RunningServers,
        count: int,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
    ) -> None:
        """Start instances, and wait until each accepts connections. Raises ProcessUnavailable."""
        started = []
        for _ in range(count):
            port = processes.free_port()
            own = {**environment, "HUBBUB_PORT": str(port), "PORT": str(port)}  # the latter for peers
            process = stack.enter_context(processes.run_process(command, own, folder, self.server_core))
            started.append((port, process))
        for port, process in started:
            processes.wait_until_listening(" ".join(command), port, process)
            running.ports.append(port)
            running.pids.append(process.pid)
