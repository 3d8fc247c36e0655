"""docker-compose.yml as Docker reads it, without Docker: variables substituted, anchors resolved."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?:(:-|:\?)([^}]*))?\})")


class MissingVariable(Exception):
    """A variable without a value and without a default."""


def write_env(folder: Path) -> tuple[dict[str, str], str]:
    """Run docker/write-env.sh for a folder. Returns the variables of the .env, and what was printed."""
    shutil.copytree(ROOT / "docker", folder / "docker", dirs_exist_ok=True)
    result = subprocess.run(
        ["sh", folder / "docker" / "write-env.sh"], check=True, capture_output=True, text=True
    )
    pairs = re.findall(r"^(\w+)=(.*)$", (folder / ".env").read_text(), re.MULTILINE)
    return dict(pairs), result.stdout


def load(variables: dict[str, str]) -> dict[str, Any]:
    """The content of the file. Raises Missing."""
    content: dict[str, Any] = _interpolate(yaml.safe_load(COMPOSE_FILE.read_text()), variables)
    return content


def _interpolate(value: Any, variables: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _interpolate(it, variables) for key, it in value.items()}
    if isinstance(value, list):
        return [_interpolate(it, variables) for it in value]
    return (
        _VARIABLE.sub(lambda found: _substitute(found, variables), value) if isinstance(value, str) else value
    )


def _substitute(match: re.Match[str], variables: dict[str, str]) -> str:
    name, kind, text = match.groups()
    if name is None:
        return "$"  # written $$
    if value := variables.get(name):
        return value
    if kind != ":-":
        raise MissingVariable(f"{name}: {text or ''}")
    return str(text)


def image_environment() -> dict[str, str]:
    """The variables that the image itself sets."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    last = text[text.rindex("\nFROM ") :]
    return {
        name: value
        for line in re.findall(r"^ENV (.*)$", last, re.MULTILINE)
        for name, value in re.findall(r"(\w+)=(\S+)", line)
    }


def hubbub_services(file: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that run hubbub, by name."""
    return {name: each for name, each in file["services"].items() if each.get("image") == "hubbub"}


def environment(service: dict[str, Any]) -> dict[str, str]:
    """What a container of hubbub has in its environment."""
    return {**image_environment(), **{name: str(it) for name, it in service["environment"].items()}}
