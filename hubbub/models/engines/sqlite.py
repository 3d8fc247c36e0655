"""SQLite for Tortoise: transactions that survive cancellation, take the write lock first, and scripts in one piece."""

import asyncio
import sqlite3
from typing import Any, cast

from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
    translate_exceptions,
)
from tortoise.exceptions import TransactionManagementError


class Transaction(SqliteTransactionWrapper):
    """A transaction that begins with the write lock: what it read can't be outdated when it writes."""

    async def begin(self) -> None:
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TransactionManagementError(error) from error

    @translate_exceptions
    async def execute_script(self, query: str) -> None:
        """The stock one commits first; this one stays inside the transaction."""
        for statement in statements(query):
            await self._connection.execute(statement)


class Entered(SqliteTransactionContext):
    """The stock context keeps its lock for ever when it is cancelled while it begins."""

    async def __aenter__(self) -> TransactionalDBClient:
        await self._trxlock.acquire()
        beginning: asyncio.Task[None] | None = None
        try:
            await self.ensure_connection()
            # The statement runs in a thread: a cancelled wait does not stop it.
            beginning = asyncio.ensure_future(self.connection.begin())  # noqa: TID251 - awaited right here
            await asyncio.shield(beginning)
        except BaseException:
            if beginning is not None:
                await asyncio.wait([beginning])
                if self.connection._connection.in_transaction:
                    await self.connection._connection.rollback()
            self._trxlock.release()
            raise
        from tortoise.connection import get_connections  # noqa: PLC0415 - as the base class does

        self.token = get_connections().set(self.connection_name, self.connection)
        return cast("TransactionalDBClient", self.connection)


class Client(SqliteClient):
    """The engine's client."""

    def _in_transaction(self) -> TransactionContext:
        return Entered(Transaction(self), self._lock)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """The stock one, cancelled, leaves the connection inside an open transaction."""
        async with self._in_transaction() as transaction:
            await transaction.execute_many(query, values)

    async def execute_script(self, query: str) -> None:
        async with self._in_transaction() as transaction:
            await transaction.execute_script(query)


def statements(script: str) -> list[str]:
    """The statements of a script, told apart by SQLite itself."""
    found, rest = [], ""
    for piece in script.split(";"):
        rest += piece + ";"
        if sqlite3.complete_statement(rest):
            if rest.strip(" \n\t;"):
                found.append(rest)
            rest = ""
    return found


client_class = Client
