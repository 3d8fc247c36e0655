"""Batch loaders for the database reads of connecting clients."""

import asyncio
from uuid import UUID

from hubbub.core.batching import BatchLoader
from hubbub.db import database
from hubbub.queries.auth import api_keys as auth_api_keys
from hubbub.queries.chat.rooms import RoomRow
from hubbub.queries.portfolio import public as public_portfolios
from hubbub.queries.sync import change_counters, connects, ready_rooms

# Of a user whose rooms are read together with those of others. More rooms need a query of their own, which
# delays only their user.
MAX_BATCHED_ROOMS = 100
MAX_BATCH_ROWS = 500  # about 5 ms of the event loop


class Loaders:
    """The batch loaders of one instance, so that many simultaneous reconnects cost a few queries.

    Reads that can't be batched acquire one of the `query_slots`, which leave two thirds of the pool to
    clients that are already connected.
    """

    def __init__(self, pool_size: int) -> None:
        self.sessions: BatchLoader[UUID, change_counters.SessionRow] = BatchLoader(
            _sessions, name="batched sessions"
        )
        # The same with all memberships of the user, for sockets of users who are not cached.
        self.connects: BatchLoader[UUID, connects.SessionWithMemberships] = BatchLoader(
            _connects, name="batched connects"
        )
        self.memberships: BatchLoader[UUID, change_counters.UserMemberships] = BatchLoader(
            _memberships, name="batched memberships"
        )
        self.api_keys: BatchLoader[str, auth_api_keys.ApiKeyRow] = BatchLoader(
            _api_keys, name="batched API keys"
        )
        # The rooms for `ready` of users with at most MAX_BATCHED_ROOMS rooms.
        self.ready_rooms: BatchLoader[UUID, list[RoomRow]] = BatchLoader(
            self._ready_rooms, name="batched rooms", max_weight=MAX_BATCH_ROWS
        )
        # The versions of public portfolios by username. One that is not public has none.
        self.public_portfolios: BatchLoader[str, public_portfolios.PublicVersion] = BatchLoader(
            _public_portfolios, name="batched portfolios"
        )
        self.query_slots = asyncio.Semaphore(max(1, pool_size // 3))  # a third of the pool

    async def _ready_rooms(self, user_ids: list[UUID]) -> dict[UUID, list[RoomRow]]:
        async with self.query_slots, database.guard():
            # One more than is allowed shows that there are more.
            return await ready_rooms.rooms_of_users(database.connection(), user_ids, MAX_BATCHED_ROOMS + 1)


async def _sessions(session_ids: list[UUID]) -> dict[UUID, change_counters.SessionRow]:
    async with database.guard():
        return await change_counters.sessions(database.connection(), session_ids)


async def _connects(session_ids: list[UUID]) -> dict[UUID, connects.SessionWithMemberships]:
    async with database.guard():
        return await connects.sessions_with_memberships(database.connection(), session_ids)


async def _memberships(user_ids: list[UUID]) -> dict[UUID, change_counters.UserMemberships]:
    async with database.guard():
        return await change_counters.memberships(database.connection(), user_ids)


async def _api_keys(prefixes: list[str]) -> dict[str, auth_api_keys.ApiKeyRow]:
    async with database.guard():
        return await auth_api_keys.find(database.connection(), prefixes)


async def _public_portfolios(usernames: list[str]) -> dict[str, public_portfolios.PublicVersion]:
    async with database.guard():
        return await public_portfolios.versions(database.connection(), usernames)
