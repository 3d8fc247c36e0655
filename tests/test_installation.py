"""Installed packages are pinned, complete and the same everywhere. `make fresh` installs them."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support import fresh

ROOT = Path(__file__).parents[1]
INSTALLS = ["Makefile", "Dockerfile", "README.md"]
LISTS = ["build", "main", "dev"]


def _lines(name: str) -> list[str]:
    """Lines of a file; one that ends in a backslash is one with the next."""
    return (ROOT / name).read_text().replace("\\\n", " ").splitlines()


def _pinned(name: str) -> dict[str, str]:
    """Versions of a list, by package and marker."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def _installs(name: str) -> list[str]:
    """Commands of a file that install, with the variables of the Makefile put in."""
    variables = dict(re.findall(r"^([A-Z]+) := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    found = []
    for line in _lines(name):
        for command in re.split(r"&&|\bRUN\b|^PINNED := ", line):
            whole = re.sub(r"\$\((PINNED|PIP)\)", lambda named: variables[named[1]], command)
            whole = whole.replace("$(PIP)", variables["PIP"])
            if re.search(r"\bpip\b[^`#|]* install .*( -r |/\*\.whl| \.$)", whole.strip()):
                found.append(whole.strip())
    return found


@pytest.mark.parametrize("name", INSTALLS)
def test_every_requirements_file_installs_unchanged(name):
    commands = [command for command in _installs(name) if " -r " in command]

    assert len(commands) >= 2
    for command in commands:
        assert "--require-hashes" in command, command
        assert "--no-deps" in command, command
        assert "--use-pep517" in command, command
        assert "--no-build-isolation" in command or "--only-binary :all:" in command, command


@pytest.mark.parametrize("name", INSTALLS)
def test_hubbub_installs_with_the_installed_packages(name):
    commands = [command for command in _installs(name) if " -r " not in command]

    assert commands
    assert all("--no-deps" in command for command in commands)
    assert any(re.search(r"\bpip\)? check", line.replace("$(PIP)", "pip")) for line in _lines(name))


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_has_a_version_and_hashes(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]

    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:", entry), entry


def test_the_requirements_files_agree():
    dev = _pinned("dev")

    assert _pinned("main").items() <= dev.items()
    assert _pinned("build").items() <= dev.items()


def test_the_pip_of_python_is_kept():
    """A list that replaces the running pip would depend on its version."""
    assert all("pip" not in _pinned(name) for name in LISTS)


def test_the_build_backend_is_pinned():
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]

    assert backend == [f"hatchling=={_pinned('build')['hatchling']}"]


def test_the_python_versions_are_those_of_the_project():
    supported = [
        f"python{major}.{minor}" for major, minor in sorted(fresh.supported_versions(), reverse=True)
    ]
    tried = re.search(r"^PYTHONS := .*,(.*)\)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    images = re.findall(r"^FROM (\w+):([0-9.]+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert tried is not None
    assert tried[1].split() == [*supported, "python3"]
    assert {f"{name}{version}" for name, version in images} == {supported[0]}
