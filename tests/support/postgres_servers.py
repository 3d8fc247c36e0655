"""Separate PostgreSQL servers for a test: a primary and a streaming standby that can be promoted."""

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import asyncpg

from tests.support import servers

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

WAIT_S = 30.0


class PostgresServer:
    """One server process on a fixed port. Use it as a context manager."""

    def __init__(self, *, durable: bool = False) -> None:
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._options = (
            servers.POSTGRES_OPTIONS if durable else (*servers.NON_DURABLE_OPTIONS, *servers.POSTGRES_OPTIONS)
        )
        self.port = servers.free_port()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, database: str = "postgres") -> str:
        return f"postgres://postgres@{self.host}/{database}"

    def __enter__(self) -> Self:
        self._folder: Path = self._stack.enter_context(servers.temporary_folder("hubbub-postgres-"))
        initdb, self._binary = servers.postgres_binaries(self._folder)
        self._stack.callback(self.stop)
        command = [initdb, "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        servers.run_program([*command, "--no-sync"], self._folder)
        with (self._data / "pg_hba.conf").open("a") as file:
            file.write("host replication all 127.0.0.1/32 trust\n")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        """Start it, with the data that it has."""
        output = self._folder / "server.log"
        output.unlink(missing_ok=True)
        options = [word for option in self._options for word in ("-c", option)]
        command = [self._binary, "-D", self._data, "-p", self.port, *options]
        self._process = servers.start_process(command, self._folder, output)
        deadline = time.monotonic() + servers.START_TIMEOUT_S
        while b"ready to accept" not in output.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise servers.ServerUnavailable(output.read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it without closing client connections properly."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @contextlib.contextmanager
    def standby(self) -> "Iterator[PostgresServer]":
        """A second server that streams from this one."""
        other = PostgresServer()
        other._options = self._options
        with contextlib.ExitStack() as stack:
            other._folder = stack.enter_context(servers.temporary_folder("hubbub-standby-"))
            other._binary = self._binary
            stack.callback(other.stop)
            copy = [self._binary.with_name("pg_basebackup"), "-D", other._data, "-h", "127.0.0.1"]
            servers.run_program(
                [*copy, "-p", self.port, "-U", "postgres", "-c", "fast", "-X", "stream", "-R", "--no-sync"],
                other._folder,
            )
            other.start()
            yield other

    async def execute(self, *statements: str) -> object:
        """Run statements. Returns the last one's value. A server that is read-only by default runs them."""
        connection = await asyncpg.connect(self.url())
        try:
            value = None
            if not await connection.fetchval("SELECT pg_is_in_recovery()"):
                await connection.execute("SET default_transaction_read_only = off")
            for statement in statements:
                value = await connection.fetchval(statement)
            return value
        finally:
            await connection.close()

    async def set_read_only(self, *, on: bool = True) -> None:
        """Refuse writes, on open connections as well, as a demoted primary does."""
        change = "SET default_transaction_read_only = on" if on else "RESET default_transaction_read_only"
        await self.execute(f"ALTER SYSTEM {change}", "SELECT pg_reload_conf()")

    async def promote(self) -> None:
        """Promote a standby to primary."""
        await self.execute("SELECT pg_promote()")
