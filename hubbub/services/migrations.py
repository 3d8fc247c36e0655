"""The schema's steps, by aerich: which there are, which are done, up and down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from aerich import Command
from aerich.migrate import Migrate
from aerich.models import Aerich
from asyncpg import UndefinedTableError
from tortoise.connection import get_connection
from tortoise.exceptions import OperationalError

import hubbub
from hubbub.config import Settings
from hubbub.services import database

APP = "models"
LOCATION = Path(hubbub.__file__).parent / "migrations"
LOCK = 0x48554242  # any number, the same for all who migrate
LOCK_S = 120.0


class Step(NamedTuple):
    """One step of the schema and whether this database has taken it."""

    name: str
    done: bool


def _prepare(settings: Settings) -> Command:
    Migrate.app = APP
    Migrate.migrate_location = LOCATION / APP
    return Command(database.configuration(settings), app=APP, location=str(LOCATION))


def names() -> list[str]:
    """All steps, in order."""
    found = (LOCATION / APP).glob("[0-9]*_*.py")
    return [path.name for path in sorted(found, key=lambda path: int(path.name.partition("_")[0]))]


async def _done() -> set[str]:
    try:
        return set(await Aerich.filter(app=APP).values_list("version", flat=True))  # type: ignore[arg-type]
    except (OperationalError, UndefinedTableError):
        return set()


async def pending() -> list[str]:
    """The steps that the connected database has not taken."""
    done = await _done()
    return [name for name in names() if name not in done]


async def open_current(settings: Settings) -> None:
    """Connect, and check that the schema is the one of this code. Raises DatabaseProblem."""
    await database.connect(settings)
    try:
        if waiting := await pending():
            raise database.DatabaseProblem(
                f"The database is {len(waiting)} migration(s) behind this version. Run: hubbub migrate"
            )
    except BaseException:
        await database.close()
        raise


async def status(settings: Settings) -> list[Step]:
    """All steps. Connects and disconnects. Raises DatabaseProblem."""
    async with _connected(settings):
        done = await _done()
        return [Step(name, name in done) for name in names()]


async def up(settings: Settings) -> list[str]:
    """Take the steps that are missing; returns their names. Safe to run from many places at once."""
    async with _connected(settings), _alone():
        if not await pending():
            return []
        return await _prepare(settings).upgrade()


async def down(settings: Settings) -> list[str]:
    """Take back the last step; returns its name."""
    async with _connected(settings), _alone():
        return await _prepare(settings).downgrade(version=-1, delete=False)


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[None]:
    await database.connect(settings)
    try:
        yield
    finally:
        await database.close()


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """One migration at a time; on SQLite without cascades while tables are rebuilt, and checked afterwards."""
    sql = database.connection()
    if sql.dialect == "sqlite":
        await sql.execute("PRAGMA foreign_keys = OFF")
        yield
        if broken := await sql.fetch("PRAGMA foreign_key_check"):
            raise database.DatabaseProblem(f"After migrating, {len(broken)} rows refer to rows that are gone.")
        await sql.execute("PRAGMA foreign_keys = ON")
        return
    async with get_connection(database.NAME).acquire_connection() as held:
        await held.execute("SELECT pg_advisory_lock($1)", LOCK, timeout=LOCK_S)
        try:
            yield
        finally:
            await held.execute("SELECT pg_advisory_unlock($1)", LOCK)
