"""Inspects a database: its schema as plain data, and rows in all its tables."""

import sqlite3
from contextlib import closing
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg

from hubbub.config import Settings
from hubbub.db import database

# Not the models': aerich's own table, and the search index with what FTS5 keeps for it.
_EXCLUDED_TABLES = ("aerich", "message_words")
_SAMPLE_VALUES = {
    "uuid": uuid4,
    "char": lambda: str(uuid4()),
    "varchar": lambda: uuid4().hex[:8],
    "character varying": lambda: uuid4().hex[:8],
    "text": lambda: uuid4().hex,
    "bigint": lambda: 1,
    "int": lambda: 1,
    "integer": lambda: 1,
    "boolean": lambda: True,
    "timestamp": lambda: "2026-11-21 12:00:00+00:00",
}


class Schema(NamedTuple):
    """(table, column) → what it is, and sets of all else."""

    columns: dict[tuple[str, str], tuple[object, ...]]
    indexes: set[tuple[object, ...]]
    constraints: set[tuple[object, ...]]


class DatabaseInspector:
    """A database, queried directly by its driver."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.sqlite = settings.uses_sqlite

    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement; on SQLite its placeholders are `?`."""
        if self.sqlite:
            with closing(sqlite3.connect(database.sqlite_path(self._settings.database_url))) as file, file:
                file.execute("PRAGMA foreign_keys = ON")
                return file.execute(sql, values).fetchall()
        server = await asyncpg.connect(self._settings.database_url)
        try:
            return [tuple(row) for row in await server.fetch(sql, *values)]
        finally:
            await server.close()

    async def tables(self, *, models_only: bool = True) -> list[str]:
        """The models' tables, or all there are."""
        rows = await self.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
            if self.sqlite
            else "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"
        )
        return sorted(name for (name,) in rows if not (models_only and name.startswith(_EXCLUDED_TABLES)))

    async def schema(self) -> Schema:
        """Everything that a statement could notice."""
        return await (self._sqlite_schema() if self.sqlite else self._postgres_schema())

    async def _sqlite_schema(self) -> Schema:
        schema = Schema({}, set(), set())
        for table in await self.tables():
            for _, name, kind, *more in await self.rows(f"PRAGMA table_info('{table}')"):
                schema.columns[table, name] = (kind.upper(), *more)
            for _, name, unique, origin, partial in await self.rows(f"PRAGMA index_list('{table}')"):
                columns = tuple(
                    row[2:5] for row in await self.rows(f"PRAGMA index_xinfo('{name}')") if row[5]
                )
                text = await self.rows("SELECT sql FROM sqlite_master WHERE name = ?", name)
                where = " ".join(text[0][0].split()).partition(" WHERE ")[2] if partial else ""
                schema.indexes.add((table, name if origin == "c" else "", unique, origin, columns, where))
            for _, _, *key in await self.rows(f"PRAGMA foreign_key_list('{table}')"):
                schema.constraints.add((table, *key))
        return schema

    async def _postgres_schema(self) -> Schema:
        tables = await self.tables()
        columns = await self.rows(
            "SELECT table_name::text, column_name::text, data_type::text, character_maximum_length, "
            "is_nullable::text, column_default::text "
            "FROM information_schema.columns WHERE table_name = ANY ($1)",
            tables,
        )
        indexes = await self.rows("SELECT indexdef FROM pg_indexes WHERE tablename = ANY ($1)", tables)
        constraints = await self.rows(
            "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid::regclass::text = ANY ($1)",
            tables,
        )
        return Schema(
            {(table, name): tuple(rest) for table, name, *rest in columns}, set(indexes), set(constraints)
        )

    async def row_counts(self) -> dict[str, int]:
        """How many rows each table has."""
        return {
            table: (await self.rows(f'SELECT count(*) FROM "{table}"'))[0][0] for table in await self.tables()
        }

    async def fill_empty_tables(self) -> None:
        """Put a row into each table that has none; rows refer to each other."""
        parents, columns = await self._parents(), (await self.schema()).columns
        waiting = [table for table, count in (await self.row_counts()).items() if not count]
        while waiting:
            table = next(each for each in waiting if not parents[each].keys() & (set(waiting) - {each}))
            waiting.remove(table)
            await self._insert(
                table,
                {name: kind for (column_table, name), kind in columns.items() if column_table == table},
                parents[table],
            )

    async def insert_rows(self, table: str, *rows: dict[str, object]) -> None:
        """Put more rows into a table: with these values, and any others."""
        columns, parents = (await self.schema()).columns, (await self._parents())[table]
        kinds = {name: kind for (column_table, name), kind in columns.items() if column_table == table}
        for row in rows:
            await self._insert(table, kinds, parents, **row)

    async def _insert(
        self, table: str, columns: dict[str, tuple[object, ...]], parents: dict[str, str], **overrides: object
    ) -> None:
        values: dict[str, object] = {}
        referring = {column: parent for parent, column in parents.items()}
        for name, (kind, *more) in columns.items():
            if name in referring:
                values[name] = (await self.rows(f'SELECT id FROM "{referring[name]}" LIMIT 1'))[0][0]
            elif name != "id" or ("INTEGER" not in str(kind) and "nextval" not in str(more)):
                values[name] = _SAMPLE_VALUES[str(kind).lower().partition("(")[0].partition(" with")[0]]()
        values |= overrides
        names = ", ".join(f'"{name}"' for name in values)
        if self.sqlite:
            placeholders = ", ".join("?" * len(values))
            await self.rows(f'INSERT INTO "{table}" ({names}) VALUES ({placeholders})', *values.values())
            return
        # As texts: the server converts them to the types of its columns.
        placeholders = ", ".join(f"'{value}'" for value in values.values())
        await self.rows(f'INSERT INTO "{table}" ({names}) VALUES ({placeholders})')

    async def _parents(self) -> dict[str, dict[str, str]]:
        """table → table it refers to → by which column."""
        if self.sqlite:
            return {
                table: {row[2]: row[3] for row in await self.rows(f"PRAGMA foreign_key_list('{table}')")}
                for table in await self.tables()
            }
        parents: dict[str, dict[str, str]] = {table: {} for table in await self.tables()}
        for table, parent, column in await self.rows(
            "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text, a.attname::text "
            "FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
            "WHERE c.contype = 'f'"
        ):
            if table in parents:
                parents[table][parent] = column
        return parents
