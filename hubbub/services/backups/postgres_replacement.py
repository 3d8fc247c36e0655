"""Replaces PostgreSQL by a dump, in one transaction that raises the epoch and compares the counts.

`pg_restore --clean` writes the script and `psql` runs it. The COMMIT is sent last, after `pg_restore` has
succeeded. If any process is killed before, the server rolls back everything.
"""

import os
import re
from asyncio.subprocess import Process
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from tortoise.models import Model

from hubbub import models
from hubbub.config import Settings
from hubbub.db.migrations import LOCK_KEY
from hubbub.gateways import postgres_programs as programs
from hubbub.gateways import postgres_tools
from hubbub.gateways.postgres_programs import ProgramFailed
from hubbub.queries.eventlog import epochs
from hubbub.services.backups.files import BackupProblem
from hubbub.services.backups.manifest import Manifest
from hubbub.services.backups.postgres import OpenStream, connect, current_epoch, find_program
from hubbub.services.eventlog.epochs import Cause

LOCK_TIMEOUT_S = 30  # for statements of other programs
MAX_TRIES = 3  # a deadlock with statements of running instances aborts one side
RETRYABLE_ERRORS = ("deadlock detected", "lock timeout", "could not obtain lock")
# `message_words` is of earlier releases: their tables are replaced, too.
_TABLES_WITHOUT_MODEL = ("aerich", "entries", "message_words")
MAX_HEAD_BYTES = 1 << 16  # of a script before its first object
_OBJECT_COMMENT = re.compile(rb"^-- (Name|TOC entry|Data for Name)", re.MULTILINE)
_SETTING = re.compile(rb"^SET (\w+) = .*;\n", re.MULTILINE)
_TIMEOUT_SETTINGS = frozenset({b"statement_timeout", b"lock_timeout", b"idle_in_transaction_session_timeout"})
_TABLE = re.compile(r"^\d+; \d+ \d+ TABLE (\S+) (\S+) ", re.MULTILINE)
# Objects of the database itself, not of hubbub. They may belong to another role.
_DATABASE_OBJECT = re.compile(
    r"^\d+; \d+ \d+ (SCHEMA|ACL|DEFAULT ACL|EXTENSION|COMMENT - (SCHEMA|EXTENSION)) "
)


async def replace(
    settings: Settings, manifest: Manifest, new_epoch: str, contents: str, open_stream: OpenStream
) -> None:
    """Replace the database by a checked dump.

    Raises BackupProblem, DatabaseProblem: nothing has changed then.
    """
    for attempt in range(1, MAX_TRIES + 1):
        try:
            await _replace_once(settings, manifest, new_epoch, contents, open_stream)
            break
        except ProgramFailed as error:
            if await current_epoch(settings) == new_epoch:
                break  # only the response to the COMMIT was lost
            if attempt == MAX_TRIES or not any(reason in str(error) for reason in RETRYABLE_ERRORS):
                raise BackupProblem(f"{error}. The database is unchanged.") from None
    async with connect(settings) as connection:
        await connection.execute("ANALYZE")


async def _replace_once(
    settings: Settings, manifest: Manifest, new_epoch: str, contents: str, open_stream: OpenStream
) -> None:
    async with connect(settings) as connection:
        tool = find_program("pg_restore", connection)
        known_settings = {
            row["name"].encode() for row in await connection.fetch("SELECT name FROM pg_settings")
        }
    target = postgres_tools.to_target(settings.database_url)
    arguments = ["-X", "-q", "-w", "-o", os.devnull, "-v", "ON_ERROR_STOP=1", "-d", target.uri, "-f", "-"]
    psql = await programs.start(postgres_tools.sibling(tool, "psql"), arguments, target)
    script = _PsqlScript(psql, known_settings)
    try:
        await script.send(_opening_sql(contents))
        with open_stream() as stream, _restore_list(contents) as list_fd:
            options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "-L", f"/dev/fd/{list_fd}"]
            restore_process = await programs.start(
                tool.path, [*options, "-f", "-"], target, pass_fds=[list_fd]
            )
            await programs.run(restore_process, stream, script.feed, "pg_restore")
        await script.finish(_closing_sql(contents, manifest, new_epoch))
        error_text = await programs.first_error(psql)
        if await psql.wait():
            raise ProgramFailed(f"psql failed: {error_text}")
    except ConnectionError:
        error_text = await programs.first_error(psql)
        raise ProgramFailed(f"psql failed: {error_text}") from None
    finally:
        await programs.kill(psql)


class _PsqlScript:
    """The script that psql reads. Settings that this server does not support are removed from its head."""

    def __init__(self, psql: Process, known_settings: set[bytes]) -> None:
        self._psql = psql  # reads the script from its standard input
        self._known_settings = known_settings - _TIMEOUT_SETTINGS  # of this server, without timeouts
        self._head: bytearray | None = bytearray()  # the part before the first object; None: sent

    async def send(self, data: bytes) -> None:
        """Send a part of the script. Raises ConnectionError if psql has ended."""
        assert self._psql.stdin is not None  # noqa: S101 - a pipe
        if self._psql.returncode is not None:
            raise ConnectionResetError
        self._psql.stdin.write(data)
        await self._psql.stdin.drain()

    async def feed(self, piece: bytes) -> None:
        """Send a piece of pg_restore's output."""
        if self._head is None:
            await self.send(piece)
            return
        self._head += piece
        if len(self._head) >= MAX_HEAD_BYTES or _OBJECT_COMMENT.search(self._head):
            await self._send_head()

    async def _send_head(self) -> None:
        head, self._head = bytes(self._head or b""), None
        found = _OBJECT_COMMENT.search(head)
        end = found.start() if found else len(head)
        await self.send(
            _SETTING.sub(lambda one: one[0] if one[1] in self._known_settings else b"", head[:end])
            + head[end:]
        )

    async def finish(self, data: bytes) -> None:
        """Send the end of the script, with its COMMIT."""
        if self._head is not None:
            await self._send_head()
        await self.send(data)
        assert self._psql.stdin is not None  # noqa: S101 - a pipe
        with suppress(ConnectionError):
            self._psql.stdin.close()
            await self._psql.stdin.wait_closed()


@contextmanager
def _restore_list(contents: str) -> Iterator[int]:
    """Yield a file descriptor with the objects to restore, without those of the database itself."""
    lines = [line for line in contents.splitlines() if not _DATABASE_OBJECT.match(line)]
    file = os.memfd_create("contents", 0)
    try:
        os.write(file, ("\n".join(lines) + "\n").encode())
        os.lseek(file, 0, os.SEEK_SET)
        yield file
    finally:
        os.close(file)


def _find_schema(contents: str) -> str:
    """Return the schema of hubbub's tables in a dump. Raises BackupProblem."""
    for schema, table in _TABLE.findall(contents):
        if table == "state":
            return str(schema)
    raise BackupProblem("The dump has no tables of hubbub.")


def _opening_sql(contents: str) -> bytes:
    """Begin, and drop the existing tables, including those that are not in the dump."""
    schema = _find_schema(contents)
    names = {(str(found[0]), str(found[1])) for found in _TABLE.findall(contents)}
    names |= {(schema, table) for table in (*_TABLES_WITHOUT_MODEL, *_table_names())}
    dropped = ", ".join(f'"{schema_name}"."{table}"' for schema_name, table in sorted(names))
    return (
        f"BEGIN;\nSET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s';\n"
        f"SELECT pg_catalog.pg_advisory_xact_lock({LOCK_KEY});\n"
        f"DROP TABLE IF EXISTS {dropped} CASCADE;\n"
    ).encode()


def _table_names() -> Iterator[str]:
    for name in models.__all__:
        kind = getattr(models, name)
        if isinstance(kind, type) and issubclass(kind, Model):
            yield str(kind._meta.db_table)  # noqa: SLF001 - Tortoise has no public name for it


def _closing_sql(contents: str, manifest: Manifest, new_epoch: str) -> bytes:
    """Compare the counts, raise the epoch, commit."""
    schema = _find_schema(contents)
    values: Mapping[str, str] = {
        epochs.EPOCH_KEY: new_epoch,
        epochs.CAUSE_KEY: epochs.cause_text(new_epoch, Cause.RESTORE.value),
    }
    lines = ["\nDO $check$ BEGIN"]
    for table, count in manifest.row_counts.items():
        lines.append(
            f'IF (SELECT count(*) FROM "{schema}"."{table}") <> {int(count)} THEN '
            f"RAISE EXCEPTION 'the row count of table % differs from the manifest', '{table}'; END IF;"
        )
    lines.append("END $check$;")
    lines += [
        f"INSERT INTO \"{schema}\".state (key, value) VALUES ('{key}', '{value}') "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value;"
        for key, value in values.items()
    ]
    return "\n".join([*lines, "COMMIT;\n"]).encode()
