"""Generates the sample history of a room: entries as the server writes them, many per transaction."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from tortoise.expressions import F

from hubbub import models
from hubbub.core.batching import slices
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.eventlog import event_log
from hubbub.queries.sync import change_counters
from hubbub.schemas.users.users import User
from hubbub.services.eventlog import event_log as log
from hubbub.services.seed import sample
from hubbub.services.seed.album import Album
from hubbub.services.seed.conversation import Conversation
from hubbub.services.seed.log_writer import LogWriter

HISTORY_AGE = timedelta(days=7)  # age of the first entry of a new room
MEMBERS_PER_TRANSACTION = 1000  # small enough for a running server to write in between
MESSAGES_PER_TRANSACTION = 400  # likewise

_ALL_READ_PROBABILITY = 0.6  # share of users who have read everything


async def _open_log(tx: Sql, room_id: UUID, events: int) -> LogWriter:
    """Lock the room, and return a writer that starts at the end of its log."""
    head = (await log.lock(tx, [room_id]))[room_id]
    room = await models.Room.get(id=room_id)
    return LogWriter(room_id, head.seq, room.last_entry_at, events)


async def add_members(room_id: UUID, members: Sequence[tuple[User, str]], messages: int) -> None:
    """Add users to a room with their roles.

    Members keep their role. `messages` is the number that will follow.
    """
    following = len(members) + messages
    for batch in slices(members, MEMBERS_PER_TRANSACTION):
        async with database.transaction() as tx:
            writer = await _open_log(tx, room_id, following)
            if rows := await _join(writer, batch):
                await models.Membership.bulk_create(rows)
                await models.Room.filter(id=room_id).update(member_count=F("member_count") + len(rows))
                # One of them may be connected.
                await change_counters.bump_version(tx, [row.user_id for row in rows])
                await writer.store(tx)
        following -= len(batch)


async def _join(writer: LogWriter, batch: Sequence[tuple[User, str]]) -> list[models.Membership]:
    """Append the entries of the users who are not members yet; return their memberships."""
    users = [user.id for user, _ in batch]
    existing = models.Membership.filter(room_id=writer.room_id, user_id__in=users)
    member_ids = set(await existing.values_list("user_id", flat=True))
    rows = []
    for user, role in batch:
        if user.id not in member_ids:
            writer.advance_time()
            writer.append("member:joined", user.id, {"user": user, "role": role})
            rows.append(
                models.Membership(
                    room_id=writer.room_id,
                    user_id=user.id,
                    role=role,
                    joined_at=writer.at,
                    last_read_seq=writer.seq,
                )
            )
    return rows


class Senders(NamedTuple):
    """The users who write in a room, and their pictures. The same `label` generates the same messages."""

    label: str
    users: Sequence[User]
    album: Album


async def write_messages(
    room_id: UUID, senders: Senders, target: int, on_progress: Callable[[int], None]
) -> int:
    """Write messages until the room has `target` messages. Returns how many were written.

    `on_progress` receives the number of further messages that exist. Raises what an upload raises.
    """
    label, users, album = senders
    existing = await models.Message.filter(room_id=room_id).count()
    on_progress(min(existing, target))
    for written in range(existing, target, MESSAGES_PER_TRANSACTION):
        count = min(MESSAGES_PER_TRANSACTION, target - written)
        illustrated = await album.illustrate(sample.rng(label, written, "pictures"), users, count)
        async with database.transaction() as tx:
            writer = await _open_log(tx, room_id, target - written)
            await Conversation(writer, users, sample.rng(label, written), illustrated).store(tx, count)
        on_progress(count)
    if existing < target:
        await _advance_read_marks(room_id, label, users)
    return max(0, target - existing)


async def _advance_read_marks(room_id: UUID, label: str, users: Sequence[User]) -> None:
    """Set the read marks: most users have read everything, some are behind."""
    room = await models.Room.get(id=room_id)
    rng = sample.rng(label, "read")
    read_marks = {}
    for user in users:
        behind = 0 if rng.random() < _ALL_READ_PROBABILITY else rng.randint(1, 30)
        read_marks[room_id, user.id] = max(0, room.last_seq - behind)
    async with database.transaction() as tx:
        await event_log.advance_read_marks(tx, read_marks)
