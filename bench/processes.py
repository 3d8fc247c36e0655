"""Processes of a measurement: started on a core, awaited, and stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cpu import tree_cpu_s

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0
_SETTLED_CPU_S = 0.04  # that processes use at most when they have started, within all periods
_SETTLE_PERIOD_S, _SETTLED_PERIODS = 0.2, 3


class ProcessUnavailable(Exception):
    """A server cannot run here. The message has the reason."""


@dataclass(frozen=True, slots=True)
class Program:
    """A hubbub to measure: its working copy, its Python, and the Python arguments that serve."""

    root: Path = ROOT
    python: str = sys.executable
    serve_arguments: tuple[str, ...] = ("-m", "hubbub", "serve")

    def serve(self) -> list[str]:
        """Return the command of an instance."""
        return [self.python, *self.serve_arguments]

    def command(self, *words: str) -> list[str]:
        """Return another command of hubbub."""
        return [self.python, "-m", "hubbub", *words]

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the environment in which Python imports this working copy, not an installed hubbub."""
        return {**inherited_environment(), "PYTHONPATH": str(self.root), **settings}


def inherited_environment() -> dict[str, str]:
    """Return the environment of this process without settings of hubbub."""
    return {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Pin processes that are started in this context to a core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def run_process(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, core: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process on a core. It is stopped with SIGTERM at the end."""
    with pinned(core):
        process = subprocess.Popen(command, env=dict(environment), cwd=folder, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        stop_process(process, signal.SIGTERM)


def stop_process(process: subprocess.Popen[bytes], signal_number: signal.Signals) -> None:
    """Stop a process with a signal, or kill it after START_TIMEOUT_S."""
    if process.poll() is None:
        process.send_signal(signal_number)
    try:
        process.wait(START_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_listening(name: str, port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process accepts connections. Raises ProcessUnavailable."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ProcessUnavailable(f"{name} ended at its start")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise ProcessUnavailable(f"{name} does not listen after {START_TIMEOUT_S:.0f} s")


def wait_until_settled(pids: Sequence[int]) -> None:
    """Wait until processes use hardly any CPU time, so that their start is not part of a measurement."""
    deadline = time.monotonic() + START_TIMEOUT_S
    used_s = [float("-inf")] * (_SETTLED_PERIODS + 1)
    while time.monotonic() < deadline:
        used_s = [*used_s[1:], sum(tree_cpu_s(pid) for pid in pids)]
        if used_s[-1] - used_s[0] <= _SETTLED_CPU_S:
            return
        time.sleep(_SETTLE_PERIOD_S)


def free_port() -> int:
    """Return a port of the loopback interface that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
