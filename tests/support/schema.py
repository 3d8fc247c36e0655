"""Inspects a database: its schema as plain data, and rows in all its tables."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg

from hubbub.config import Settings
from hubbub.db import database

# Not the models': aerich's own table, and the search indexes with what FTS5 keeps for them.
_EXCLUDED_TABLES = ("aerich", "message_words", "portfolio_search_words")
_REFERENCES_BY_HAND = {
    "messages": {"room_id": "rooms", "sender_id": "users"},
    "entries": {"room_id": "rooms"},
}
_SAMPLE_VALUES = {
    "uuid": uuid4,
    "char": lambda: str(uuid4()),
    "varchar": lambda: uuid4().hex[:7],
    "character varying": lambda: uuid4().hex[:7],
    "text": lambda: uuid4().hex,
    "bigint": lambda: 1,
    "int": lambda: 1,
    "smallint": lambda: 1,
    "integer": lambda: 1,
    "boolean": lambda: True,
    "double precision": lambda: 1.5,
    "real": lambda: 1.5,
    "date": lambda: "2026-11-21",
    "tsvector": lambda: "word:1",
    "timestamp": lambda: "2026-11-21 12:00:00+00:00",
}


class Schema(NamedTuple):
    """(table, column) → what it is, and sets of all else."""

    columns: dict[tuple[str, str], tuple[object, ...]]
    indexes: set[tuple[object, ...]]
    constraints: set[tuple[object, ...]]


class DatabaseInspector:
    """A database, queried directly by its driver. Each call has one connection of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.sqlite = settings.uses_sqlite

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator["_Sqlite | _Postgres"]:
        if self.sqlite:
            with closing(sqlite3.connect(database.sqlite_path(self._settings.database_url))) as file, file:
                # What the tests write need not survive a power failure.
                file.executescript("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF")
                yield _Sqlite(file)
            return
        server = await asyncpg.connect(self._settings.database_url)
        try:
            yield _Postgres(server)
        finally:
            await server.close()

    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement; on SQLite its placeholders are `?`."""
        async with self._connected() as connection:
            return await connection.rows(sql, *values)

    async def tables(self, *, models_only: bool = True) -> list[str]:
        """The models' tables, or all there are."""
        async with self._connected() as connection:
            return await connection.tables(models_only=models_only)

    async def schema(self) -> Schema:
        """Everything that a statement could notice."""
        async with self._connected() as connection:
            return await connection.schema()

    async def row_counts(self) -> dict[str, int]:
        """How many rows each table has."""
        async with self._connected() as connection:
            return await connection.row_counts()

    async def fill_empty_tables(self) -> None:
        """Put a row into each table that has none; rows refer to each other."""
        async with self._connected() as connection:
            await connection.fill_empty_tables()

    async def insert_rows(self, table: str, *rows: dict[str, object]) -> None:
        """Put more rows into a table: with these values, and any others."""
        async with self._connected() as connection:
            await connection.insert_rows(table, *rows)


class _Connection(ABC):
    """An open connection, and what it can find out."""

    @abstractmethod
    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...

    @abstractmethod
    async def all_tables(self) -> list[str]: ...

    @abstractmethod
    async def schema(self) -> Schema: ...

    @abstractmethod
    async def foreign_keys(self) -> dict[str, dict[str, str]]:
        """table → column → the table that it refers to."""

    @abstractmethod
    async def insert(self, table: str, values: dict[str, object]) -> None: ...

    async def tables(self, *, models_only: bool = True) -> list[str]:
        return sorted(
            name
            for name in await self.all_tables()
            if not (models_only and name.startswith(_EXCLUDED_TABLES))
        )

    async def row_counts(self) -> dict[str, int]:
        if not (tables := await self.tables()):
            return {}
        counts = ", ".join(f'(SELECT count(*) FROM "{table}")' for table in tables)
        return dict(zip(tables, (await self.rows(f"SELECT {counts}"))[0], strict=True))

    async def fill_empty_tables(self) -> None:
        parents, columns = await self._parents(), (await self.schema()).columns
        waiting = [table for table, count in (await self.row_counts()).items() if not count]
        while waiting:
            table = next(
                each for each in waiting if not set(parents[each].values()) & (set(waiting) - {each})
            )
            waiting.remove(table)
            await self._insert(
                table,
                {name: kind for (column_table, name), kind in columns.items() if column_table == table},
                parents[table],
            )

    async def insert_rows(self, table: str, *rows: dict[str, object]) -> None:
        columns, parents = (await self.schema()).columns, (await self._parents())[table]
        kinds = {name: kind for (column_table, name), kind in columns.items() if column_table == table}
        for row in rows:
            await self._insert(table, kinds, parents, **row)

    async def _insert(
        self, table: str, columns: dict[str, tuple[object, ...]], parents: dict[str, str], **overrides: object
    ) -> None:
        values: dict[str, object] = {}
        for name, (kind, *more) in columns.items():
            if name in parents:
                values[name] = (await self.rows(f'SELECT id FROM "{parents[name]}" LIMIT 1'))[0][0]
            elif name != "id" or ("INTEGER" not in str(kind) and "nextval" not in str(more)):
                values[name] = _SAMPLE_VALUES[str(kind).lower().partition("(")[0].partition(" with")[0]]()
        await self.insert(table, values | overrides)

    async def _parents(self) -> dict[str, dict[str, str]]:
        """table → column → the table that it refers to, with a foreign key or without."""
        parents = await self.foreign_keys()
        for table, columns in _REFERENCES_BY_HAND.items():
            if table in parents:
                parents[table] |= columns
        return parents


class _Sqlite(_Connection):
    """A connection to SQLite."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self._file.execute(sql, values).fetchall()

    async def all_tables(self) -> list[str]:
        rows = await self.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        )
        return [name for (name,) in rows]

    async def schema(self) -> Schema:
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

    async def foreign_keys(self) -> dict[str, dict[str, str]]:
        return {
            table: {row[3]: row[2] for row in await self.rows(f"PRAGMA foreign_key_list('{table}')")}
            for table in await self.tables()
        }

    async def insert(self, table: str, values: dict[str, object]) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        placeholders = ", ".join("?" * len(values))
        await self.rows(f'INSERT INTO "{table}" ({names}) VALUES ({placeholders})', *values.values())


class _Postgres(_Connection):
    """A connection to PostgreSQL."""

    def __init__(self, server: asyncpg.Connection) -> None:
        self._server = server

    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self._server.fetch(sql, *values)]

    async def all_tables(self) -> list[str]:
        rows = await self.rows("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        return [name for (name,) in rows]

    async def schema(self) -> Schema:
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

    async def foreign_keys(self) -> dict[str, dict[str, str]]:
        parents: dict[str, dict[str, str]] = {table: {} for table in await self.tables()}
        for table, parent, column in await self.rows(
            "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text, a.attname::text "
            "FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
            "WHERE c.contype = 'f'"
        ):
            if table in parents:
                parents[table][column] = parent
        return parents

    async def insert(self, table: str, values: dict[str, object]) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        # As texts: the server converts them to the types of its columns.
        texts = ", ".join(f"'{value}'" for value in values.values())
        await self.rows(f'INSERT INTO "{table}" ({names}) VALUES ({texts})')
