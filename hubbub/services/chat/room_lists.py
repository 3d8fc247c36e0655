"""Sources of the lists of rooms and members, for `cursors.page`."""

from datetime import datetime
from uuid import UUID

from hubbub.core.text import names
from hubbub.db import database
from hubbub.queries.chat import changed_rooms, rooms
from hubbub.queries.chat.changed_rooms import ChangedSince
from hubbub.queries.chat.rooms import MemberRow, RoomRow
from hubbub.services import pagination
from hubbub.services.cursors import SortKey


class OwnRooms:
    """A user's rooms, newest entry first. A new entry moves a room to the front."""

    name = "rooms"

    def __init__(self, user_id: UUID) -> None:
        self._user_id = user_id

    def sort_key(self, row: RoomRow) -> SortKey:
        return row.changed, row.id

    async def after(self, after_key: SortKey | None, limit: int) -> list[RoomRow]:
        before = (datetime.fromisoformat(str(after_key[0])), after_key[1]) if after_key else None
        return await rooms.rooms_of(database.connection(), self._user_id, limit, before)

    async def changed_ids(self, since: datetime, after: UUID, limit: int) -> list[UUID]:
        return await changed_rooms.rooms_of(
            database.connection(), self._user_id, ChangedSince(since, after, limit)
        )

    async def rows(self, ids: list[UUID]) -> list[RoomRow]:
        rows = await rooms.rooms_by_id(database.connection(), self._user_id, ids) if ids else []
        return [row for row in rows if row.role is not None]


class PublicRooms:
    """Public rooms whose name contains each word of a query, ordered by name. A new name moves a room."""

    name = "public_rooms"

    def __init__(self, user_id: UUID, query: str) -> None:
        self._user_id = user_id
        words = names.key(query).split()[: pagination.MAX_SEARCH_WORDS]
        self._patterns = [_pattern(word) for word in words or [""]]  # for LIKE, at least one

    def sort_key(self, row: RoomRow) -> SortKey:
        return row.name_key or "", row.id

    async def after(self, after_key: SortKey | None, limit: int) -> list[RoomRow]:
        at = (str(after_key[0]), after_key[1]) if after_key else None
        return await rooms.public_rooms(database.connection(), self._user_id, self._patterns, limit, at)

    async def changed_ids(self, since: datetime, after: UUID, limit: int) -> list[UUID]:
        return await changed_rooms.public_rooms(
            database.connection(), self._patterns, ChangedSince(since, after, limit)
        )

    async def rows(self, ids: list[UUID]) -> list[RoomRow]:
        rows = await rooms.rooms_by_id(database.connection(), self._user_id, ids) if ids else []
        return [row for row in rows if row.kind == "public"]


def _pattern(word: str) -> str:
    """Return the pattern, with the escape `!`, of what contains a word."""
    for special in "!%_":
        word = word.replace(special, "!" + special)
    return f"%{word}%"


class RoomMembers:
    """The members of a room, ordered by username. A new username moves a member."""

    def __init__(self, room_id: UUID) -> None:
        self._room_id = room_id
        self.name = f"members:{room_id}"

    def sort_key(self, row: MemberRow) -> SortKey:
        return row.username, row.id

    async def after(self, after_key: SortKey | None, limit: int) -> list[MemberRow]:
        after = str(after_key[0]) if after_key else ""
        return await rooms.members(database.connection(), self._room_id, limit, after)

    async def changed_ids(self, since: datetime, after: UUID, limit: int) -> list[UUID]:
        return await changed_rooms.members(
            database.connection(), self._room_id, ChangedSince(since, after, limit)
        )

    async def rows(self, ids: list[UUID]) -> list[MemberRow]:
        return await rooms.members_by_id(database.connection(), self._room_id, ids) if ids else []
