"""A live instance in production settings with default limits, on a copy of a filled database."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import asyncpg

from bench.attacks.accounts import Accounts, TemplateSize
from bench.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0
STORES = ("sqlite", "postgres")


@dataclass(frozen=True, slots=True)
class Instance:
    """A running instance."""

    port: int
    pid: int

    def memory_mib(self) -> float:
        """Return the resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class AttackEnvironment:
    """A folder, a store and a filled template. Starts instances on copies of the template.

    `server_core` and `load_core` are None where processes are not pinned.
    """

    def __init__(
        self,
        store: str,
        folder: Path,
        server_core: int | None = None,
        load_core: int | None = None,
        size: TemplateSize | None = None,
    ) -> None:
        self.store = store
        self.folder = folder
        self.server_core = server_core
        self.load_core = load_core
        self.secret = secrets.token_hex(32)
        self.accounts = Accounts(self.secret, size or TemplateSize())
        self._stack = ExitStack()
        self._copy_count = 0

    def __enter__(self) -> Self:
        self._create_template()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def instance(self) -> Iterator[Instance]:
        """Run a new instance on a new copy."""
        self._copy_count += 1
        with self._run_instance(self._copy_template(), f"copy{self._copy_count}") as instance:
            yield instance

    # --- the database ---

    @cached_property
    def _postgres(self) -> str:
        from tests.support import servers

        with pinned_to_core(self.load_core):
            return self._stack.enter_context(servers.postgres(durable=True))

    @cached_property
    def _redis(self) -> str:
        from tests.support import servers

        with pinned_to_core(self.load_core):
            return self._stack.enter_context(servers.redis())

    def _postgres_url_of(self, name: str) -> str:
        return urlsplit(self._postgres)._replace(path=f"/{name}").geturl()

    def _create_template(self) -> None:
        """Fill the template: sample data, and the accounts that log in once."""
        if self.store == "postgres":
            asyncio.run(_execute(self._postgres, "CREATE DATABASE filled"))
            url = self._postgres_url_of("filled")
        else:
            url = f"sqlite://{self.folder / 'filled.db'}"
        settings = self._settings(url, "filled")
        self._run_command(settings, "migrate")
        size = self.accounts.size
        counts = {"--users": size.users, "--rooms": size.rooms, "--messages": size.messages}
        pictures = () if size.pictures else ("--no-pictures",)
        self._run_command(
            settings, "seed", *pictures, *(str(word) for pair in counts.items() for word in pair)
        )
        self._run_command(settings, "create-admin", "admin@example.com", stdin=f"{self.accounts.password}\n")
        sample_password = (self.folder / "sample_password").read_text().strip()
        with self._run_instance(url, "filled") as instance:
            self.accounts.prepare(instance.port, sample_password)

    def _copy_template(self) -> str:
        if self.store == "postgres":
            name = f"copy{self._copy_count}"
            asyncio.run(_execute(self._postgres, f"CREATE DATABASE {name} TEMPLATE filled"))
            return self._postgres_url_of(name)
        target = self.folder / f"copy{self._copy_count}.db"
        for path in self.folder.glob("filled.db*"):
            shutil.copyfile(path, str(target) + path.name.removeprefix("filled.db"))
        return f"sqlite://{target}"

    # --- processes ---

    def _settings(self, url: str, prefix: str) -> dict[str, str]:
        """Return the settings that production needs, with default limits."""
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}
        return {
            **inherited,
            "HUBBUB_ENV": "production",
            "HUBBUB_SECRET_KEY": self.secret,
            "HUBBUB_DATABASE_URL": url,
            "HUBBUB_DATA_DIR": str(self.folder),
            "HUBBUB_PUBLIC_URL": "https://chat.example",
            "HUBBUB_LOG_FORMAT": "json",
            "HUBBUB_SMTP_URL": "off",
            **(
                {"HUBBUB_REDIS_URL": self._redis, "HUBBUB_REDIS_PREFIX": prefix}
                if self.store == "postgres"
                else {}
            ),
        }

    def _run_command(self, settings: dict[str, str], *arguments: str, stdin: str = "") -> None:
        result = subprocess.run(
            [sys.executable, "-m", "hubbub", *arguments],
            env=settings, cwd=ROOT, input=stdin, text=True, capture_output=True, check=False,
        )  # fmt: skip
        if result.returncode:
            raise SystemExit(f"hubbub {arguments[0]} failed:\n{result.stderr[-2000:]}")

    @contextmanager
    def _run_instance(self, url: str, name: str) -> Iterator[Instance]:
        port = free_port()
        command = [sys.executable, "-m", "hubbub", "serve", "--port", str(port)]
        log_path = self.folder / f"{name}.log"
        with pinned_to_core(self.server_core), log_path.open("wb") as log:
            process = subprocess.Popen(
                command, env=self._settings(url, name), cwd=ROOT, stdout=log, stderr=log
            )
        try:
            _wait_until_ready(port, process, log_path)
            yield Instance(port, process.pid)
        finally:
            _stop(process)


@contextmanager
def pinned_to_core(core: int | None) -> Iterator[None]:
    """Pin processes that are started in this context to a core."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"hubbub serve ended:\n{log.read_text()[-2000:]}")
        try:
            if http_request(port, "GET", "/health/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"hubbub serve is not ready after {START_TIMEOUT_S:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop it at once: its database is not used again."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def http_request(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Send a request. Returns status and body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
