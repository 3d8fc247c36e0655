"""Generates the sample history of a room: entries as the server writes them, many per transaction."""

import os
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import F

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.chat import search
from hubbub.queries.eventlog import event_log
from hubbub.queries.sync import change_counters
from hubbub.schemas.base import encode
from hubbub.schemas.chat.messages import Message
from hubbub.schemas.users.users import User
from hubbub.services.chat import mentions
from hubbub.services.eventlog import event_log as log
from hubbub.services.seed import sample

HISTORY_AGE = timedelta(days=7)  # age of the first entry of a new room
MEMBERS_PER_TRANSACTION = 1000  # small enough for a running server to write in between
MESSAGES_PER_TRANSACTION = 400  # likewise

# Shares of messages that reply, mention a user, or get reactions; share of users who have read everything.
_REPLY_PROBABILITY, _MENTION_PROBABILITY, _REACTION_PROBABILITY, _ALL_READ_PROBABILITY = 0.12, 0.08, 0.2, 0.6


class LogWriter:
    """Collects the entries that one transaction appends to a room's log, with times spread up to now."""

    def __init__(self, room_id: UUID, seq: int, start: datetime, events: int) -> None:
        self.room_id = room_id
        self.seq = seq  # of the last entry
        self.at = start  # time of the next entry
        self._exact_time = start  # `at` without rounding
        self._step = max(timedelta(0), (clock.now() - start) / (events + 1))  # between two entries
        self.entries: list[models.Entry] = []  # not stored yet

    def advance_time(self) -> None:
        """Advance the time to the next entry, in whole milliseconds as in all entries."""
        self._exact_time += self._step
        self.at = self._exact_time.replace(microsecond=self._exact_time.microsecond // 1000 * 1000)

    def append(
        self, event: str, actor_id: UUID, fields: dict[str, Any], message_id: UUID | None = None
    ) -> None:
        """Add the next entry, with the payload that clients receive."""
        self.seq += 1
        head = {"room_id": self.room_id, "seq": self.seq, "at": clock.rfc3339(self.at), "actor_id": actor_id}
        self.entries.append(
            models.Entry(
                room_id=self.room_id,
                seq=self.seq,
                event=event,
                at=self.at,
                actor_id=actor_id,
                message_id=message_id,
                payload=encode(head | fields).decode(),
            )
        )

    async def store(self, tx: Sql) -> None:
        """Write the entries and the new end of the log."""
        await models.Entry.bulk_create(self.entries)
        await event_log.advance_rooms(tx, {self.room_id: self.seq}, self.at)


async def _open_log(tx: Sql, room_id: UUID, events: int) -> LogWriter:
    """Lock the room, and return a writer that starts at the end of its log."""
    head = (await log.lock(tx, [room_id]))[room_id]
    room = await models.Room.get(id=room_id)
    return LogWriter(room_id, head.seq, room.last_entry_at, events)


async def add_members(room_id: UUID, members: Sequence[tuple[User, str]], messages: int) -> None:
    """Add users to a room with their roles.

    Members keep their role. `messages` is the number that will follow.
    """
    for start in range(0, len(members), MEMBERS_PER_TRANSACTION):
        batch = members[start : start + MEMBERS_PER_TRANSACTION]
        async with database.transaction() as tx:
            writer = await _open_log(tx, room_id, len(members) - start + messages)
            existing = models.Membership.filter(room_id=room_id, user_id__in=[user.id for user, _ in batch])
            member_ids = set(await existing.values_list("user_id", flat=True))
            rows = []
            for user, role in batch:
                if user.id in member_ids:
                    continue
                writer.advance_time()
                writer.append("member:joined", user.id, {"user": user, "role": role})
                rows.append(
                    models.Membership(
                        room_id=room_id,
                        user_id=user.id,
                        role=role,
                        joined_at=writer.at,
                        last_read_seq=writer.seq,
                    )
                )
            if rows:
                await models.Membership.bulk_create(rows)
                await models.Room.filter(id=room_id).update(member_count=F("member_count") + len(rows))
                # One of them may be connected.
                await change_counters.bump_version(tx, [row.user_id for row in rows])
                await writer.store(tx)


async def write_messages(
    room_id: UUID, label: str, users: Sequence[User], target: int, on_progress: Callable[[int], None]
) -> int:
    """Write messages of `users` until the room has `target` messages. Returns how many were written.

    The same `label` generates the same messages. `on_progress` receives the number of further messages that
    exist.
    """
    existing = await models.Message.filter(room_id=room_id).count()
    on_progress(min(existing, target))
    for written in range(existing, target, MESSAGES_PER_TRANSACTION):
        count = min(MESSAGES_PER_TRANSACTION, target - written)
        async with database.transaction() as tx:
            writer = await _open_log(tx, room_id, target - written)
            await Conversation(writer, users, sample.rng(label, written)).store(tx, count)
        on_progress(count)
    if existing < target:
        await _advance_read_marks(room_id, label, users)
    return max(0, target - existing)


class Conversation:
    """Generates the messages of one transaction, with replies, mentions and reactions."""

    def __init__(self, writer: LogWriter, users: Sequence[User], rng: random.Random) -> None:
        self._writer = writer  # receives the entries
        self._users = users  # the senders
        self._rng = rng  # source of all choices
        self._messages: list[Message] = []  # generated so far, oldest first
        self._rows: list[event_log.NewMessage] = []  # their rows
        self._reactions: list[models.Reaction] = []  # to them

    async def store(self, tx: Sql, count: int) -> None:
        """Generate and write `count` messages."""
        for _ in range(count):
            self._writer.advance_time()
            message = self._add_message()
            if self._rng.random() < _REACTION_PROBABILITY:
                self._add_reactions(message)
        messages = self._messages
        await self._writer.store(tx)
        await event_log.insert_messages(tx, self._rows)
        await event_log.advance_read_marks(tx, {(one.room_id, one.sender.id): one.seq for one in messages})
        if mention_rows := [row for one in messages for row in mentions.to_rows(one)]:
            await event_log.insert_mentions(tx, mention_rows)
        await models.Reaction.bulk_create(self._reactions)
        await search.add(tx, [(one.id, one.room_id, one.body) for one in messages])

    def _add_message(self) -> Message:
        writer, rng = self._writer, self._rng
        # The first users send most messages.
        sender = self._users[int(len(self._users) * rng.random() ** 2)]
        body, mentioned_ids = sample.sentence(rng), []
        if rng.random() < _MENTION_PROBABILITY and (other := rng.choice(self._users)) is not sender:
            body, mentioned_ids = f"@{other.username} {body}", [other.id]
        reply_to = (
            rng.choice(self._messages[-10:]).id
            if self._messages and rng.random() < _REPLY_PROBABILITY
            else None
        )
        message = Message(
            id=_uuid7_at(writer.at, writer.seq),
            room_id=writer.room_id,
            seq=writer.seq + 1,
            client_id=ids.uuid7(),
            sender=sender,
            body=body,
            reply_to=reply_to,
            attachments=[],
            mentions=mentioned_ids,
            reactions=[],
            created_at=clock.rfc3339(writer.at),
            edited_at=None,
            deleted_at=None,
        )
        writer.append("message:new", sender.id, {"message": message}, message.id)
        self._messages.append(message)
        self._rows.append(
            event_log.NewMessage(
                message.id,
                message.room_id,
                message.seq,
                sender.id,
                message.client_id,
                body,
                reply_to,
                encode(mentioned_ids).decode(),
                writer.at,
            )
        )
        return message

    def _add_reactions(self, message: Message) -> None:
        writer, rng = self._writer, self._rng
        for user in rng.sample(self._users, min(len(self._users), rng.randint(1, 3))):
            emoji = rng.choice(sample.EMOJI)
            fields = {"message_id": message.id, "emoji": emoji, "user_id": user.id}
            writer.append("reaction:added", user.id, fields)
            self._reactions.append(
                models.Reaction(message_id=message.id, user_id=user.id, emoji=emoji, created_at=writer.at)
            )


def _uuid7_at(at: datetime, sequence: int) -> UUID:
    """Return a UUIDv7 of a past time, so that search lists the newest message first.

    `sequence` orders the ids of a millisecond.
    """
    value = int(at.timestamp() * 1000) << 80 | 0x7 << 76 | (sequence & 0xFFF) << 64
    return UUID(int=value | 0b10 << 62 | int.from_bytes(os.urandom(8), "big") >> 2)


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
