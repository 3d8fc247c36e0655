"""Batch loaders for the database reads of connecting clients."""

import asyncio
from uuid import UUID

from hubbub.core.batching import BatchLoader
from hubbub.db import database
from hubbub.queries.auth import api_keys as auth_api_keys
from hubbub.queries.sync import change_counters


class Loaders:
    """The batch loaders of one instance, so that many simultaneous reconnects cost a few queries.

    Reads that can't be batched acquire one of the `query_slots`, which leave two thirds of the pool to
    clients that are already connected.
    """

    def __init__(self, pool_size: int) -> None:
        self.sessions: BatchLoader[UUID, change_counters.SessionRow] = BatchLoader(
            _sessions, name="batched sessions"
        )
        self.memberships: BatchLoader[UUID, change_counters.UserMemberships] = BatchLoader(
            _memberships, name="batched memberships"
        )
        self.api_keys: BatchLoader[str, auth_api_keys.ApiKeyRow] = BatchLoader(
            _api_keys, name="batched API keys"
        )
        self.query_slots = asyncio.Semaphore(max(1, pool_size // 3))  # a third of the pool


async def _sessions(session_ids: list[UUID]) -> dict[UUID, change_counters.SessionRow]:
    async with database.guard():
        return await change_counters.sessions(database.connection(), session_ids)


async def _memberships(user_ids: list[UUID]) -> dict[UUID, change_counters.UserMemberships]:
    async with database.guard():
        return await change_counters.memberships(database.connection(), user_ids)


async def _api_keys(prefixes: list[str]) -> dict[str, auth_api_keys.ApiKeyRow]:
    async with database.guard():
        return await auth_api_keys.find(database.connection(), prefixes)
