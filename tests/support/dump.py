"""All rows of a database, whatever its tables are: to compare it with itself before and after."""

import sqlite3
from contextlib import closing
from typing import Any

import asyncpg

Rows = dict[str, list[str]]

# What says which processes run, and the name of the history, which a restore raises.
LEFT_OUT = {"processes"}
EPOCH = ("epoch", "epoch_cause")


async def rows_of(url: str) -> Rows:
    """Table → its rows as sorted text."""
    found = _sqlite(url.removeprefix("sqlite://")) if url.startswith("sqlite") else await _postgres(url)
    found["state"] = [
        row for row in found["state"] if not row.startswith(tuple(f"['{key}'" for key in EPOCH))
    ]
    return {table: sorted(rows) for table, rows in found.items() if table not in LEFT_OUT}


def _sqlite(path: str) -> Rows:
    with closing(sqlite3.connect(path)) as connection:
        named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            table: [repr(list(row)) for row in connection.execute(f'SELECT * FROM "{table}"')]
            for (table,) in named
            if not table.startswith("sqlite_")
        }


async def _postgres(url: str) -> Rows:
    connection = await asyncpg.connect(url)
    try:
        named = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {
            row["tablename"]: [
                _text(each) for each in await connection.fetch(f'SELECT * FROM "{row["tablename"]}"')
            ]
            for row in named
        }
    finally:
        await connection.close()


def _text(row: Any) -> str:
    return repr(list(row.values()))
