"""The stored log of rooms, as clients read it and as its tables hold it."""

from typing import Any
from uuid import UUID

from hubbub import models
from hubbub.db import database
from hubbub.queries.eventlog import log_entries
from hubbub.schemas.eventlog.entries import Entry


async def log_of(room_id: UUID) -> list[Entry]:
    """All entries of a room, ascending."""
    return await log_entries.after(database.connection(), room_id, 0, 1_000_000)


async def messages_of(room_id: UUID) -> list[Entry]:
    """The `message:new` entries of a room, ascending."""
    return [entry for entry in await log_of(room_id) if entry.event == "message:new"]


async def logs() -> dict[UUID, list[Entry]]:
    """The log of each room."""
    return {room.id: await log_of(room.id) for room in await models.Room.all()}


async def rows() -> list[dict[str, Any]]:
    """The rows of `entries`: all entries but those of messages."""
    return [dict(row) for row in await database.connection().fetch("SELECT * FROM entries")]
