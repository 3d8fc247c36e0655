"""Databases for tests: empty ones, and migrated ones that cost little.

On SQLite a migrated database is a copy of a file. On PostgreSQL a copy takes half a second. There a database
is emptied after a test and reused, unless something other than its rows may have changed.
"""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest

T = TypeVar("T")

# For a test of a module whose other tests run on SQLite: its fixture `database_kind` returns the parameter.
both_databases = pytest.mark.parametrize("database_kind", ["sqlite", "postgres"], indirect=True)
MAX_USES = 50  # deleted rows stay in the files, and query plans depend on them
MAX_DELETED_ROWS = 1000
TABLES_SQL = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
AND c.relname <> 'aerich'
"""
SEQUENCES_SQL = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
AND c.relname <> 'aerich_id_seq'
"""
# What a test can change besides rows: schema, functions, triggers, settings, statistics, migrations.
FINGERPRINT_SQL = """
SELECT
  (SELECT md5(string_agg(concat_ws(' ', c.relname, c.relkind), ',' ORDER BY c.relname)) FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace),
  (SELECT md5(string_agg(concat_ws(' ', c.relname, a.attname, a.atttypid, a.attnotnull), ','
    ORDER BY c.relname, a.attnum)) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace),
  (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
  (SELECT md5(string_agg(proname || prosrc, ',' ORDER BY proname)) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace),
  (SELECT string_agg(tgname || tgenabled::text, ',' ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal),
  (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
    WHERE d.datname = current_database()),
  (SELECT count(*) FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid
    WHERE c.relnamespace = 'public'::regnamespace),
  (SELECT string_agg(version, ',' ORDER BY version) FROM aerich)
"""
OTHER_CONNECTIONS_SQL = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Databases:
    """Creates databases for tests, and empties or removes them afterwards."""

    def __init__(self, folder: Path, postgres_url: Callable[[], str]) -> None:
        self._folder = folder
        self._postgres_url = postgres_url
        self._templates: dict[str, str] = {}  # by kind
        self._key_fingerprint: object = None  # of the template on PostgreSQL
        self._try_create: list[str] = []  # on PostgreSQL, templates included
        self._uses: dict[str, int] = {}  # of migrated databases on PostgreSQL
        self._reusable: list[str] = []  # migrated, empty and unused
        self._loop = asyncio.new_event_loop()  # of `_emptying`; runs only during a call
        self._emptying: dict[str, asyncpg.Connection] = {}  # by URL; a new connection costs 20 times the work

    def create_empty(self, kind: str, folder: Path) -> str:
        """A database without tables."""
        if kind == "sqlite":
            return f"sqlite://{folder / f'{uuid4().hex}.db'}"
        return self._create()

    def create_migrated(self, kind: str, folder: Path) -> str:
        """A database with all tables, empty."""
        if kind not in self._templates:
            template_url = self.create_empty(kind, self._folder)
            _run_in_thread(_migrate(template_url, self._folder))
            self._templates[kind] = template_url
            if kind == "postgres":
                self._key_fingerprint = _run_in_thread(_fingerprint(template_url))
        template = self._templates[kind]
        if kind == "sqlite":
            target = folder / "hubbub.db"
            shutil.copyfile(template.removeprefix("sqlite://"), target)
            target.chmod(0o600)
            return f"sqlite://{target}"
        url = self._reusable.pop() if self._reusable else self._create(template.rpartition("/")[2])
        self._uses[url] = self._uses.get(url, 0) + 1
        return url

    def create_with_encoding(self, encoding: str) -> str:
        """A PostgreSQL database of another encoding than UTF8, without tables."""
        return self._create(options=f" ENCODING '{encoding}' LOCALE 'C'")

    def release(self, url: str) -> None:
        """Empty a PostgreSQL database for the next test, or remove it with all connections to it."""
        if url not in self._try_create:
            return
        if 0 < self._uses.get(url, 0) < MAX_USES and _run_in_thread(self._try_to_empty(url), self._loop):
            self._reusable.append(url)
            return
        self._remove(url)

    def close(self) -> None:
        """Remove what is left, templates included."""
        for url in list(self._try_create):
            self._remove(url)
        self._loop.close()

    async def _try_to_empty(self, url: str) -> bool:
        """Delete all rows. False if the database can't be used again: changed, large, still in use."""
        try:
            if url not in self._emptying:
                self._emptying[url] = await asyncpg.connect(url)
            connection = self._emptying[url]
            if await _is_shared(connection):
                return False
            if await connection.fetchrow(FINGERPRINT_SQL) != self._key_fingerprint:
                return False
            return await _delete_rows(connection) <= MAX_DELETED_ROWS
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    def _remove(self, url: str) -> None:
        self._try_create.remove(url)
        self._uses.pop(url, None)
        if (connection := self._emptying.pop(url, None)) is not None:
            _run_in_thread(_close(connection), self._loop)
        name = url.rpartition("/")[2]
        _run_in_thread(_execute(self._postgres_url(), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def _create(self, template: str = "template0", options: str = "") -> str:
        name = f"hubbub_test_{uuid4().hex}"
        server = self._postgres_url()
        # Copying files is several times faster than the default, and available since version 15.
        strategy = " STRATEGY file_copy" if _postgres_major(server) >= 15 else ""
        _run_in_thread(_execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"{strategy}{options}'))
        self._try_create.append(_with_database_name(server, name))
        return self._try_create[-1]


def _run_in_thread(coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop | None = None) -> T:
    """Run a coroutine to its end on a loop outside the loop of the tests: a new one, or the given one."""
    run: Callable[[Coroutine[Any, Any, T]], T] = loop.run_until_complete if loop else asyncio.run
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run, coroutine).result()


async def _execute(url: str, *statements: str) -> int:
    """Run statements on PostgreSQL, outside a transaction; return the server's major version."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
        return int(connection.get_server_version().major)
    finally:
        await connection.close()


@cache
def _postgres_major(url: str) -> int:
    return _run_in_thread(_execute(url))


def _with_database_name(url: str, name: str) -> str:
    """The same server, another database."""
    head, _, _ = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}"


async def _migrate(database_url: str, data_dir: Path) -> None:
    from hubbub.config import Settings
    from hubbub.db import migrations

    await migrations.up(Settings.for_tests(database_url=database_url, data_dir=data_dir))


async def _fingerprint(url: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchrow(FINGERPRINT_SQL)
    finally:
        await connection.close()


async def _close(connection: asyncpg.Connection) -> None:
    """Close a connection, which the server may have closed."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.close()


async def _delete_rows(connection: asyncpg.Connection) -> int:
    """Delete the rows of all tables and start all sequences anew; return how many rows there were.

    One statement, for its time. A sequence is set and not altered: an altered one gets a new file.
    """
    await connection.execute("SET lock_timeout = '1s'; SET session_replication_role = replica")
    tables = [table for (table,) in await connection.fetch(TABLES_SQL)]
    sequences = [sequence for (sequence,) in await connection.fetch(SEQUENCES_SQL)]
    deletions = ", ".join(f'd{n} AS (DELETE FROM "{table}" RETURNING 1)' for n, table in enumerate(tables))
    counts = " + ".join(f"(SELECT count(*) FROM d{n})" for n in range(len(tables)))
    restarts = "".join(f", setval('\"{sequence}\"', 1, false)" for sequence in sequences)
    return int(await connection.fetchval(f"WITH {deletions} SELECT {counts}{restarts}"))


async def _is_shared(connection: asyncpg.Connection) -> bool:
    """Return whether others are connected. A closed connection is listed for some milliseconds."""
    for _ in range(20):
        if not await connection.fetchval(OTHER_CONNECTIONS_SQL):
            return False
        await asyncio.sleep(0.01)
    return True
