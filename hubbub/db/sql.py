"""Handwritten SQL, the same for both databases: numbered placeholders, plain Python values in and out."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from hubbub.core import clock, ids
from hubbub.db.engines import sqlite

Rows = Sequence[Mapping[str, Any]]
T = TypeVar("T")


class Sql:
    """A connection or a transaction. Placeholders are `$1`, `$2`, …, values are Python objects."""

    __slots__ = ("_client", "dialect")

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - Tortoise's clients share no typed base
        self._client = client  # Tortoise's client of the connection or transaction
        self.dialect: str = client.capabilities.dialect  # `postgres` or `sqlite`

    async def fetch(self, sql: str, *values: object) -> Rows:
        """Return the rows of a query."""
        if self.dialect != "postgres":
            return await sqlite.retry_while_busy(lambda: self._fetch(sql, values), self._busy_s)
        async with self._client.acquire_connection() as connection:
            rows: Rows = await connection.fetch(sql, *values)
            return rows

    @property
    def _busy_s(self) -> float:
        return float(getattr(self._client, "busy_s", 0.0))  # a transaction already holds the lock

    async def _fetch(self, sql: str, values: Sequence[object]) -> Rows:
        async with self._client.acquire_connection() as connection:
            return list(await connection.execute_fetchall(_sqlite_placeholders(sql), _by_number(values)))

    async def execute(self, sql: str, *values: object) -> int:
        """Run a statement; return the number of affected rows."""
        if self.dialect != "postgres":
            return await sqlite.retry_while_busy(lambda: self._execute(sql, values), self._busy_s)
        async with self._client.acquire_connection() as connection:
            count = (await connection.execute(sql, *values)).rpartition(" ")[2]
            return int(count) if count.isdecimal() else 0  # "UPDATE 3", "CREATE TABLE"

    async def _execute(self, sql: str, values: Sequence[object]) -> int:
        async with (
            self._client.acquire_connection() as connection,
            connection.execute(_sqlite_placeholders(sql), _by_number(values)) as cursor,
        ):
            return int(cursor.rowcount)

    async def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement for each row, for all rows or for none."""
        if self.dialect == "sqlite":
            await self._client.execute_many(_sqlite_placeholders(sql), [_by_number(row) for row in rows])
            return
        async with self._client.acquire_connection() as connection:
            await connection.executemany(sql, rows)

    async def in_one_call(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function in the thread of SQLite's connection, as one transaction; return its result.

        Only for a connection to SQLite outside of transactions.
        """
        result: T = await self._client.in_one_call(function)
        return result


async def has_table(sql: Sql, name: str) -> bool:
    """Return whether a table exists."""
    if sql.dialect == "postgres":
        return (await sql.fetch("SELECT to_regclass($1) AS found", name))[0]["found"] is not None
    return bool(await sql.fetch("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1", name))


def in_clause(sql: Sql, values: Iterable[UUID], position: int = 1) -> tuple[str, Any]:
    """Return a condition for ids, in the dialect, and its only parameter, which is `$position`."""
    if sql.dialect == "postgres":
        return f"= ANY(${position}::uuid[])", list(values)
    ids_json = ",".join(f'"{value}"' for value in values)
    return f"IN (SELECT value FROM json_each(${position}))", f"[{ids_json}]"


def in_texts(sql: Sql, texts: Iterable[str], position: int = 1) -> tuple[str, Any]:
    """Return a condition for texts, in the dialect, and its only parameter, which is `$position`."""
    if sql.dialect == "postgres":
        return f"= ANY(${position}::text[])", list(texts)
    return f"IN (SELECT value FROM json_each(${position}))", json.dumps(list(texts))


def placeholders(count: int, first: int = 1) -> str:
    """Return `$1, $2, …`: so many placeholders, from `$first` on."""
    return ", ".join(f"${number}" for number in range(first, first + count))


def database_time(sql: Sql, local_placeholder: str, seconds: float = 0) -> str:
    """Return an expression for the time of the database's machine, `seconds` from now.

    Instances compare it with each other, whatever their clocks show. SQLite has one machine: there the
    expression is `local_placeholder`, which must hold the same time by the local clock.
    """
    if sql.dialect != "postgres":
        return local_placeholder
    # The second argument, which is never used, gives the placeholder its type.
    return f"COALESCE(now() + interval '{seconds} seconds', {local_placeholder})"


def database_delay(sql: Sql, placeholder: str) -> str:
    """Return an expression for the time, by the database's machine, that `delay_value` states."""
    return f"now() + make_interval(secs => {placeholder})" if sql.dialect == "postgres" else placeholder


def delay_value(sql: Sql, seconds: float) -> float | datetime:
    """Return the value for `database_delay`: seconds from now, or for SQLite that time by the local clock."""
    return seconds if sql.dialect == "postgres" else clock.now() + timedelta(seconds=seconds)


async def database_now(sql: Sql) -> datetime:
    """Return the time of the database's machine, in UTC."""
    if sql.dialect != "postgres":
        return clock.now()
    return as_datetime((await sql.fetch("SELECT now() AS now"))[0]["now"])


@lru_cache(maxsize=512)
def _sqlite_placeholders(sql: str) -> str:
    """Turn `$1` into SQLite's `?1`. No literal of hubbub has a dollar sign before a digit."""
    parts = sql.split("$")
    return parts[0] + "".join(("?" if part[:1].isdigit() else "$") + part for part in parts[1:])


def _by_number(values: Sequence[object]) -> dict[str, object]:
    """Return values by their number, because from Python 3.14 on `?1` takes no sequence."""
    return {str(number): _to_sqlite(value) for number, value in enumerate(values, 1)}


def _to_sqlite(value: object) -> object:
    """Convert a value to what Tortoise stores in SQLite."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return value


def as_uuid(value: Any) -> UUID:  # noqa: ANN401 - a driver's value
    """Return an id from the value of either database."""
    if type(value) is UUID:
        return value
    return UUID(value) if isinstance(value, str) else ids.from_int(value.int)


def as_driver_uuid(value: Any) -> UUID:  # noqa: ANN401 - likewise
    """Return an id that is only compared and written to a response: PostgreSQL's driver has its own class.

    It takes a fifth of the time of `as_uuid`. An id that is kept is larger than necessary.
    """
    return value if isinstance(value, UUID) else UUID(value)


def as_datetime(value: Any) -> datetime:  # noqa: ANN401 - likewise
    """Return a time, in UTC, from the value of either database."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def as_optional_datetime(value: Any) -> datetime | None:  # noqa: ANN401 - likewise
    """Return a time as `as_datetime` does; None for NULL."""
    return as_datetime(value) if value is not None else None


def as_optional_uuid(value: Any) -> UUID | None:  # noqa: ANN401 - likewise
    """Return an id as `as_uuid` does; None for NULL."""
    return as_uuid(value) if value is not None else None
