"""Batches of presence changes: collected for a short time, one message per room, one change per user."""

import asyncio
from collections.abc import Callable, Iterator
from typing import NamedTuple
from uuid import UUID

from hubbub.cluster.bus import PresenceChanged
from hubbub.cluster.redis.codec import Statuses
from hubbub.core.batching import slices

BATCH_INTERVAL_S = 0.05  # for which changes are collected
MAX_CHANGES_PER_MESSAGE = 200


class Change(NamedTuple):
    """The latest status of a user, and the rooms whose members receive it."""

    status: str
    last_seen_at: str | None
    rooms: set[UUID]


Changes = dict[UUID, Change]


class PresenceBatch:
    """Collects changes for BATCH_INTERVAL_S. A later change of a user replaces the earlier one."""

    def __init__(self, on_flush: Callable[[Changes], None]) -> None:
        self._on_flush = on_flush  # called with the collected changes
        self._changes: Changes = {}  # by user

    def add(self, user_id: UUID, status: str, last_seen_at: str | None, rooms: tuple[UUID, ...]) -> None:
        if not self._changes:
            asyncio.get_running_loop().call_later(BATCH_INTERVAL_S, self.flush)
        previous = self._changes.get(user_id)
        previous_rooms = previous.rooms if previous is not None else set()
        self._changes[user_id] = Change(status, last_seen_at, previous_rooms | set(rooms))

    def flush(self) -> None:
        """Hand over the collected changes now."""
        changes, self._changes = self._changes, {}
        if changes:
            self._on_flush(changes)


def by_room(changes: Changes) -> Iterator[Statuses]:
    """Yield messages for each room with the statuses for its members."""
    rooms: dict[UUID, list[tuple[UUID, str, str | None]]] = {}
    for user_id, change in changes.items():
        for room_id in change.rooms:
            rooms.setdefault(room_id, []).append((user_id, change.status, change.last_seen_at))
    for room_id, room_changes in rooms.items():
        for batch in slices(room_changes, MAX_CHANGES_PER_MESSAGE):
            yield Statuses(room_id, tuple(batch))


def by_user(changes: Changes) -> Iterator[tuple[UUID, Statuses]]:
    """Yield a message for each user's own sockets."""
    for user_id, change in changes.items():
        yield user_id, Statuses(None, ((user_id, change.status, change.last_seen_at),))


def to_signals(changes: Changes) -> Iterator[PresenceChanged]:
    """Yield a signal for each user."""
    for user_id, change in changes.items():
        yield PresenceChanged(user_id, change.status, change.last_seen_at, tuple(change.rooms))
