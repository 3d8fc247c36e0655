"""All rows of a database with any tables, to compare its content before and after."""

import sqlite3
from contextlib import closing
from typing import Any

import asyncpg

Rows = dict[str, list[str]]

# The registered processes, and the epoch, which a restore raises.
EXCLUDED_TABLES = {"processes"}
EPOCH_KEYS = ("epoch", "epoch_cause")


async def read_rows(url: str) -> Rows:
    """Table → its rows as sorted text."""
    rows_by_table = (
        _read_sqlite(url.removeprefix("sqlite://")) if url.startswith("sqlite") else await _read_postgres(url)
    )
    rows_by_table["state"] = [
        row for row in rows_by_table["state"] if not row.startswith(tuple(f"['{key}'" for key in EPOCH_KEYS))
    ]
    return {table: sorted(rows) for table, rows in rows_by_table.items() if table not in EXCLUDED_TABLES}


def _read_sqlite(path: str) -> Rows:
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            table: [repr(list(row)) for row in connection.execute(f'SELECT * FROM "{table}"')]
            for (table,) in tables
            if not table.startswith("sqlite_")
        }


async def _read_postgres(url: str) -> Rows:
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {
            row["tablename"]: [
                _row_text(each) for each in await connection.fetch(f'SELECT * FROM "{row["tablename"]}"')
            ]
            for row in tables
        }
    finally:
        await connection.close()


def _row_text(row: Any) -> str:
    return repr(list(row.values()))
