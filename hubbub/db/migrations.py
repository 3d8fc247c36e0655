"""Schema migrations with aerich: list, state, upgrade and downgrade."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

import hubbub
from hubbub.config import Settings
from hubbub.db import database, errors, requirements
from hubbub.db.database import DatabaseProblem
from hubbub.db.sql import Sql

if TYPE_CHECKING:
    from aerich import Command

APP = "models"
LOCATION = Path(hubbub.__file__).parent / "migrations"
LOCK_KEY = 0x48554242  # an arbitrary number, the same for all processes that migrate
LOCK_S = 120.0


class MigrationStep(NamedTuple):
    """One migration of the schema."""

    name: str  # of its file
    applied: bool  # to this database


def names() -> list[str]:
    """Return the names of all migrations, in order."""
    return sorted(
        (path.name for path in LOCATION.glob("[0-9]*_*.py")), key=lambda name: int(name.split("_")[0])
    )


async def _applied() -> list[str]:
    """Return the migrations that the connected database has, in their order."""
    sql = database.connection()
    version_table = "to_regclass('aerich')" if sql.dialect == "postgres" else _SQLITE_VERSION_TABLE
    if (await sql.fetch(f"SELECT {version_table} AS there"))[0]["there"] is None:
        return []
    rows = await sql.fetch("SELECT version FROM aerich WHERE app = $1 ORDER BY id", APP)
    return [str(row["version"]) for row in rows]


_SQLITE_VERSION_TABLE = "(SELECT name FROM sqlite_master WHERE name = 'aerich')"


async def pending() -> list[str]:
    """Return the migrations that the connected database lacks."""
    applied = set(await _applied())
    return [name for name in names() if name not in applied]


async def open_current(settings: Settings) -> None:
    """Connect, and check that the schema matches this code. Raises DatabaseProblem."""
    in_memory = (
        settings.uses_sqlite and str(database.sqlite_path(settings.database_url)) == database.IN_MEMORY
    )
    await database.connect(settings, migrating=in_memory)
    try:
        outstanding = await (_up(settings) if in_memory else pending())
    except BaseException as error:
        await database.close()
        if isinstance(error, DatabaseProblem) or (reason := errors.reason(error)) is None:
            raise
        raise database.problem(settings, reason) from error
    if outstanding and not in_memory:
        await database.close()
        count = "one migration" if len(outstanding) == 1 else f"{len(outstanding)} migrations"
        raise database.problem(settings, f"is {count} behind this version. Run: hubbub migrate")


async def status(settings: Settings) -> list[MigrationStep]:
    """Return all migrations. Connects and disconnects. Raises DatabaseProblem."""
    async with _connected(settings):
        applied = await _applied()
        return [MigrationStep(name, name in applied) for name in names()]


async def up(settings: Settings) -> list[str]:
    """Apply the pending migrations and return their names. Safe to run concurrently on several machines."""
    async with _connected(settings):
        return await _up(settings)


async def _up(settings: Settings) -> list[str]:
    async with _exclusive():
        if not await pending():
            return []
        await _check_privileges(settings)
        return list(await _aerich(settings).upgrade())


async def down(settings: Settings) -> list[str]:
    """Revert the last migration, with the rows of its tables; return its name, or nothing without one."""
    async with _connected(settings), _exclusive():
        applied = await _applied()
        if not applied:
            return []
        await _check_privileges(settings)
        if applied[-1] not in names():
            raise database.problem(
                settings, f"has the migration {applied[-1]}, which only a newer version contains."
            )
        return list(await _aerich(settings).downgrade(version=-1, delete=False))


async def _check_privileges(settings: Settings) -> None:
    """Raise DatabaseProblem if the user lacks the privileges that a migration needs."""
    if (reason := await requirements.missing_for_migrations(database.connection())) is not None:
        raise database.problem(settings, reason)


def _aerich(settings: Settings) -> "Command":
    # Imported here because it takes long, and `serve` does not need it.
    from aerich import Command  # noqa: PLC0415
    from aerich.migrate import Migrate  # noqa: PLC0415

    Migrate.app = APP
    Migrate.migrate_location = LOCATION
    return Command(database.configuration(settings, migrating=True), app=APP, location=str(LOCATION))


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[None]:
    await database.connect(settings, migrating=True)
    try:
        yield
    except Exception as error:
        if isinstance(error, DatabaseProblem) or (reason := errors.reason(error)) is None:
            raise
        raise database.problem(settings, reason) from error
    finally:
        await database.close()


@asynccontextmanager
async def _exclusive() -> AsyncIterator[None]:
    """Run one migration at a time, on all machines."""
    sql = database.connection()
    if sql.dialect == "sqlite":
        async with _exclusive_on_sqlite(sql):
            yield
        return
    async with (
        get_connection(database.CONNECTION_NAME).acquire_connection() as connection,
        connection.transaction(),
    ):
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY, timeout=LOCK_S)
        yield


@asynccontextmanager
async def _exclusive_on_sqlite(sql: Sql) -> AsyncIterator[None]:
    """Run everything in one transaction: foreign keys are off while tables are rebuilt, then checked."""
    await sql.execute("PRAGMA foreign_keys = OFF")  # has no effect inside a transaction
    try:
        async with in_transaction(database.CONNECTION_NAME):
            yield
            if broken := await database.connection().fetch("PRAGMA foreign_key_check"):
                raise DatabaseProblem(
                    f"Nothing was migrated: {len(broken)} rows would refer to missing rows."
                )
    finally:
        await sql.execute("PRAGMA foreign_keys = ON")
