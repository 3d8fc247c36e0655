"""Child processes: instances and servers, started so that none outlives the command that started it."""

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
    """A process that the run needs can't be had: one line that says why and what to do."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Process:
    """A command with its output in a file. Start and stop it as often as needed."""

    def __init__(
        self,
        command: Sequence[object],
        output: Path,
        environment: Mapping[str, str],
        user: pwd.struct_passwd | None = None,
    ) -> None:
        self.command = [str(word) for word in command]
        self.output = output
        self._environment = dict(environment)
        self._user = user
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Of the one that was started last; 0 before."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Start it; whether it is ready is for the caller to find out."""
        user = self._user
        with self.output.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                cwd=self.output.parent,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the command, which then stops its children itself
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self.running:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def pause(self) -> None:
        """SIGSTOP for it and its children."""
        self.send_signal(signal.SIGSTOP)
        for pid in self._children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def count_paused(self) -> int:
        """How many of them stand still."""
        return sum(_process_state(pid) == "T" for pid in (self.pid, *self._children())) if self.running else 0

    def resume(self) -> None:
        """SIGCONT for all of them."""
        for pid in self._children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.send_signal(signal.SIGCONT)

    def _children(self) -> list[int]:
        """Of it; none where the system does not tell."""
        with suppress(OSError):
            return [
                int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            ]
        return []

    async def wait(self, timeout_s: float = STOP_TIMEOUT_S) -> int | None:
        """Its exit code; None if it is not over in this time."""
        if self._process is None:
            return 0
        try:
            async with asyncio.timeout(timeout_s):
                return await self._process.wait()
        except TimeoutError:
            return None

    async def kill(self) -> bool:
        """SIGKILL: it gets no chance to tidy up. Returns whether it lived until then."""
        self.send_signal(signal.SIGKILL)
        return await self.wait() == -signal.SIGKILL

    async def stop(self, number: signal.Signals, timeout_s: float = STOP_TIMEOUT_S) -> int | None:
        """Ask it to end; SIGKILL when it does not. Returns its exit code, None if it had to be killed."""
        self.send_signal(signal.SIGCONT)
        self.send_signal(number)
        code = await self.wait(timeout_s)
        if code is None:
            await self.kill()
        return code

    def output_tail(self, characters: int = 1500) -> str:
        """The end of its output."""
        with suppress(OSError):
            return self.output.read_text(errors="replace")[-characters:]
        return ""


def _process_state(pid: int) -> str:
    """Of a process: R, S, D, T (it stands still) …; T as well where the system does not tell."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    return "T"


def servers_user() -> pwd.struct_passwd | None:
    """Whom PostgreSQL and Redis run as: PostgreSQL refuses root. None: as who we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise NotStarted("PostgreSQL does not run as root, and there is no user `nobody` to run it as.")
