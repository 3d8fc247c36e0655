"""The database of this instance: connecting, transactions, and honest errors while it is away."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import asyncpg
import tortoise.context
from tortoise import transactions
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext

from hubbub.config import Settings
from hubbub.core import clock, ids, metrics, tasks
from hubbub.core.errors import Unavailable
from hubbub.models import failures
from hubbub.models.connection import Sql
from hubbub.models.failures import is_away, is_duplicate

__all__ = [
    "DatabaseProblem",
    "away",
    "close",
    "connect",
    "connection",
    "dialect",
    "epoch",
    "guard",
    "in_transaction",
    "is_away",
    "is_duplicate",
    "sqlite_path",
    "suspect",
    "transaction",
]

NAME = "default"
CONNECT_S = 5.0
STATEMENT_S = 10.0
LOOKOUT_S = 0.5
LOOKOUT_WAIT_S = 2.0
BUSY_MS = 5000  # how long SQLite waits for another process to finish writing
OLDEST_POSTGRES = 130000

log = logging.getLogger(__name__)


class DatabaseProblem(Exception):
    """The database can't be used: one line that says why and what to do."""


class _State:
    """What this process holds: the open database, whether it is away, and who looks out for it then."""

    opened: TortoiseContext | None = None
    away = False
    lookout: "asyncio.Task[None] | None" = None


def configuration(settings: Settings, *, migrating: bool = False) -> dict[str, Any]:
    """Tortoise's view of the settings. A step of a migration may take as long as it needs."""
    url = settings.database_url
    if settings.uses_sqlite:
        engine = {"engine": "hubbub.models.engines.sqlite", "credentials": _sqlite(url)}
    else:
        pool = 2 if migrating else settings.database_pool
        seconds = None if migrating else STATEMENT_S
        engine = {"engine": "hubbub.models.engines.postgres", "credentials": _postgres(url, pool, seconds)}
    tables = ["hubbub.models", *(["aerich.models"] if migrating else [])]
    return {
        "connections": {NAME: engine},
        "apps": {"models": {"models": tables, "default_connection": NAME}},
        "use_tz": True,
        "timezone": "UTC",
    }


def _sqlite(url: str) -> dict[str, Any]:
    return {
        "file_path": str(sqlite_path(url)),
        "busy_timeout": BUSY_MS,
        "journal_mode": "WAL",
        # A commit survives the loss of power, too; what it costs is in docs/decisions/0003-storage.md.
        "synchronous": "FULL",
        "foreign_keys": "ON",
        "journal_size_limit": 64 * 1024 * 1024,
        "cache_size": -32_000,  # KiB
    }


def sqlite_path(url: str) -> Path:
    """`sqlite://relative/path` or `sqlite:///absolute/path`."""
    return Path(unquote(url.removeprefix("sqlite://").partition("?")[0]))


def _postgres(url: str, pool: int, statement_s: float | None) -> dict[str, Any]:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    # 0 for a pgbouncer that knows no prepared statements; what else is in the address asyncpg reads itself.
    cached = options.pop("statement_cache_size", "100")
    if not cached.isdecimal():
        raise asyncpg.ClientConfigurationError("statement_cache_size is a number")
    return {
        "dsn": parts._replace(query=urlencode({"application_name": "hubbub", **options})).geturl(),
        "minsize": 0,  # more, and asyncpg logs a traceback each second while the server is away
        "maxsize": pool,
        "timeout": CONNECT_S,
        "command_timeout": statement_s,
        "statement_s": statement_s or 0,
        "statement_cache_size": int(cached),
    }


async def connect(settings: Settings, *, migrating: bool = False) -> None:
    """Connect, whatever the schema is; one database at a time. Raises DatabaseProblem."""
    try:
        if settings.uses_sqlite:
            sqlite_path(settings.database_url).parent.mkdir(parents=True, exist_ok=True)
        _State.opened, _State.away = TortoiseContext(), False
        EXECUTOR_CACHE.clear()  # statements by table, in the dialect of whichever database was open before
        # Current only while it is set up: tasks find it as the global one, and none keeps one that is closed.
        with _State.opened as context:
            await context.init(
                config=configuration(settings, migrating=migrating), _enable_global_fallback=True
            )
        await _look()
        metrics.gauge("database_up", lambda: float(not _State.away))
    except BaseException as error:
        await close()
        if (why := failures.reason(error)) is None or isinstance(error, DatabaseProblem):
            raise
        raise problem(settings, why) from error


async def _look() -> None:
    """A first query. SQLite reads the file only now."""
    sql = connection()
    if sql.dialect == "sqlite":
        await sql.fetch("SELECT count(*) FROM sqlite_master")
        return
    rows = await sql.fetch("SELECT current_setting('server_version_num')::int AS version")
    if rows[0]["version"] < OLDEST_POSTGRES:
        raise DatabaseProblem("hubbub needs PostgreSQL 13 or newer.")


def problem(settings: Settings, why: str) -> DatabaseProblem:
    """The line for a person; it names the database without its password."""
    url = settings.database_url
    if settings.uses_sqlite:
        return DatabaseProblem(f"The database {sqlite_path(url)} {why}")
    parts = urlsplit(url)
    return DatabaseProblem(f"PostgreSQL at {parts.netloc.rpartition('@')[2]}{parts.path} {why}")


async def close() -> None:
    """Disconnect. Safe to call twice."""
    opened, _State.opened = _State.opened, None
    await tasks.stop(_State.lookout)
    _State.away, _State.lookout = False, None
    if opened is None:
        return
    try:
        await opened.close_connections()
    finally:
        if tortoise.context._global_context is opened:  # noqa: SLF001 - it stays when closing fails
            tortoise.context._global_context = None  # noqa: SLF001


def connection() -> Sql:
    """SQL by hand: in the running transaction if there is one, else each statement on its own."""
    return Sql(get_connection(NAME))


def dialect() -> str:
    """`postgres` or `sqlite`."""
    return connection().dialect


@asynccontextmanager
async def transaction() -> AsyncIterator[Sql]:
    """One transaction; models used inside take part in it. Inside another one it is a savepoint.

    Raises Unavailable, also when it is not known whether the commit was done. Start no task inside: it would
    find the transaction ended.
    """
    async with guard(), transactions.in_transaction(NAME) as client:
        yield Sql(client)


def in_transaction() -> bool:
    """Whether the caller is inside a transaction."""
    return isinstance(get_connection(NAME), TransactionalDBClient)


@asynccontextmanager
async def guard() -> AsyncIterator[None]:
    """Turn the errors of a database that is away into Unavailable."""
    try:
        yield
    except Exception as error:
        if not is_away(error):
            raise
        suspect(repr(failures.bare(error)))
        raise Unavailable from error


def suspect(why: str) -> None:
    """Something failed for want of the database, or waited for it too long: see whether it answers at all."""
    metrics.count("database_errors")
    if _State.lookout is None or _State.lookout.done():
        _State.lookout = tasks.spawn(_look_out(why), name="lookout for the database")


def away() -> bool:
    """Whether the database does not answer. While that is so, nobody waits for it."""
    return _State.away


async def _look_out(why: str) -> None:
    """Ask until there is an answer.

    One line when it is away and one when it is back, whatever fails between; none for a single failure.
    """
    began = clock.monotonic()
    client: Any = get_connection(NAME)
    while not await client.answers(LOOKOUT_WAIT_S):
        if not _State.away:
            log.warning("the database is away", extra={"error": why})
        _State.away = client.silent = True
        await asyncio.sleep(LOOKOUT_S)
    if _State.away:
        _State.away = client.silent = False
        log.info("the database is back", extra={"seconds": round(clock.monotonic() - began, 1)})


async def epoch() -> str:
    """The name of this database's history; made when it is first asked for."""
    async with transaction() as tx:
        await tx.execute(
            "INSERT INTO state (key, value) VALUES ('epoch', $1) ON CONFLICT DO NOTHING", str(ids.new())
        )
        rows = await tx.fetch("SELECT value FROM state WHERE key = 'epoch'")
        return str(rows[0]["value"])
