"""Generates the messages of a room: replies, mentions, reactions and pictures, as users send them."""

import os
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db.sql import Sql
from hubbub.queries.chat import search
from hubbub.queries.eventlog import event_log
from hubbub.queries.uploads import references
from hubbub.schemas.base import encode
from hubbub.schemas.chat.messages import Message
from hubbub.schemas.users.users import User
from hubbub.services.chat import mentions
from hubbub.services.seed import sample
from hubbub.services.seed.album import IllustratedMessage
from hubbub.services.seed.log_writer import LogWriter

# Shares of messages that reply, mention a user, or get reactions.
_REPLY_PROBABILITY, _MENTION_PROBABILITY, _REACTION_PROBABILITY = 0.12, 0.08, 0.2


class Conversation:
    """Generates the messages of one transaction, with replies, mentions and reactions."""

    def __init__(
        self,
        writer: LogWriter,
        users: Sequence[User],
        rng: random.Random,
        illustrated: Mapping[int, IllustratedMessage],
    ) -> None:
        self._writer = writer  # receives the entries
        self._users = users  # the senders
        self._rng = rng  # source of all choices
        self._illustrated = illustrated  # messages that show pictures, by their position
        self._messages: list[Message] = []  # generated so far, oldest first
        self._rows: list[event_log.NewMessage] = []  # their rows
        self._reactions: list[models.Reaction] = []  # to them
        self._attachments: list[tuple[UUID, UUID, UUID, int]] = []  # message, room, upload, position

    async def store(self, tx: Sql, count: int) -> None:
        """Generate and write `count` messages.

        An upload that was deleted meanwhile is not attached.
        """
        shown = {each for message in self._illustrated.values() for each in message.upload_ids}
        present = set(await references.lock(tx, shown)) if shown else set()
        for position in range(count):
            self._writer.advance_time()
            illustrated = self._illustrated.get(position)
            message = self._add_illustrated(illustrated, present) if illustrated else self._add_message()
            if self._rng.random() < _REACTION_PROBABILITY:
                self._add_reactions(message)
        messages = self._messages
        await self._writer.store(tx)
        await event_log.insert_messages(tx, self._rows)
        await event_log.advance_read_marks(tx, {(one.room_id, one.sender.id): one.seq for one in messages})
        if mention_rows := [row for one in messages for row in mentions.to_rows(one)]:
            await event_log.insert_mentions(tx, mention_rows)
        await models.Reaction.bulk_create(self._reactions)
        if self._attachments:
            await event_log.insert_attachments(tx, self._attachments)
            await references.keep(tx, {upload_id for _, _, upload_id, _ in self._attachments})
        await search.add(tx, [(one.id, one.room_id, one.body) for one in messages])

    def _add_message(self) -> Message:
        rng = self._rng
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
        return self._add(sender, body, mentioned_ids, reply_to)

    def _add_illustrated(self, illustrated: IllustratedMessage, present: set[UUID]) -> Message:
        upload_ids = [each for each in illustrated.upload_ids if each in present]
        return self._add(illustrated.sender, illustrated.body, upload_ids=upload_ids)

    def _add(
        self,
        sender: User,
        body: str,
        mentioned_ids: Sequence[UUID] = (),
        reply_to: UUID | None = None,
        upload_ids: Sequence[UUID] = (),
    ) -> Message:
        writer = self._writer
        message = Message(
            id=_uuid7_at(writer.at, writer.seq),
            room_id=writer.room_id,
            seq=writer.seq + 1,
            client_id=ids.uuid7(),
            sender=sender,
            body=body,
            reply_to=reply_to,
            attachments=[],  # they are in their own table
            mentions=list(mentioned_ids),
            reactions=[],
            created_at=clock.rfc3339(writer.at),
            edited_at=None,
            deleted_at=None,
        )
        writer.seq = message.seq
        self._messages.append(message)
        self._rows.append(_to_row(message, upload_ids, writer.at))
        self._attachments += [
            (message.id, message.room_id, upload_id, position)
            for position, upload_id in enumerate(upload_ids)
        ]
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


def _to_row(message: Message, upload_ids: Sequence[UUID], at: datetime) -> event_log.NewMessage:
    return event_log.NewMessage(
        message.id,
        message.room_id,
        message.seq,
        message.sender.id,
        message.client_id,
        message.body,
        message.reply_to,
        encode(message.mentions).decode(),
        encode(list(upload_ids)).decode(),
        at,
    )


def _uuid7_at(at: datetime, sequence: int) -> UUID:
    """Return a UUIDv7 of a past time, so that search lists the newest message first.

    `sequence` orders the ids of a millisecond.
    """
    value = int(at.timestamp() * 1000) << 80 | 0x7 << 76 | (sequence & 0xFFF) << 64
    return UUID(int=value | 0b10 << 62 | int.from_bytes(os.urandom(8), "big") >> 2)
