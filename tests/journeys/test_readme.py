"""README.md: each snippet runs as it is printed, against an instance and with the stock clients it names."""

import asyncio
import importlib.metadata
import json
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.server_process import ServerProcess

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MODULES = ROOT / "tests" / "node" / "node_modules"
WAIT_S = 30

# What no test here runs, and why.
ELSEWHERE = {
    "make run": "make fresh runs it",
    "pip install": "make fresh runs it",
}


def snippets() -> dict[str, str]:
    """Blocks of code by their first words: fenced, and indented."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", README, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"(?<=\n\n)((?:    .*\n)+)", rest)
    blocks = [*fenced, *(re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in indented)]
    return {" ".join(block.split()[:2]): block for block in blocks}


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """An instance as `make run` starts it, on a separate port."""
    async with ServerProcess(tmp_path, env="development") as server_process:
        yield server_process.url


def printed(name: str, url: str) -> str:
    """A snippet, for the instance at this URL."""
    return snippets()[name].replace("http://127.0.0.1:8000", url)


async def says(command: list[str], folder: Path, *wanted: str) -> None:
    """Run a program until it has printed all of these, in any order."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(WAIT_S):
            while not all(text in said for text in wanted) and (line := await process.stdout.readline()):
                said += line.decode()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
    assert all(text in said for text in wanted), said


async def registered(url: str, folder: Path) -> str:
    """Register as printed; the access token."""
    command, _, displayed = printed("curl -s", url).partition("# ")
    (folder / "register.sh").write_text(command)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-e", "register.sh"), cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), WAIT_S)
    data = json.loads(output)["data"]
    assert set(re.findall(r'"(\w+)":', displayed)) == {"data", *data.keys()}
    token: str = data["access_token"]
    return token


def test_every_snippet_is_run():
    assert snippets().keys() == {"curl -s", "import {", "import asyncio,", *ELSEWHERE}


async def test_the_javascript_snippet_exchanges_messages(url, tmp_path):
    token = await registered(url, tmp_path)
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "chat.mjs").write_text(printed("import {", url))
    node = shutil.which("node")
    assert node, "The tests need Node.js 20 or newer."

    await says([node, "chat.mjs", token], tmp_path, "stored as ", "Ada Hello from JavaScript")


async def test_the_python_snippet_exchanges_messages(url, tmp_path):
    token = await registered(url, tmp_path)
    (tmp_path / "chat.py").write_text(printed("import asyncio,", url))

    await says([sys.executable, "-u", "chat.py", token], tmp_path, "'ok': True", "Ada Hello from Python")


def test_the_packages_to_install_exist():
    """Of a name that the package does not spell so, older pips install the package alone, with a warning."""
    asked = dict(re.findall(r"`pip install '([\w-]+)\[([\w-]+)\]'`", README))

    assert asked
    for package, extra in asked.items():
        assert extra in (importlib.metadata.metadata(package).get_all("Provides-Extra") or [])
    names = re.findall(r"`npm install ([\w.-]+)`", README)
    assert names
    assert all((MODULES / name / "package.json").exists() for name in names)
