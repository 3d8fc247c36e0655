"""The database of this instance: opening it, transactions, and what its errors mean."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg
from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.exceptions import (
    DBConnectionError,
    IntegrityError,
    OperationalError,
    TransactionManagementError,
)
from tortoise.transactions import in_transaction

from hubbub import models
from hubbub.config import Settings
from hubbub.core import ids
from hubbub.core.errors import Unavailable
from hubbub.models.connection import Sql

NAME = "default"
STATEMENT_S = 10.0
CONNECT_S = 5.0
BUSY_MS = 5000

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    DBConnectionError,
    ConnectionError,
    OSError,
    TimeoutError,
)
_SQLITE_AWAY = ("locked", "busy", "disk i/o", "unable to open", "full", "readonly", "malformed")


class DatabaseProblem(Exception):  # noqa: N818 - names the state of affairs
    """The database can't be used: one line that says why and what to do."""


def configuration(settings: Settings) -> dict[str, Any]:
    """Tortoise's view of the settings."""
    url = settings.database_url
    engine, credentials = _sqlite(url) if url.startswith("sqlite") else _postgres(url, settings.database_pool)
    return {
        "connections": {NAME: {"engine": engine, "credentials": credentials}},
        "apps": {"models": {"models": ["hubbub.models", "aerich.models"], "default_connection": NAME}},
        "use_tz": True,
        "timezone": "UTC",
    }


def _sqlite(url: str) -> tuple[str, dict[str, Any]]:
    path = sqlite_path(url)
    # FULL: a commit survives the loss of power too; what it costs is in docs/decisions/0003-storage.md.
    return "hubbub.models.engines.sqlite", {
        "file_path": str(path),
        "journal_mode": "WAL",
        "synchronous": "FULL",
        "busy_timeout": BUSY_MS,
        "foreign_keys": "ON",
        "cache_size": -32_000,
    }


def sqlite_path(url: str) -> Path:
    """`sqlite://relative/path` or `sqlite:///absolute/path`."""
    return Path(unquote(url.removeprefix("sqlite://").partition("?")[0]))


def _postgres(url: str, pool: int) -> tuple[str, dict[str, Any]]:
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    if "sslmode" in options:
        options["ssl"] = options.pop("sslmode")
    return "hubbub.models.engines.postgres", {
        "host": options.pop("host", None) or parts.hostname or "localhost",
        "port": parts.port or 5432,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.lstrip("/")),
        "minsize": 1,
        "maxsize": pool,
        "timeout": CONNECT_S,
        "command_timeout": STATEMENT_S,
        "server_settings": {"application_name": "hubbub"},
        **options,
    }


async def connect(settings: Settings) -> None:
    """Connect, whatever the schema is. Raises DatabaseProblem."""
    shown = _shown(settings.database_url)
    try:
        if settings.database_url.startswith("sqlite"):
            sqlite_path(settings.database_url).parent.mkdir(parents=True, exist_ok=True)
        await Tortoise.init(config=configuration(settings), _enable_global_fallback=True)
        await asyncio.wait_for(connection().fetch("SELECT 1"), CONNECT_S * 2)
        if dialect() == "sqlite":
            await connection().fetch("SELECT count(*) FROM sqlite_master")
    except asyncpg.InvalidPasswordError:
        raise await _refused(f"{shown}: the user or the password is not accepted.") from None
    except (asyncpg.InvalidCatalogNameError, DBConnectionError):
        raise await _refused(f"{shown}: there is no such database. Make it first (createdb).") from None
    except (sqlite3.Error, OperationalError) as error:
        raise await _refused(f"{shown}: {error}. Is it a hubbub database that no other program holds?") from None
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise await _refused(f"{shown}: can't be reached or opened ({_reason(error)}).") from None


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


async def _refused(line: str) -> DatabaseProblem:
    await close()
    return DatabaseProblem(f"Database {line}")


def _shown(url: str) -> str:
    """Without the password."""
    if url.startswith("sqlite"):
        return str(sqlite_path(url))
    parts = urlsplit(url)
    return f"{parts.path.lstrip('/')} on {parts.hostname}:{parts.port or 5432}"


async def close() -> None:
    """Disconnect. Safe to call twice."""
    if Tortoise._inited:  # noqa: SLF001 - Tortoise has no public question for it
        await Tortoise.close_connections()


def connection() -> Sql:
    """SQL by hand: in the running transaction if there is one, else on its own."""
    return Sql(get_connection(NAME))


def dialect() -> str:
    """`postgres` or `sqlite`."""
    return connection().dialect


@asynccontextmanager
async def transaction() -> AsyncIterator[Sql]:
    """One transaction; models used inside take part in it. Raises Unavailable.

    Start no task inside: it would go on writing through a transaction that has ended.
    """
    async with guard(), in_transaction(NAME) as client:
        yield Sql(client)


@asynccontextmanager
async def guard() -> AsyncIterator[None]:
    """Turn the errors of a database that is away into Unavailable."""
    try:
        yield
    except Exception as error:
        if is_away(error):
            raise Unavailable from error
        raise


def is_away(error: BaseException) -> bool:
    """Whether the database could not be asked, as opposed to: it was asked something wrong."""
    if isinstance(error, _AWAY):
        return True
    if isinstance(error, (sqlite3.OperationalError, OperationalError, TransactionManagementError)):
        said = str(error).lower()
        return any(sign in said for sign in _SQLITE_AWAY)
    return False


def is_duplicate(error: BaseException) -> bool:
    """Whether a unique constraint refused the row."""
    said = str(error).lower()
    if isinstance(error, (IntegrityError, sqlite3.IntegrityError)):
        return "unique" in said
    return isinstance(error, asyncpg.UniqueViolationError)


async def epoch() -> str:
    """The name of this database's history; made when it is first asked for."""
    async with transaction():
        row, _ = await models.State.get_or_create(key="epoch", defaults={"value": str(ids.new())})
        return row.value
