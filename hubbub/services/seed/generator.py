"""Filling a room with sample history: entries as the server writes them, many at a time."""

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

AGE = timedelta(days=7)  # how far back the history of a new room goes
PEOPLE = 1000  # who join in one transaction
MESSAGES = 400  # in one transaction, so that a running server gets its turn in between

# How often a message answers another, names somebody, gets reactions; how many people have read everything.
_REPLIES, _MENTIONS, _REACTIONS, _READ = 0.12, 0.08, 0.2, 0.6


class LogWriter:
    """What one transaction adds to a room's log, from its end on, spread in time up to now."""

    def __init__(self, room_id: UUID, seq: int, begin: datetime, events: int) -> None:
        self.room_id = room_id
        self.seq = seq
        self.at = begin
        self._exact = begin
        self._step = max(timedelta(0), (clock.now() - begin) / (events + 1))
        self.entries: list[models.Entry] = []

    def tick(self) -> None:
        """Some time passes; in whole milliseconds, as everywhere."""
        self._exact += self._step
        self.at = self._exact.replace(microsecond=self._exact.microsecond // 1000 * 1000)

    def enter(
        self, event: str, actor_id: UUID, fields: dict[str, Any], message_id: UUID | None = None
    ) -> None:
        """The next entry, complete as the clients get it."""
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
        """Write the entries, and the new end of the log."""
        await models.Entry.bulk_create(self.entries)
        await event_log.advance_rooms(tx, {self.room_id: self.seq}, self.at)


async def _open(tx: Sql, room_id: UUID, events: int) -> LogWriter:
    """Lock the room; a page after what is there."""
    head = (await log.lock(tx, [room_id]))[room_id]
    room = await models.Room.get(id=room_id)
    return LogWriter(room_id, head.seq, room.last_entry_at, events)


async def join(room_id: UUID, people: Sequence[tuple[User, str]], messages: int) -> None:
    """Make people, with their roles, members; who is one stays as they are. `messages` are to follow."""
    for start in range(0, len(people), PEOPLE):
        some = people[start : start + PEOPLE]
        async with database.transaction() as tx:
            page = await _open(tx, room_id, len(people) - start + messages)
            found = models.Membership.filter(room_id=room_id, user_id__in=[person.id for person, _ in some])
            members = set(await found.values_list("user_id", flat=True))
            rows = []
            for person, role in some:
                if person.id in members:
                    continue
                page.tick()
                page.enter("member:joined", person.id, {"user": person, "role": role})
                rows.append(
                    models.Membership(
                        room_id=room_id,
                        user_id=person.id,
                        role=role,
                        joined_at=page.at,
                        last_read_seq=page.seq,
                    )
                )
            if rows:
                await models.Membership.bulk_create(rows)
                await models.Room.filter(id=room_id).update(member_count=F("member_count") + len(rows))
                await change_counters.bump_version(
                    tx, [row.user_id for row in rows]
                )  # one of them may be connected
                await page.store(tx)


async def talk(
    room_id: UUID, label: str, people: Sequence[User], wanted: int, told: Callable[[int], None]
) -> int:
    """Have `people` write until there are `wanted` messages in the room; returns how many they wrote.

    The same `label` gives the same talk. `told` hears how many more of the wanted are there.
    """
    have = await models.Message.filter(room_id=room_id).count()
    told(min(have, wanted))
    for written in range(have, wanted, MESSAGES):
        count = min(MESSAGES, wanted - written)
        async with database.transaction() as tx:
            page = await _open(tx, room_id, wanted - written)
            await Conversation(page, people, sample.rng(label, written)).store(tx, count)
        told(count)
    if have < wanted:
        await _read(room_id, label, people)
    return max(0, wanted - have)


class Conversation:
    """A page of messages, with the answers, mentions and reactions among them."""

    def __init__(self, page: LogWriter, people: Sequence[User], chance: random.Random) -> None:
        self._page = page
        self._people = people
        self._chance = chance
        self._messages: list[Message] = []
        self._rows: list[event_log.NewMessage] = []
        self._reactions: list[models.Reaction] = []

    async def store(self, tx: Sql, count: int) -> None:
        """Make and write `count` messages."""
        for _ in range(count):
            self._page.tick()
            message = self._message()
            if self._chance.random() < _REACTIONS:
                self._react(message)
        messages = self._messages
        await self._page.store(tx)
        await event_log.insert_messages(tx, self._rows)
        await event_log.advance_read_marks(tx, {(one.room_id, one.sender.id): one.seq for one in messages})
        if named := [row for one in messages for row in mentions.rows(one)]:
            await event_log.insert_mentions(tx, named)
        await models.Reaction.bulk_create(self._reactions)
        await search.add(tx, [(one.id, one.room_id, one.body) for one in messages])

    def _message(self) -> Message:
        page, chance = self._page, self._chance
        # Few people say most.
        sender = self._people[int(len(self._people) * chance.random() ** 2)]
        body, called = sample.line(chance), []
        if chance.random() < _MENTIONS and (other := chance.choice(self._people)) is not sender:
            body, called = f"@{other.username} {body}", [other.id]
        earlier = (
            chance.choice(self._messages[-10:]).id if self._messages and chance.random() < _REPLIES else None
        )
        message = Message(
            id=_id(page.at, page.seq),
            room_id=page.room_id,
            seq=page.seq + 1,
            client_id=ids.uuid7(),
            sender=sender,
            body=body,
            reply_to=earlier,
            attachments=[],
            mentions=called,
            reactions=[],
            created_at=clock.rfc3339(page.at),
            edited_at=None,
            deleted_at=None,
        )
        page.enter("message:new", sender.id, {"message": message}, message.id)
        self._messages.append(message)
        self._rows.append(
            event_log.NewMessage(
                message.id,
                message.room_id,
                message.seq,
                sender.id,
                message.client_id,
                body,
                earlier,
                encode(called).decode(),
                page.at,
            )
        )
        return message

    def _react(self, message: Message) -> None:
        page, chance = self._page, self._chance
        for person in chance.sample(self._people, min(len(self._people), chance.randint(1, 3))):
            emoji = chance.choice(sample.EMOJI)
            fields = {"message_id": message.id, "emoji": emoji, "user_id": person.id}
            page.enter("reaction:added", person.id, fields)
            self._reactions.append(
                models.Reaction(message_id=message.id, user_id=person.id, emoji=emoji, created_at=page.at)
            )


def _id(at: datetime, count: int) -> UUID:
    """A UUIDv7 of a time that is past, for search to show the newest first; `count` orders a millisecond."""
    value = int(at.timestamp() * 1000) << 80 | 0x7 << 76 | (count & 0xFFF) << 64
    return UUID(int=value | 0b10 << 62 | int.from_bytes(os.urandom(8), "big") >> 2)


async def _read(room_id: UUID, label: str, people: Sequence[User]) -> None:
    """Most have read everything, some are behind."""
    room = await models.Room.get(id=room_id)
    chance = sample.rng(label, "read")
    marks = {}
    for person in people:
        behind = 0 if chance.random() < _READ else chance.randint(1, 30)
        marks[room_id, person.id] = max(0, room.last_seq - behind)
    async with database.transaction() as tx:
        await event_log.advance_read_marks(tx, marks)
