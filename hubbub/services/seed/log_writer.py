"""Collects the entries of a transaction that fills the log of a room, as the server writes them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hubbub.core import clock
from hubbub.db.sql import Sql
from hubbub.queries.eventlog import event_log
from hubbub.schemas.base import encode
from hubbub.schemas.eventlog.entries import Entry


class LogWriter:
    """Collects the entries that one transaction appends to a room's log, with times spread up to now."""

    def __init__(self, room_id: UUID, seq: int, start: datetime, events: int) -> None:
        self.room_id = room_id
        self.seq = seq  # of the last entry
        self.at = start  # time of the next entry
        self._exact_time = start  # `at` without rounding
        self._step = max(timedelta(0), (clock.now() - start) / (events + 1))  # between two entries
        self._entries: list[Entry] = []  # not stored yet, without those of messages
        self._actor_ids: list[UUID] = []  # of these entries
        self._times: list[datetime] = []  # likewise

    def advance_time(self) -> None:
        """Advance the time to the next entry, in whole milliseconds as in all entries."""
        self._exact_time += self._step
        self.at = self._exact_time.replace(microsecond=self._exact_time.microsecond // 1000 * 1000)

    def append(self, event: str, actor_id: UUID, fields: dict[str, Any]) -> None:
        """Add the next entry, with the payload that clients receive."""
        self.seq += 1
        head = {"room_id": self.room_id, "seq": self.seq, "at": clock.rfc3339(self.at), "actor_id": actor_id}
        self._entries.append(Entry(self.room_id, self.seq, event, encode(head | fields).decode()))
        self._actor_ids.append(actor_id)
        self._times.append(self.at)

    async def store(self, tx: Sql) -> None:
        """Write the entries and the new end of the log."""
        if self._entries:
            none = [None] * len(self._entries)
            await event_log.insert_entries(tx, self._entries, self._actor_ids, none, self._times)
        await event_log.advance_rooms(tx, {self.room_id: self.seq}, self.at)
