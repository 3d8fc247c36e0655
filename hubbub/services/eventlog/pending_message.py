"""FAST PATH: a message on its way into the log: as JSON, as an entry, and as a row.

It is encoded once, before its seq is known; the ack, the entry that everybody gets and the row that is
stored are put together from the same text.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from hubbub.core import clock, ids, metrics, text_search
from hubbub.core.errors import HubbubError
from hubbub.queries.eventlog import append_batch, event_log
from hubbub.schemas.base import encode
from hubbub.schemas.chat.messages import Message
from hubbub.schemas.users.users import User
from hubbub.services.eventlog import event_log as log
from hubbub.services.instance.cached_user import CachedMembership, CachedUser

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)  # `log` is the module of rooms' entries here

_NO_SEQ = '"seq":0'
_ROOM, _SENDER = '"room_id":"', '"sender":{"id":"'
_UUID = 36  # characters

_message = msgspec.json.Decoder(Message).decode


@dataclass(slots=True, frozen=True)
class Stored:
    """How it ended: the seq of the new message, or the id of the one stored under this `client_id` before."""

    seq: int
    earlier: UUID | None = None


@dataclass(slots=True)
class PendingMessage:
    """A checked message on its way into the log. `standing` is what allowed it, `paid` whose allowance."""

    sender: User
    standing: CachedMembership
    client_id: UUID
    body: str
    reply_to: UUID | None
    mentions: list[UUID]
    paid: CachedUser | None = None
    id: UUID = field(default_factory=ids.uuid7)
    since: float = field(default_factory=clock.monotonic)
    answer: Stored | HubbubError | None = None
    then: "Callable[[PendingMessage], None] | None" = None
    _before: str = ""
    _after: str = ""

    @property
    def key(self) -> tuple[UUID, UUID]:
        """What makes a repeat a repeat."""
        return self.sender.id, self.client_id

    def settle(self, answer: Stored | HubbubError) -> None:
        """What became of it, after its commit; told once, at once, before anybody else hears of it."""
        if self.answer is not None:
            return
        self.answer = answer
        if self.then is not None:
            try:
                self.then(self)
            except Exception:
                metrics.count("ack_failures")
                logger.exception("the answer to a message failed")

    def called(self) -> list[UUID]:
        """Whose mentions it counts among. Who names themselves is not called by it."""
        return [user_id for user_id in self.mentions if user_id != self.sender.id]

    # As JSON.

    def write(self, stamp: str) -> None:
        """Encode it, with this time; its seq is to come."""
        message = Message(
            id=self.id,
            room_id=self.standing.room_id,
            seq=0,
            client_id=self.client_id,
            sender=self.sender,
            body=self.body,
            reply_to=self.reply_to,
            attachments=[],
            mentions=self.mentions,
            reactions=[],
            created_at=stamp,
            edited_at=None,
            deleted_at=None,
        )
        text = encode(message).decode()
        # Behind ids alone, before anything that a person wrote.
        self._before, _, self._after = text.partition(_NO_SEQ)
        self._before += _NO_SEQ[:-1]

    def json(self, seq: int) -> str:
        """As people see it, once it is written."""
        return f"{self._before}{seq}{self._after}"

    def view(self, seq: int) -> Message:
        """The same, as a view."""
        return _message(self.json(seq))

    # As entry and row.

    def draft(self) -> log.EntryDraft:
        """As the log takes it, once it is written."""

        def fields(seq: int) -> dict[str, object]:
            return {"message": msgspec.Raw(self.json(seq).encode())}

        return log.EntryDraft("message:new", self.sender.id, fields, message_id=self.id)

    def row(self, seq: int, at: datetime) -> event_log.NewMessage:
        """As its table has it."""
        return event_log.NewMessage(
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

    def pieces(self, stamp: str, known: int) -> append_batch.MessageRow:
        """As the one statement takes it: the payload is that of `log.append`, around a seq after `known`."""
        self.write(stamp)
        before, after = self._before, self._after
        # Ids are turned into text by the encoder, which is quick at it.
        at = before.index(_ROOM) + len(_ROOM)
        room = before[at : at + _UUID]
        at = after.index(_SENDER) + len(_SENDER)
        sender = after[at : at + _UUID]
        return append_batch.MessageRow(
            self.id,
            self.standing.room_id,
            self.standing.version,
            self.sender.id,
            self.client_id,
            self.body,
            self.reply_to,
            encode(self.mentions).decode() if self.mentions else "[]",
            text_search.tsvector(self.body, room.replace("-", "")),
            f'{{"room_id":"{room}","seq":',
            f',"at":"{stamp}","actor_id":"{sender}","message":{before}',
            f"{after}}}",
            known,
        )
