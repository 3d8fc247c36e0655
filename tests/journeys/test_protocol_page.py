"""docs/: programs run as printed, and a stock client reconnects when its token has expired."""

import asyncio
import re
import shutil
import sys
from pathlib import Path

import pytest

from hubbub.core import clock, metrics
from tests.journeys.test_readme import MODULES, WAIT_S
from tests.support.live_instance import LiveInstance
from tests.support.waiting import until

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Where each is run; the others are files of settings.
RUN = {
    ("protocol.md", "js"): "here",
    ("protocol.md", "python"): "here",
    ("rest.md", "sh"): "tests/http/middleware/test_api_keys.py",
    ("rest.md", "python"): "tests/http/middleware/test_api_keys.py",
    ("rest.md", "js"): "tests/http/middleware/test_api_keys.py",
    ("extending.md", "python"): "tests/cluster/redis/test_emitter.py",
    ("deploying.md", "sh"): "settings of a machine",
    ("deploying.md", "ini"): "settings of a machine",
}


@pytest.fixture
def database_kind() -> str:
    """What is printed does not depend on the database."""
    return "sqlite"


class Program:
    """A program of the page that runs, and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: list[str] = []

    async def says(self, text: str, times: int = 1) -> None:
        """Wait until it has printed this so many times."""
        assert self._process.stdout is not None
        async with asyncio.timeout(WAIT_S):
            while sum(text in line for line in self.said) < times:
                line = await self._process.stdout.readline()
                assert line, self.said
                self.said.append(line.decode())

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()


def block(page: str, language: str) -> str:
    """The one block of a language on a page."""
    (found,) = [text for kind, text in BLOCK.findall((DOCS / page).read_text()) if kind == language]
    return str(found)


@pytest.fixture
async def run(instance: LiveInstance, tmp_path: Path):
    """Start a program of the page with an argument."""
    programs = []
    (tmp_path / "node_modules").symlink_to(MODULES)
    node = shutil.which("node")
    assert node, "The tests need Node.js 20 or newer."
    commands = {"js": (node, "client.mjs"), "python": (sys.executable, "-u", "client.py")}

    async def start(language: str, argument: str) -> Program:
        command = commands[language]
        text = block("protocol.md", language).replace("http://127.0.0.1:8000", instance.url)
        (tmp_path / command[-1]).write_text(text)
        process = await asyncio.create_subprocess_exec(
            *(*command, argument),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        programs.append(Program(process))
        return programs[-1]

    yield start
    for program in programs:
        await program.stop()


def refused() -> int:
    """Handshakes that were refused in this process."""
    return metrics.labelled["handshakes_refused"]["draining"]


def test_every_documented_program_is_run():
    pages = sorted(path for path in DOCS.glob("*.md"))

    found = {(path.name, kind) for path in pages for kind, _ in BLOCK.findall(path.read_text())}

    assert found == RUN.keys()
    for where in set(RUN.values()) - {"here", "settings of a machine"}:
        assert "docs" in (DOCS.parent / where).read_text()


def test_every_example_gives_auth_as_a_function():
    pages = [DOCS.parent / "README.md", *DOCS.glob("*.md")]

    objects = [
        (path.name, line)
        for path in pages
        for line in path.read_text().splitlines()
        if re.search(r"auth(:|=)\s*\{", line)
    ]

    assert objects == []


@pytest.fixture
def ttl() -> int:
    """Seconds for which an access token is valid."""
    return 900


@pytest.fixture
def settings(settings, ttl):
    return settings.model_copy(update={"access_token_ttl_s": ttl})


@pytest.mark.parametrize("ttl", [1])
async def test_a_client_with_an_expired_token_reconnects(instance: LiveInstance, run) -> None:
    ada = await instance.register("ada")
    program = await run("js", ada.refresh_token)
    await program.says("ready as ada")
    expired_at = clock.monotonic() + 1.0

    # The proxy is down, and no connect succeeds before the token has expired.
    instance.app.sio.eio.draining = True
    for connection in list(instance.app.chat.connections.by_sid.values()):
        connection.client.end_transport()
    await until(lambda: clock.monotonic() > expired_at, WAIT_S)
    instance.app.sio.eio.draining = False

    await program.says("ready as ada", 2)


async def test_the_python_client_retries_the_first_connect(instance: LiveInstance, run, monkeypatch) -> None:
    ada = await instance.register("ada")
    monkeypatch.setattr(instance.app.sio.eio, "draining", True)
    before = refused()
    program = await run("python", ada.token)
    await until(lambda: refused() > before, WAIT_S)
    monkeypatch.setattr(instance.app.sio.eio, "draining", False)

    await program.says("ready as ada")


async def test_the_python_client_stops_at_a_permanent_refusal(instance: LiveInstance, run) -> None:
    program = await run("python", "no token")

    await program.says("refused: {'code': 'unauthenticated'")
