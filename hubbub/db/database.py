"""The database of this instance: connection, transactions, and `Unavailable` while it does not respond."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import asyncpg
import tortoise.context
from tortoise import transactions
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext

from hubbub.config import Settings
from hubbub.core import file_modes, metrics
from hubbub.core.errors import Unavailable
from hubbub.db import errors, hosts, requirements
from hubbub.db.engines.dedicated import DedicatedConnection
from hubbub.db.engines.held import HeldConnection
from hubbub.db.errors import Duplicate, is_unavailable
from hubbub.db.sql import Sql
from hubbub.db.sqlite_file import is_in_memory, sqlite_missing, sqlite_path
from hubbub.db.write_check import WriteCheck

__all__ = [
    "DatabaseProblem",
    "Duplicate",
    "close",
    "connect",
    "connection",
    "dedicated",
    "dialect",
    "explain",
    "guard",
    "held",
    "in_transaction",
    "is_in_memory",
    "is_unavailable",
    "on_available",
    "report_failure",
    "sqlite_missing",
    "sqlite_path",
    "transaction",
    "translate_errors",
    "unavailable",
]

CONNECTION_NAME = "default"
CONNECT_S = 5.0
STATEMENT_S = 10.0
BUSY_MS = 5000  # how long SQLite waits for another process to finish writing

log = logging.getLogger(__name__)


class DatabaseProblem(Exception):
    """The database can't be used. The message is one line with the reason and the remedy."""


class _OpenDatabase:
    """The open database of this process."""

    context: TortoiseContext | None = None  # of the open connections; None before `connect` and after `close`
    write_check: WriteCheck | None = None  # checks whether the database accepts writes


def configuration(settings: Settings, *, migrating: bool = False) -> dict[str, Any]:
    """Return Tortoise's configuration. While migrating, statements have no time limit."""
    url = settings.database_url
    if settings.uses_sqlite:
        engine = {"engine": "hubbub.db.engines.sqlite", "credentials": _sqlite_credentials(url)}
    else:
        pool = 2 if migrating else settings.database_pool
        seconds = None if migrating else STATEMENT_S
        engine = {
            "engine": "hubbub.db.engines.postgres",
            "credentials": _postgres_credentials(url, pool, seconds),
        }
    tables = ["hubbub.models", "hubbub.models.portfolio.items", *(["aerich.models"] if migrating else [])]
    return {
        "connections": {CONNECTION_NAME: engine},
        "apps": {"models": {"models": tables, "default_connection": CONNECTION_NAME}},
        "use_tz": True,
        "timezone": "UTC",
    }


def _sqlite_credentials(url: str) -> dict[str, Any]:
    return {
        "file_path": str(sqlite_path(url)),
        "busy_timeout": BUSY_MS,
        "journal_mode": "WAL",
        # A commit survives a power failure. docs/decisions/0003-storage.md states the cost.
        "synchronous": "FULL",
        "foreign_keys": "ON",
        "journal_size_limit": 64 * 1024 * 1024,
        "cache_size": -32_000,  # KiB
    }


def _postgres_credentials(url: str, pool: int, statement_s: float | None) -> dict[str, Any]:
    parts = [urlsplit(each) for each in hosts.split_hosts(url)]
    options = dict(parse_qsl(parts[0].query))
    # 0 for a pgbouncer without prepared statements. asyncpg reads the other options of the URL itself.
    statement_cache = options.pop("statement_cache_size", "100")
    if not statement_cache.isdecimal():
        raise asyncpg.ClientConfigurationError("statement_cache_size is a number")
    return {
        "dsns": [_dsn(each) for each in parts],
        "minsize": 0,  # with more, asyncpg logs a traceback each second while the server is unavailable
        "maxsize": pool,
        "timeout": CONNECT_S,
        "command_timeout": statement_s,
        "statement_s": statement_s or 0,
        "statement_cache_size": int(statement_cache),
    }


def _dsn(parts: SplitResult) -> str:
    options = dict(parse_qsl(parts.query))
    for name in ("statement_cache_size", "target_session_attrs"):
        options.pop(name, None)
    return parts._replace(query=urlencode({"application_name": "hubbub", **options})).geturl()


async def connect(settings: Settings, *, migrating: bool = False) -> None:
    """Connect, whatever the schema is. A process has one database at a time. Raises DatabaseProblem."""
    with translate_errors(settings, _reason):
        try:
            await _open(settings, migrating=migrating)
        except BaseException:
            await close()
            raise


async def _open(settings: Settings, *, migrating: bool) -> None:
    if settings.uses_sqlite and not is_in_memory(settings):
        _create_file(settings)
    _OpenDatabase.context = TortoiseContext()
    EXECUTOR_CACHE.clear()  # its statements have the dialect of the database that was open before
    # Current only during the setup. Tasks find it as the global context, so that none keeps a closed one.
    with _OpenDatabase.context as context:
        await context.init(config=configuration(settings, migrating=migrating), _enable_global_fallback=True)
    await _check_requirements(settings)
    _OpenDatabase.write_check = WriteCheck(get_connection(CONNECTION_NAME), CONNECTION_NAME)
    if not migrating:
        _OpenDatabase.write_check.start()
    metrics.gauge("database_up", lambda: float(not unavailable()))


def _reason(error: BaseException) -> str | None:
    """Return `errors.reason`; while connecting, whatever the driver can't parse is a mistake in the URL."""
    if (reason := errors.reason(error)) is None and isinstance(error, (ValueError, TypeError, LookupError)):
        return "can't be used: HUBBUB_DATABASE_URL is not valid."
    return reason


@contextmanager
def translate_errors(
    settings: Settings, reason_of: Callable[[BaseException], str | None] = errors.reason
) -> Iterator[None]:
    """Turn errors for which `reason_of` has a reason into DatabaseProblem; others pass unchanged."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, DatabaseProblem) or (reason := reason_of(error)) is None:
            raise
        raise problem(settings, reason) from error


def _create_file(settings: Settings) -> None:
    """Create the file of an SQLite database. SQLite gives its mode to the files next to it."""
    path = sqlite_path(settings.database_url)
    try:
        file_modes.create_folder(path.parent)
    except OSError as error:
        reason = f"can't be created: {error.filename or path.parent}: {error.strerror}."
        raise problem(settings, f"{reason} Are the folder and its permissions right?") from error
    with suppress(OSError):  # SQLite reports the reason
        file_modes.create_file(path)


async def _check_requirements(settings: Settings) -> None:
    """Raise DatabaseProblem for a database with which operations would fail later."""
    if (reason := await requirements.missing(connection())) is not None:
        raise problem(settings, reason)


def problem(settings: Settings, reason: str) -> DatabaseProblem:
    """Return the error with the name of the database, without its password."""
    url = settings.database_url
    if settings.uses_sqlite:
        return DatabaseProblem(f"The database {sqlite_path(url)} {reason}")
    return DatabaseProblem(f"PostgreSQL at {hosts.display_hosts(url)} {reason}")


def explain(settings: Settings, error: BaseException) -> DatabaseProblem | None:
    """Return the DatabaseProblem of an error caused by an unavailable database; None for another error."""
    cause = error.__cause__ if isinstance(error, Unavailable) else error
    if isinstance(error, DatabaseProblem) or not (isinstance(error, Unavailable) or is_unavailable(error)):
        return None
    return problem(settings, (cause and errors.reason(cause)) or "does not respond.")


async def close() -> None:
    """Disconnect. Safe to call twice."""
    opened, _OpenDatabase.context = _OpenDatabase.context, None
    check, _OpenDatabase.write_check = _OpenDatabase.write_check, None
    if check is not None:
        await check.close()
    if opened is None:
        return
    try:
        await opened.close_connections()
    finally:
        if tortoise.context._global_context is opened:  # noqa: SLF001 - still set when closing failed
            tortoise.context._global_context = None  # noqa: SLF001


def connection() -> Sql:
    """Return an executor for handwritten SQL: in the current transaction, or each statement on its own."""
    return Sql(get_connection(CONNECTION_NAME))


def dedicated(seconds: float) -> DedicatedConnection:
    """Return a connection outside the pool, for when the pool is exhausted; a use takes at most `seconds`."""
    return DedicatedConnection(get_connection(CONNECTION_NAME), seconds)


def held() -> HeldConnection:
    """Return a connection of PostgreSQL's pool for a user that keeps it; it must release it when idle."""
    return HeldConnection(get_connection(CONNECTION_NAME))


def dialect() -> str:
    """Return `postgres` or `sqlite`."""
    return connection().dialect


@asynccontextmanager
async def transaction() -> AsyncIterator[Sql]:
    """Open a transaction that includes the models used inside; nested, it is a savepoint.

    Raises Unavailable, also when it is unknown whether the commit was done, and Duplicate. Start no task
    inside: it would use the transaction after its end.
    """
    async with guard(), transactions.in_transaction(CONNECTION_NAME) as client:
        yield Sql(client)


def in_transaction() -> bool:
    """Return whether the caller is inside a transaction."""
    return isinstance(get_connection(CONNECTION_NAME), TransactionalDBClient)


class _ErrorGuard:
    """A class, not a generator: each event enters one, which takes 0.4 µs instead of 3.5 µs."""

    async def __aenter__(self) -> None:
        """Nothing is acquired."""

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception) and is_unavailable(error):
            report_failure(repr(errors.unwrap(error)), error)
            raise Unavailable from error
        if error is not None and errors.is_duplicate(error):
            raise Duplicate(str(error)) from error


_GUARD = _ErrorGuard()


def guard() -> AbstractAsyncContextManager[None]:
    """Turn the errors of an unavailable database into Unavailable, those of unique keys into Duplicate."""
    return _GUARD


def report_failure(cause: str, error: BaseException | None = None) -> None:
    """Check at once whether the database accepts writes, because an operation failed or waited too long."""
    if _OpenDatabase.write_check is not None:
        _OpenDatabase.write_check.report_failure(cause, error)


def on_available(listener: Callable[[], None]) -> None:
    """Call `listener` whenever the database responds after an error, until it is closed."""
    if _OpenDatabase.write_check is not None:
        _OpenDatabase.write_check.on_available.append(listener)


def unavailable() -> bool:
    """Return whether the database accepts no writes. Then statements fail at once, except on a full disk."""
    return _OpenDatabase.write_check is not None and _OpenDatabase.write_check.unavailable
