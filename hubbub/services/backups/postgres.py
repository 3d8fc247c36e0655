"""PostgreSQL in a backup: dump and counts from one snapshot; a full read before a restore."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from hubbub.config import Settings
from hubbub.db import database
from hubbub.db.engines.writable import Hosts
from hubbub.gateways import postgres_programs as programs
from hubbub.gateways import postgres_tools
from hubbub.gateways.postgres_programs import ProgramFailed
from hubbub.gateways.postgres_tools import Tool, ToolMissing
from hubbub.services.backups.files import Advance, BackupProblem, Writer
from hubbub.services.backups.manifest import highest_seqs

if TYPE_CHECKING:
    import asyncpg

CONNECT_TIMEOUT_S = 10.0
EXCLUDED_TABLE = "processes"  # registrations of running processes are not backed up

OpenStream = Callable[[], AbstractContextManager[Iterator[bytes]]]


class DumpResult(NamedTuple):
    """What was dumped. `digest` is the SHA-256 of the file."""

    epoch: str
    migrations: list[str]
    row_counts: dict[str, int]
    highest_seqs: list[int]
    digest: str


@asynccontextmanager
async def connect(settings: Settings) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Yield a connection without statement timeouts. Raises DatabaseProblem."""
    engine = database.configuration(settings)["connections"][database.CONNECTION_NAME]
    hosts = Hosts(engine["credentials"]["dsns"])
    with database.translate_errors(settings):
        connection = await hosts.connect(timeout=CONNECT_TIMEOUT_S, statement_cache_size=0)
    try:
        yield connection
    finally:
        connection.terminate()


def find_program(name: str, connection: "asyncpg.Connection[asyncpg.Record]") -> Tool:
    """Return a program whose version fits the server. Raises BackupProblem."""
    try:
        return postgres_tools.find(name, connection.get_server_version().major)
    except ToolMissing as error:
        raise BackupProblem(str(error)) from None


async def database_size_bytes(settings: Settings) -> int:
    """Return the size of the database."""
    async with connect(settings) as connection:
        return int(await connection.fetchval("SELECT pg_database_size(current_database())"))


async def dump(settings: Settings, writer: Writer, advance: Advance) -> DumpResult:
    """Write the database to a backup. Raises BackupProblem, DatabaseProblem."""
    async with connect(settings) as connection:
        tool = find_program("pg_dump", connection)
        await connection.execute("SET idle_in_transaction_session_timeout = 0")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if await connection.fetchval("SELECT to_regclass('aerich')") is None:
                raise database.problem(settings, "has no tables of hubbub. Run: hubbub migrate")
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            await _run_dump(tool, settings, snapshot, writer, advance)
            applied = await connection.fetch("SELECT version FROM aerich ORDER BY id")
            rooms = await connection.fetch("SELECT last_seq FROM rooms ORDER BY id")
            return DumpResult(
                await connection.fetchval("SELECT value FROM state WHERE key = 'epoch'") or "",
                [row["version"] for row in applied],
                await _row_counts(connection),
                highest_seqs([row["last_seq"] for row in rooms]),
                writer.finish(),
            )


async def _run_dump(tool: Tool, settings: Settings, snapshot: str, writer: Writer, advance: Advance) -> None:
    target = postgres_tools.to_target(settings.database_url)
    arguments = ["-Fc", "--no-owner", "--no-privileges", "--no-password", f"--snapshot={snapshot}"]
    arguments += [f"--exclude-table-data=*.{EXCLUDED_TABLE}", "-d", target.uri]

    async def on_chunk(piece: bytes) -> None:
        writer.write(piece)
        advance(len(piece))

    try:
        await programs.run(await programs.start(tool.path, arguments, target), (), on_chunk, "pg_dump")
    except ProgramFailed as error:
        raise BackupProblem(f"{error}.") from None


async def _row_counts(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    )
    return {
        row["tablename"]: int(await connection.fetchval(f'SELECT count(*) FROM "{row["tablename"]}"'))
        for row in tables
        if row["tablename"] != EXCLUDED_TABLE
    } | {EXCLUDED_TABLE: 0}


async def check(settings: Settings, open_stream: OpenStream) -> str:
    """Read a dump to its end. Returns its table of contents. Raises BackupProblem, DatabaseProblem."""
    async with connect(settings) as connection:
        tool = find_program("pg_restore", connection)
    target = postgres_tools.to_target(settings.database_url)
    contents = bytearray()

    async def collect(piece: bytes) -> None:
        contents.extend(piece)

    async def discard(_: bytes) -> None:
        """Ignore the output: only readability is checked."""

    try:
        postgres_tools.sibling(tool, "psql")
        for arguments, consume in ((["--list"], collect), (["-f", "-"], discard)):
            with open_stream() as stream:
                await programs.run(
                    await programs.start(tool.path, arguments, target), stream, consume, "pg_restore"
                )
    except (ProgramFailed, ToolMissing) as error:
        raise BackupProblem(f"{str(error).rstrip('.')}.") from None
    return contents.decode(errors="replace")


async def current_epoch(settings: Settings) -> str:
    """Return the epoch of the database; empty if it has none."""
    async with connect(settings) as connection:
        if await connection.fetchval("SELECT to_regclass('state')") is None:
            return ""
        return await connection.fetchval("SELECT value FROM state WHERE key = 'epoch'") or ""
