"""Instances of hubbub as child processes, each on a fixed port."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from hubbub.core import clock
from hubbub.prove import waiting
from hubbub.prove.processes import NotStarted, Process, free_port

START_TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.05
RESTART_DELAY_S = 0.5  # between two attempts to start: the database may be unavailable
DRAIN_TIMEOUT_S = 10
# Limits that would hide faults. All other settings have their defaults.
DISABLED_LIMITS = (
    "limit_message_send", "limit_events", "limit_http", "limit_auth", "limit_register", "limit_upload",
    "limit_public",
)  # fmt: skip


class Instance:
    """A `hubbub serve` process with the settings of the run."""

    def __init__(self, number: int, folder: Path, settings: Mapping[str, str]) -> None:
        self.number = number  # 0, 1, 2, …
        self.port = free_port()  # the same for each start
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "hubbub", "serve", "--port", self.port]
        # Each start generates an id. With a fixed one it would wait until that of a killed process expires.
        self.process = Process(command, folder / f"instance-{number}.log", child_environment(settings))

    async def start(self, http: aiohttp.ClientSession) -> None:
        """Start and wait until the instance is ready. Raises NotStarted if it exits or takes too long."""
        await self.process.start()
        ready = False

        async def ready_or_ended() -> bool:
            nonlocal ready
            ready = self.process.running and await self._is_ready(http)
            return ready or not self.process.running

        await waiting.until(ready_or_ended, START_TIMEOUT_S, POLL_INTERVAL_S)
        if not ready:
            raise NotStarted(f"Instance {self.number} did not start:\n{self.process.output_tail()}")

    async def restart(self, http: aiohttp.ClientSession) -> None:
        """Start, repeatedly if necessary, as a supervisor does. Raises NotStarted."""
        deadline = clock.monotonic() + START_TIMEOUT_S
        while True:
            try:
                return await self.start(http)
            except NotStarted:
                if self.process.running or clock.monotonic() > deadline:
                    raise
            await asyncio.sleep(RESTART_DELAY_S)

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(
                f"{self.url}/health/ready", timeout=aiohttp.ClientTimeout(total=2)
            ) as response:
                return response.status == 200  # noqa: PLR2004 - HTTP
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def drain(self) -> int | None:
        """Stop with SIGTERM, as a deployment does. Return the exit code, None if it had to be killed."""
        return await self.process.stop(signal.SIGTERM, DRAIN_TIMEOUT_S + 20)

    def memory_bytes(self) -> int:
        """Return the resident memory in bytes; 0 where the system does not report it."""
        try:
            pages = Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1]
        except OSError:
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def common_settings(folder: Path, database_url: str, redis_url: str | None) -> dict[str, str]:
    """Return the settings that all instances of a run share."""
    settings = {
        **dict.fromkeys(DISABLED_LIMITS, "off"),
        "env": "test",
        "data_dir": str(folder / "data"),
        "database_url": database_url,
        "secret_key": secrets.token_hex(32),
        "bcrypt_rounds": "4",
        "default_rooms": "",
        "drain_s": str(DRAIN_TIMEOUT_S),
        "log_format": "json",
    }
    if redis_url:
        settings |= {"redis_url": redis_url, "redis_prefix": f"prove-{secrets.token_hex(4)}"}
    return settings


def child_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child process: these settings, and no inherited `HUBBUB_…` variable."""
    inherited = {name: text for name, text in _inherited_environment() if not name.startswith("HUBBUB_")}
    return {**inherited, **{f"HUBBUB_{name.upper()}": text for name, text in settings.items()}}


def _inherited_environment() -> list[tuple[str, str]]:
    return list(os.environ.items())  # noqa: TID251 - passed to children; no setting is read from it


async def migrate(folder: Path, settings: Mapping[str, str]) -> None:
    """Migrate the database. Raises NotStarted."""
    command = [sys.executable, "-m", "hubbub", "migrate", "up"]
    process = Process(command, folder / "migrate.log", child_environment(settings))
    await process.start()
    if await process.wait(START_TIMEOUT_S) != 0:
        await process.kill()
        raise NotStarted(f"hubbub migrate failed:\n{process.output_tail()}")
