"""Child processes: instances and servers. None outlives the command that started it."""

import asyncio
import ctypes
import os
import pwd
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

STOP_TIMEOUT_S = 40.0


class NotStarted(Exception):
    """A process that the run needs did not start. The message has the reason and the remedy."""


def free_port() -> int:
    """Return a port of the loopback interface that is not in use at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Process:
    """A command whose output goes to a file. It can be started and stopped repeatedly."""

    def __init__(
        self,
        command: Sequence[object],
        output: Path,
        environment: Mapping[str, str],
        user: pwd.struct_passwd | None = None,
    ) -> None:
        self.command = [str(word) for word in command]
        self.output = output  # the file
        self._environment = dict(environment)
        self._user = user  # None: that of this process
        self._process: asyncio.subprocess.Process | None = None  # the one started last

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Process id of the last start; 0 before the first."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Start the process. The caller checks whether it is ready."""
        user = self._user
        with self.output.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                cwd=self.output.parent,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only the command, which stops its children itself
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        if self._process is not None and self.running:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def pause(self) -> None:
        """Send SIGSTOP to the process and its children."""
        self.send_signal(signal.SIGSTOP)
        for pid in self._children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def count_paused(self) -> int:
        """Return how many of these processes are stopped."""
        return sum(_process_state(pid) == "T" for pid in (self.pid, *self._children())) if self.running else 0

    def resume(self) -> None:
        """Send SIGCONT to all of them."""
        for pid in self._children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.send_signal(signal.SIGCONT)

    def _children(self) -> list[int]:
        """Return the ids of the children; none where the system does not report them."""
        with suppress(OSError):
            return [
                int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            ]
        return []

    async def wait(self, timeout_s: float = STOP_TIMEOUT_S) -> int | None:
        """Return the exit code; None if the process runs longer than `timeout_s`."""
        if self._process is None:
            return 0
        try:
            async with asyncio.timeout(timeout_s):
                return await self._process.wait()
        except TimeoutError:
            return None

    async def kill(self) -> bool:
        """Kill with SIGKILL, without cleanup. Return whether the process ran until then."""
        self.send_signal(signal.SIGKILL)
        return await self.wait() == -signal.SIGKILL

    async def stop(self, number: signal.Signals, timeout_s: float = STOP_TIMEOUT_S) -> int | None:
        """Request the end by a signal, then kill. Return the exit code, None if it had to be killed."""
        self.send_signal(signal.SIGCONT)
        self.send_signal(number)
        code = await self.wait(timeout_s)
        if code is None:
            await self.kill()
        return code

    def output_tail(self, characters: int = 1500) -> str:
        """Return the end of the output."""
        with suppress(OSError):
            return self.output.read_text(errors="replace")[-characters:]
        return ""


def _process_state(pid: int) -> str:
    """Return the state of a process: R, S, D, T (stopped) …; T where the system does not report it."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    return "T"


def servers_user() -> pwd.struct_passwd | None:
    """Return the user for PostgreSQL and Redis, because PostgreSQL refuses root. None: the current user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise NotStarted("PostgreSQL does not run as root, and the user `nobody` does not exist.")
