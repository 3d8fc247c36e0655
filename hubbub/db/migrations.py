"""Schema migrations with aerich: list, state, upgrade and downgrade."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

import hubbub
from hubbub.config import Settings
from hubbub.core import clock
from hubbub.db import database, requirements
from hubbub.db.database import DatabaseProblem
from hubbub.db.sql import Sql, has_table

if TYPE_CHECKING:
    from aerich import Command

APP = "models"
LOCATION = Path(hubbub.__file__).parent / "migrations"
LOCK_KEY = 0x48554242  # an arbitrary number, the same for all processes that migrate
LOCK_S = 120.0
LOCK_RETRY_S = 0.1
_LOCK_QUERY = f"SELECT 1 WHERE pg_try_advisory_xact_lock({LOCK_KEY})"


class MigrationStep(NamedTuple):
    """One migration of the schema."""

    name: str  # of its file
    applied: bool  # to this database
    known: bool = True  # this version of hubbub contains it


def names() -> list[str]:
    """Return the names of all migrations, in order."""
    return sorted(
        (path.name for path in LOCATION.glob("[0-9]*_*.py")), key=lambda name: int(name.split("_")[0])
    )


async def _applied() -> list[str]:
    """Return the migrations that the connected database has, in their order."""
    sql = database.connection()
    if not await has_table(sql, "aerich"):
        return []
    rows = await sql.fetch("SELECT version FROM aerich WHERE app = $1 ORDER BY id", APP)
    return [str(row["version"]) for row in rows]


async def pending() -> list[str]:
    """Return the migrations that the connected database lacks."""
    applied = set(await _applied())
    return [name for name in names() if name not in applied]


async def open_current(settings: Settings) -> None:
    """Connect, and check that the schema matches this code. Raises DatabaseProblem."""
    in_memory = database.is_in_memory(settings)
    await database.connect(settings, migrating=in_memory)
    with database.translate_errors(settings):
        try:
            outstanding = await (_up(settings) if in_memory else pending())
        except BaseException:
            await database.close()
            raise
    if outstanding and not in_memory:
        await database.close()
        count = "one migration" if len(outstanding) == 1 else f"{len(outstanding)} migrations"
        raise database.problem(settings, f"is {count} behind this version. Run: hubbub migrate")


async def status(settings: Settings) -> list[MigrationStep]:
    """Return all migrations, those of a newer version last. Opens a connection. Raises DatabaseProblem."""
    async with _connected(settings):
        applied, known = await _applied(), names()
        newer = [name for name in applied if name not in known]
        steps = [MigrationStep(name, name in applied) for name in known]
        return steps + [MigrationStep(name, applied=True, known=False) for name in newer]


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
        await _revert(settings, applied[-1])
        return [applied[-1]]


async def _revert(settings: Settings, name: str) -> None:
    """Revert a migration; in steps, if it was applied in steps. aerich always uses one transaction."""
    from aerich.utils import file_module_info, import_py_module  # noqa: PLC0415 - as in `_aerich`

    module = import_py_module(file_module_info(LOCATION, Path(name).stem))
    client = get_connection(database.CONNECTION_NAME)
    if settings.uses_sqlite or module.RUN_IN_TRANSACTION:
        await _aerich(settings).downgrade(version=-1, delete=False)
        return
    await client.execute_script(await module.downgrade(client))
    await Sql(client).execute("DELETE FROM aerich WHERE app = $1 AND version = $2", APP, name)


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
        with database.translate_errors(settings):
            yield
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
        deadline = clock.monotonic() + LOCK_S
        # A snapshot of this transaction, or of another program that waits, would block an index that is built
        # concurrently. A simple query leaves none.
        while await connection.execute(_LOCK_QUERY) != "SELECT 1":
            if clock.monotonic() >= deadline:
                raise TimeoutError
            await asyncio.sleep(LOCK_RETRY_S)
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
