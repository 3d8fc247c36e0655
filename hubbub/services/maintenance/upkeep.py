"""The schedules DATABASE and HEARTBEAT."""

import logging
from typing import TYPE_CHECKING

from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.schemas.jobs import LogHeartbeat, MaintainDatabase

if TYPE_CHECKING:
    from hubbub.services.context import Container

log = logging.getLogger(__name__)

TABLE_TIMEOUT_S = 3600.0  # for one table
_TABLES = "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema()"
ANALYSIS_ROWS = 1000  # of each index that SQLite reads for its statistics


async def maintain_database(_container: "Container", _job: MaintainDatabase) -> None:
    """Update the statistics of the database and reclaim the space of deleted rows, while chat continues."""
    if database.dialect() == "sqlite":
        await _optimize_sqlite()
    else:
        await _vacuum_postgres()


async def _optimize_sqlite() -> None:
    async with database.guard():
        sql = database.connection()
        await sql.fetch(f"PRAGMA analysis_limit = {ANALYSIS_ROWS}")
        await sql.fetch("PRAGMA optimize")


async def _vacuum_postgres() -> None:
    """VACUUM one table after the other, on a connection outside the pool: it can't run in a transaction."""
    connection = database.dedicated(TABLE_TIMEOUT_S)
    try:
        async with database.guard():
            sql = Sql(connection)
            for row in await sql.fetch(_TABLES):
                await sql.execute(f'VACUUM (ANALYZE) "{row["name"]}"')
    finally:
        await connection.close()


async def log_heartbeat(_container: "Container", _job: LogHeartbeat) -> None:
    """Write one line to the log."""
    log.info("heartbeat")
