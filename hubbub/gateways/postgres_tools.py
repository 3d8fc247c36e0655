"""The programs of PostgreSQL that dump and restore: which there are, and their arguments for a database."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

DEBIAN = Path("/usr/lib/postgresql")
VERSION_S = 10.0
# What libpq reads in a connection URI (PostgreSQL 15, 34.1.2). To asyncpg the rest are server settings.
_LIBPQ = frozenset(
    {
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "passfile",
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslcrl",
        "sslpassword",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
        "connect_timeout",
        "application_name",
        "channel_binding",
    }
)
_OURS = frozenset({"statement_cache_size"})
_NAMES = {"database": "dbname"}


class ToolMissing(Exception):
    """There is no program that is new enough: one line that says what to install."""


class Tool(NamedTuple):
    """A program of PostgreSQL and its major version."""

    path: Path
    major: int


class Target(NamedTuple):
    """A database as an argument of these programs: a URI without a password, and their environment."""

    uri: str
    environment: dict[str, str]


def find(name: str, server_major: int) -> Tool:
    """The newest program of that name, if it is not older than the server. Raises ToolMissing."""
    found = max(candidates(name), key=lambda tool: tool.major, default=None)
    install = f"Install postgresql-client-{server_major} or newer"
    if found is None:
        raise ToolMissing(f"{name} is not installed. {install}.")
    if found.major < server_major:
        raise ToolMissing(
            f"{name} {found.major} is older than the server, PostgreSQL {server_major}. {install}."
        )
    return found


def beside(tool: Tool, name: str) -> Path:
    """Another program of the same installation. Raises ToolMissing."""
    path = tool.path.with_name(name)
    if not path.is_file():
        raise ToolMissing(f"{path} is missing. Install postgresql-client-{tool.major}.")
    return path


def candidates(name: str) -> Iterable[Tool]:
    """The programs of that name that there are: of Debian, and on the path."""
    places = [
        *DEBIAN.glob("*/bin"),
        *(Path(place) for place in _environment().get("PATH", "").split(":") if place),
    ]
    for path in dict.fromkeys(place / name for place in places):
        if shutil.which(path) and (major := _major(path)) is not None:
            yield Tool(path, major)


def _major(path: Path) -> int | None:
    try:
        done = subprocess.run(  # noqa: S603 - a program of that name, from the path of this process
            [path, "--version"], capture_output=True, text=True, timeout=VERSION_S, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    found = re.search(r"\) (\d+)", done.stdout)
    return int(found[1]) if found else None


def target(url: str) -> Target:
    """What to tell the programs of the database of a URL. The password goes into the environment."""
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    query, server, secret = {}, [], unquote(password)
    for key, value in parse_qsl(parts.query):
        known = _NAMES.get(key, key)
        if known == "password":
            secret = value
        elif known in _LIBPQ:
            query[known] = value
        elif known not in _OURS:
            server.append(f"-c {known}={_escaped(value)}")
    if "," in hosts:
        query.setdefault("target_session_attrs", "read-write")  # the host that asyncpg chooses
    netloc = f"{name}@{hosts}" if name else hosts
    uri = parts._replace(scheme="postgresql", netloc=netloc, query=urlencode(query, quote_via=quote)).geturl()
    environment = {key: value for key, value in _environment().items() if not key.startswith("HUBBUB_")}
    options = " ".join([*server, "-c statement_timeout=0", "-c client_min_messages=warning"])
    environment |= {"PGOPTIONS": options, "PGAPPNAME": "hubbub", "PGCLIENTENCODING": "UTF8"}
    if secret:
        environment["PGPASSWORD"] = secret
    return Target(uri, environment)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _environment() -> dict[str, str]:
    return dict(os.environ)  # noqa: TID251 - handed on to child processes; no setting is read from it
