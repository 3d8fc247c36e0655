"""Transactions whose changes are not stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hubbub.db import database
from hubbub.db.sql import Sql


class Rollback(Exception):
    """Ends a transaction without storing its changes: raise it inside, suppress it outside."""


@asynccontextmanager
async def rolled_back() -> AsyncIterator[Sql]:
    """Open a transaction that ends without storing its changes. Raises as `database.transaction`."""
    with suppress(Rollback):
        async with database.transaction() as tx:
            yield tx
            raise Rollback
