"""PostgreSQL's programs for dump and restore: finds them and converts a database URL into arguments."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

DEBIAN_DIR = Path("/usr/lib/postgresql")
VERSION_TIMEOUT_S = 10.0
# Parameters of libpq in a connection URI (PostgreSQL 15, 34.1.2). asyncpg treats others as server settings.
_LIBPQ_PARAMETERS = frozenset(
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
_ASYNCPG_PARAMETERS = frozenset({"statement_cache_size"})
_LIBPQ_ALIASES = {"database": "dbname"}


class ToolMissing(Exception):
    """There is no program that is new enough. The message is one line that states what to install."""


class Tool(NamedTuple):
    """A program of PostgreSQL and its major version."""

    path: Path
    major: int


class Target(NamedTuple):
    """A database as an argument of these programs: a URI without a password, and their environment."""

    uri: str
    environment: dict[str, str]


def find(name: str, server_major: int) -> Tool:
    """Return the newest program of that name that is not older than the server. Raises ToolMissing."""
    found = max(candidates(name), key=lambda tool: tool.major, default=None)
    install = f"Install postgresql-client-{server_major} or newer"
    if found is None:
        raise ToolMissing(f"{name} is not installed. {install}.")
    if found.major < server_major:
        raise ToolMissing(
            f"{name} {found.major} is older than the server, PostgreSQL {server_major}. {install}."
        )
    return found


def sibling(tool: Tool, name: str) -> Path:
    """Return another program of the same installation. Raises ToolMissing."""
    path = tool.path.with_name(name)
    if not path.is_file():
        raise ToolMissing(f"{path} is missing. Install postgresql-client-{tool.major}.")
    return path


def candidates(name: str) -> Iterable[Tool]:
    """Yield the installed programs of that name, in Debian's folders and on the path."""
    directories = [
        *DEBIAN_DIR.glob("*/bin"),
        *(Path(directory) for directory in _environment().get("PATH", "").split(":") if directory),
    ]
    for path in dict.fromkeys(directory / name for directory in directories):
        if shutil.which(path) and (major := _major_version(path)) is not None:
            yield Tool(path, major)


def _major_version(path: Path) -> int | None:
    try:
        result = subprocess.run(  # noqa: S603 - a program of that name, from the path of this process
            [path, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    found = re.search(r"\) (\d+)", result.stdout)
    return int(found[1]) if found else None


def to_target(url: str) -> Target:
    """Return the arguments for the database of a URL. The password goes into the environment."""
    url_parts = urlsplit(url)
    user, _, hosts = url_parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    query, server_options, secret = {}, [], unquote(password)
    for key, value in parse_qsl(url_parts.query):
        parameter = _LIBPQ_ALIASES.get(key, key)
        if parameter == "password":
            secret = value
        elif parameter in _LIBPQ_PARAMETERS:
            query[parameter] = value
        elif parameter not in _ASYNCPG_PARAMETERS:
            server_options.append(f"-c {parameter}={_escape(value)}")
    if "," in hosts:
        query.setdefault("target_session_attrs", "read-write")  # the host that asyncpg chooses
    netloc = f"{name}@{hosts}" if name else hosts
    parameters = urlencode(query, quote_via=quote)
    uri = url_parts._replace(scheme="postgresql", netloc=netloc, query=parameters).geturl()
    environment = {key: value for key, value in _environment().items() if not key.startswith("HUBBUB_")}
    options = " ".join([*server_options, "-c statement_timeout=0", "-c client_min_messages=warning"])
    environment |= {"PGOPTIONS": options, "PGAPPNAME": "hubbub", "PGCLIENTENCODING": "UTF8"}
    if secret:
        environment["PGPASSWORD"] = secret
    return Target(uri, environment)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _environment() -> dict[str, str]:
    return dict(os.environ)  # noqa: TID251 - passed to child processes; no setting is read from it
