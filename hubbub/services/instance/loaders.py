"""What is asked of the database for everybody who comes in: together, and only so many at a time."""

import asyncio
from uuid import UUID

from hubbub.core.batching import BatchLoader
from hubbub.db import database
from hubbub.queries.auth import api_keys as auth_api_keys
from hubbub.queries.sync import change_counters


class Loaders:
    """The batch loaders of one instance. Many clients that reconnect at once cost a few queries in all.

    What can't be batched takes `turns`, which leave connections to the database for accepted clients.
    """

    def __init__(self, pool_size: int) -> None:
        self.sessions: BatchLoader[UUID, change_counters.SessionRow] = BatchLoader(
            _sessions, name="sessions of a crowd"
        )
        self.memberships: BatchLoader[UUID, change_counters.UserMemberships] = BatchLoader(
            _memberships, name="rooms of a crowd"
        )
        self.api_keys: BatchLoader[str, auth_api_keys.ApiKeyRow] = BatchLoader(_api_keys, name="API keys")
        self.query_slots = asyncio.Semaphore(max(1, pool_size // 3))


async def _sessions(session_ids: list[UUID]) -> dict[UUID, change_counters.SessionRow]:
    async with database.guard():
        return await change_counters.sessions(database.connection(), session_ids)


async def _memberships(user_ids: list[UUID]) -> dict[UUID, change_counters.UserMemberships]:
    async with database.guard():
        return await change_counters.memberships(database.connection(), user_ids)


async def _api_keys(prefixes: list[str]) -> dict[str, auth_api_keys.ApiKeyRow]:
    async with database.guard():
        return await auth_api_keys.find(database.connection(), prefixes)
