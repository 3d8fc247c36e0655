"""Install and start hubbub on a fresh machine: `make fresh`, with one Python `make fresh PYTHON=python3.12`.

Clones the last commit into an empty folder. Runs `make run` until hubbub responds, then `make test` with a
few tests, then what README.md says for a machine without make. The home folder is empty, nothing is
inherited from the environment, PATH holds the folders of the system, and pip is the one that Python brings.
Repeats this with each Python of the machine that pyproject.toml names. `--newest` prints the newest of these
and does nothing else.

Uses the standard library alone: it runs before anything is installed.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# How the network is reached, which a machine may define in the environment alone.
NETWORK_VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
)
# A module of each kind: pure functions, both databases, and stock clients. `make test` runs all of them.
TESTS = "tests/core tests/services/eventlog/test_message_writer.py tests/journeys/test_readme.py"
START_S = 600  # with everything that is downloaded and installed before
TEST_S = 1200
STOP_S = 60


class FreshCloneError(Exception):
    """A fresh clone does not install, start or pass its tests."""


class Interpreter(NamedTuple):
    """A Python outside any virtual environment."""

    version: tuple[int, ...]
    path: str

    @property
    def name(self) -> str:
        """The version as text."""
        return ".".join(map(str, self.version))


def supported_versions() -> set[tuple[int, ...]]:
    """Minor versions that pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    classifiers = [mark.rpartition(" :: ")[2] for mark in project["classifiers"] if "Python :: 3." in mark]
    return {tuple(map(int, mark.split("."))) for mark in classifiers}


def _candidates() -> Iterator[str]:
    """Paths of programs that may be a supported Python."""
    folders = [*map(Path, os.get_exec_path()), *map(Path, SYSTEM_PATH.split(":"))]
    folders += sorted((Path.home() / ".pyenv" / "versions").glob("*/bin"))
    for folder in folders:
        for minor in supported_versions():
            yield str(folder / f"python{'.'.join(map(str, minor))}")


def inspect_interpreter(program: str) -> Interpreter | None:
    """Inspect the Python of a program. Returns None if it cannot create virtual environments."""
    code = "import ensurepip, sys, venv; print(*sys.version_info[:3], sys.base_prefix)"
    try:
        result = subprocess.run([program, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor, micro, prefix = result.stdout.strip().split(" ", 3)
    return Interpreter((int(major), int(minor), int(micro)), f"{prefix}/bin/python{major}.{minor}")


def installed_interpreters() -> list[Interpreter]:
    """Each supported Python of this machine once, newest first."""
    interpreters = [inspect_interpreter(program) for program in dict.fromkeys(_candidates())]
    by_version = {it.version: it for it in interpreters if it is not None and Path(it.path).exists()}
    return sorted((it for it in by_version.values() if it.version[:2] in supported_versions()), reverse=True)


class FreshMachine:
    """An empty folder with a clone, an empty home, and one Python."""

    def __init__(self, folder: Path, python: Interpreter) -> None:
        self.clone = folder / "hubbub"
        self.home = folder / "home"
        self.home.mkdir()
        self._output = folder / "output"
        self._environment = {
            "PATH": f"{Path(python.path).parent}:{SYSTEM_PATH}",
            "PYTHON": python.path,
            "HOME": str(self.home),
            **{name: os.environ[name] for name in NETWORK_VARIABLES if name in os.environ},
        }
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.clone)], check=True)

    def run(self) -> None:
        """`make run` until hubbub responds.

        Raises FreshCloneError.
        """
        port = _free_port()
        self._run_until_it_responds(port, "make", "run", f"ARGS=--port {port}")

    def test_with_make(self) -> str:
        """`make test` with a few tests. Returns the last line of its output.

        Raises FreshCloneError.
        """
        process = self._start("make", "test", f"T={TESTS}")
        try:
            if process.wait(TEST_S) != 0:
                raise self._failure("make test")
        except subprocess.TimeoutExpired:
            raise self._failure("make test") from None
        finally:
            _stop(process)
        return self._output.read_text().splitlines()[-1].strip("= ")

    def run_without_make(self) -> None:
        """Run README.md for a machine without make, in a virtual environment, until hubbub responds.

        Raises FreshCloneError.
        """
        venv = self.clone.parent / "venv"
        subprocess.run([self._environment["PYTHON"], "-m", "venv", str(venv)], check=True)
        command = re.search(
            r"^    pip install(.*\n    .*)+", (self.clone / "README.md").read_text(), re.MULTILINE
        )
        if command is None:
            raise FreshCloneError("README.md shows no `pip install`.")
        port = _free_port()
        self._environment |= {
            "PATH": f"{venv / 'bin'}:{self._environment['PATH']}",
            "PIP_CACHE_DIR": str(self.clone / ".cache" / "pip"),
            "HUBBUB_PORT": str(port),
        }
        self._run_until_it_responds(port, "sh", "-ec", command[0])

    def require_empty_home(self) -> None:
        """Raise Problem if anything was written into the home folder."""
        written = sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))
        if written:
            raise FreshCloneError(
                f"Written outside of the clone, into the home folder: {', '.join(written[:20])}"
            )

    def _run_until_it_responds(self, port: int, *command: str) -> None:
        process = self._start(*command)
        try:
            deadline = time.monotonic() + START_S
            while not _responds(f"http://127.0.0.1:{port}/"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise self._failure(" ".join(command))
                time.sleep(0.2)
        finally:
            _stop(process)

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        with self._output.open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=self.clone,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _failure(self, command: str) -> FreshCloneError:
        lines = self._output.read_text(errors="replace").splitlines()
        return FreshCloneError(
            "\n".join([f"`{command}` failed, or took too long. The end of its output:", *lines[-60:]])
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _responds(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def check_interpreter(python: Interpreter) -> str:
    """Install, start and test a fresh clone. Returns the last line of the tests.

    Raises FreshCloneError.
    """
    folder = Path(tempfile.mkdtemp(prefix="hubbub-fresh-"))
    try:
        machine = FreshMachine(folder, python)
        machine.run()
        summary = machine.test_with_make()
        machine.run_without_make()
        machine.require_empty_home()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return summary


def main(arguments: list[str]) -> int:
    """Check the Pythons that are named, else all. Returns the exit code."""
    if arguments == ["--newest"]:
        print(next((it.path for it in installed_interpreters()), sys.executable))
        return 0
    pythons = (
        [interpreter for name in arguments if (interpreter := inspect_interpreter(name))]
        if arguments
        else installed_interpreters()
    )
    if not pythons:
        print("No Python with venv and ensurepip that pyproject.toml names was found.", file=sys.stderr)
        return 1
    failed = 0
    for python in pythons:
        started_at = time.monotonic()
        try:
            summary = check_interpreter(python)
        except FreshCloneError as problem:
            failed = 1
            print(f"A fresh clone fails with Python {python.name}. {problem}", file=sys.stderr)
        else:
            elapsed = time.monotonic() - started_at
            print(
                f"A fresh clone works with Python {python.name}: {summary} ({elapsed:.0f} s in all)",
                flush=True,
            )
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
