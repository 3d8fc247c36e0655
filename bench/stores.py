"""PostgreSQL and Redis servers of the benchmarks, with their default settings: new ones for each run."""

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from bench.processes import pinned, stop_process
from tests.support import servers

MAX_STARTS = 3  # a port that was free a moment ago may be in use


@dataclass(frozen=True, slots=True)
class Store:
    """A running server."""

    url: str
    pid: int


class Stores:
    """Starts and stops the servers. The data of a PostgreSQL can be kept, and copied for later ones."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._data_count = 0  # numbers the data folders

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def folder(self) -> Path:
        """The folder of all data. It belongs to the user of the servers and is removed at the end."""
        return self._stack.enter_context(servers.temporary_folder("hubbub-bench-stores-"))

    @cached_property
    def _programs(self) -> tuple[Path, Path]:
        return servers.postgres_binaries(self.folder)

    @cached_property
    def empty_data(self) -> Path:
        """The data folder of a PostgreSQL without tables, which is only copied."""
        data = self.folder / "empty"
        command = [self._programs[0], "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        servers.run_program([*command, "--locale=C", "--no-sync"], self.folder)
        return data

    def copy_data(self, source: Path) -> Path:
        """Copy a data folder that no server uses."""
        self._data_count += 1
        target = self.folder / f"data{self._data_count}"
        subprocess.run(["cp", "-a", str(source), str(target)], check=True)
        return target

    @contextmanager
    def postgres(self, source: Path, core: int, *, keep: Path | None = None) -> Iterator[Store]:
        """Run a PostgreSQL with default settings on a copy of a data folder.

        The copy is removed at the end, or moved to `keep`.
        """
        data = self.copy_data(source)
        options = [word for option in servers.LISTEN_OPTIONS for word in ("-c", option)]

        def command(port: int) -> list[object]:
            return [self._programs[1], "-D", data, "-p", port, *options]

        with self._run(command, core, "PostgreSQL") as (port, pid):
            yield Store(f"postgres://postgres@127.0.0.1:{port}/postgres", pid)
        if keep is None:
            shutil.rmtree(data, ignore_errors=True)
        else:
            data.rename(keep)

    @contextmanager
    def redis(self, core: int) -> Iterator[Store]:
        """Run a Redis that stores nothing on disk."""
        program = servers.redis_binary(self.folder)

        def command(port: int) -> list[object]:
            options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self.folder]
            return [program, "--port", port, *options]

        with self._run(command, core, "Redis") as (port, pid):
            yield Store(f"redis://127.0.0.1:{port}/0", pid)

    @contextmanager
    def _run(
        self, command: Callable[[int], Sequence[object]], core: int, name: str
    ) -> Iterator[tuple[int, int]]:
        output = self.folder / f"{name}.log"
        for _ in range(MAX_STARTS):
            output.unlink(missing_ok=True)
            port = servers.free_port()
            with pinned(core):
                process = servers.start_process(command(port), self.folder, output)
            try:
                if servers.wait_until_ready(process, output):
                    yield port, process.pid
                    return
            finally:
                stop_process(process, signal.SIGINT)  # PostgreSQL disconnects clients and writes all changes
        raise servers.ServerUnavailable(f"{name} did not start:\n{output.read_text()[-2000:]}")
