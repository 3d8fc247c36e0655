"""A message on its way into the log: what it is as a view, as an entry, and as a row."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from hubbub.core import clock, ids, words
from hubbub.models import appending, statements
from hubbub.schemas.base import encode
from hubbub.schemas.messages import Message
from hubbub.schemas.users import User
from hubbub.services import log
from hubbub.services.residents import Standing

_NO_SEQ = '"seq":0'


@dataclass(slots=True, frozen=True)
class Stored:
    """How it ended: the new message, or the id of the one that was stored under this `client_id` before."""

    message: Message | None
    earlier: UUID | None = None


@dataclass(slots=True)
class Outgoing:
    """A checked message on its way into the log. `standing` is what allowed it."""

    sender: User
    standing: Standing
    client_id: UUID
    body: str
    reply_to: UUID | None
    mentions: list[UUID]
    id: UUID = field(default_factory=ids.new)
    since: float = field(default_factory=clock.monotonic)
    done: asyncio.Future[Stored] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def key(self) -> tuple[UUID, UUID]:
        """What makes a repeat a repeat."""
        return self.sender.id, self.client_id

    def view(self, seq: int, created_at: str) -> Message:
        """As people see it."""
        return Message(
            id=self.id,
            room_id=self.standing.room_id,
            seq=seq,
            client_id=self.client_id,
            sender=self.sender,
            body=self.body,
            reply_to=self.reply_to,
            attachments=[],
            mentions=self.mentions,
            reactions=[],
            created_at=created_at,
            edited_at=None,
            deleted_at=None,
        )

    def draft(self, at: datetime, messages: list[Message]) -> log.Draft:
        """As the log takes it; what it became is put behind `messages`."""

        def fields(seq: int) -> dict[str, object]:
            message = self.view(seq, clock.rfc3339(at))
            messages.append(message)
            return {"message": message}

        return log.Draft("message:new", self.sender.id, fields, message_id=self.id)

    def row(self, seq: int, at: datetime) -> statements.NewMessage:
        """As its table has it."""
        return statements.NewMessage(
            self.id,
            self.standing.room_id,
            seq,
            self.sender.id,
            self.client_id,
            self.body,
            self.reply_to,
            encode(self.mentions).decode(),
            at,
        )

    def pieces(self, message: Message, stamp: str) -> appending.Row:
        """As the one statement takes it: the payload is that of `log.append`, around a seq not known yet.

        `message` is its view with seq 0.
        """
        text = encode(message).decode()
        place = text.index(_NO_SEQ) + len(_NO_SEQ)  # behind ids alone, before anything that a person wrote
        room_id, sender_id = self.standing.room_id, self.sender.id
        return appending.Row(
            self.id,
            room_id,
            self.standing.version,
            sender_id,
            self.client_id,
            self.body,
            self.reply_to,
            encode(self.mentions).decode(),
            words.tsvector(self.body, room_id.hex),
            f'{{"room_id":"{room_id}","seq":',
            f',"at":"{stamp}","actor_id":"{sender_id}","message":{text[: place - 1]}',
            f"{text[place:]}}}",
        )
