"""What is asked of the database for everybody who comes in: together, and only so many at a time."""

import asyncio
from uuid import UUID

from hubbub.core.gathering import Gathering
from hubbub.models import api_keys, truth
from hubbub.services import database


class Doors:
    """Those of one instance. A crowd that comes back at once costs a few questions, not some for each.

    What can't be asked together takes `turns`, which leave connections to the database for those inside.
    """

    def __init__(self, pool: int) -> None:
        self.sessions: Gathering[UUID, truth.SessionRow] = Gathering(_sessions, name="sessions of a crowd")
        self.memberships: Gathering[UUID, truth.Known] = Gathering(_memberships, name="rooms of a crowd")
        self.keys: Gathering[str, api_keys.KeyRow] = Gathering(_keys, name="API keys")
        self.turns = asyncio.Semaphore(max(1, pool // 3))


async def _sessions(session_ids: list[UUID]) -> dict[UUID, truth.SessionRow]:
    async with database.guard():
        return await truth.sessions(database.connection(), session_ids)


async def _memberships(user_ids: list[UUID]) -> dict[UUID, truth.Known]:
    async with database.guard():
        return await truth.memberships(database.connection(), user_ids)


async def _keys(prefixes: list[str]) -> dict[str, api_keys.KeyRow]:
    async with database.guard():
        return await api_keys.find(database.connection(), prefixes)
