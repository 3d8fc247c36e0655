"""`hubbub serve` as a separate process: started, killed, restarted on the same port and database."""

import asyncio
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

START_S = 30.0
STOP_S = 40.0


class ServerProcess:
    """A child process that runs one instance. `start` and `kill` may be called repeatedly.

    `variables` are settings without their HUBBUB_, in any case: `database_url="…"`. The environment of this
    process is ignored. REST is not limited by default.
    """

    def __init__(self, folder: Path, **variables: object) -> None:
        self._folder = folder
        unlimited = {"limit_http": "off", "limit_auth": "off", "limit_public": "off"}
        values = {"env": "test", "data_dir": folder, "log_format": "json", **unlimited, **variables}
        self.settings = {f"HUBBUB_{name.upper()}": str(value) for name, value in values.items()}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.port = 0
        self.lines: deque[str] = deque(maxlen=200)

    @property
    def url(self) -> str:
        """The URL of the instance, the same after each start."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> float:
        """Start it and wait until it listens. Returns how many seconds that took."""
        began = time.monotonic()
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hubbub", "serve", "--port", str(self.port)),
            cwd=self._folder,
            env={**inherited, **self.settings},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 22,
        )
        listening_url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read(self._process.stderr, listening_url))
        url = await asyncio.wait_for(listening_url, START_S)
        self.port = int(url.rpartition(":")[2])
        return time.monotonic() - began

    async def _read(self, errors: asyncio.StreamReader | None, listening_url: asyncio.Future[str]) -> None:
        """Store its log, and set the event when it listens or has ended."""
        assert errors is not None
        async for line in errors:
            self.lines.append(line.decode(errors="replace").rstrip())
            if b'"listening"' in line and not listening_url.done():
                listening_url.set_result(json.loads(line)["url"])
        if not listening_url.done():
            listening_url.set_exception(RuntimeError("it ended:\n" + "\n".join(self.lines)))

    async def kill(self) -> None:
        """SIGKILL: it cannot clean up."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        await self._wait()

    def pause(self) -> None:
        """SIGSTOP: it is paused, with all its connections open."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it continues."""
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, and do not wait for what it does."""
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self) -> int:
        """SIGTERM: it drains. Returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        return await self.wait()

    async def wait(self) -> int:
        """Wait for its end. Returns the exit code."""
        return await asyncio.wait_for(self._wait(), STOP_S)

    async def _wait(self) -> int:
        if self._process is None or self._reader is None:
            return 0
        code = await self._process.wait()
        await self._reader
        return code

    def error_lines(self) -> list[str]:
        """What it logged as an error, of the last lines."""
        return [
            line for line in self.lines if '"level":"error"' in line.replace(" ", "") or "Traceback" in line
        ]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()


@asynccontextmanager
async def run_together(*processes: ServerProcess) -> AsyncIterator[tuple[ServerProcess, ...]]:
    """Start processes at the same time, and kill them at the end."""
    async with AsyncExitStack() as stack:
        for process in processes:
            stack.push_async_exit(process)
        await asyncio.gather(*(process.start() for process in processes))
        yield processes
