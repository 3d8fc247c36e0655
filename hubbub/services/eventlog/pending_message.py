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
from hubbub.schemas.eventlog.entries import Entry
from hubbub.schemas.events import MessageNew
from hubbub.schemas.users.users import User
from hubbub.services.eventlog import event_log as log
from hubbub.services.instance.cached_user import CachedMembership, CachedUser

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)  # `log` is the module of rooms' entries here

_SEQ_PLACEHOLDER = '"seq":0'
_ROOM_ID_KEY, _SENDER_ID_KEY = '"room_id":"', '"sender":{"id":"'
_UUID_CHARS = 36  # characters

_decode_message = msgspec.json.Decoder(Message).decode


@dataclass(slots=True, frozen=True)
class Stored:
    """How it ended: the seq of the new message, or the id of the one stored under this `client_id` before."""

    seq: int
    existing_id: UUID | None = None


@dataclass(slots=True)
class PendingMessage:
    """A checked message on its way into the log. `standing` is what allowed it, `paid` whose allowance."""

    sender: User
    membership: CachedMembership
    client_id: UUID
    body: str
    reply_to: UUID | None
    mentions: list[UUID]
    charged_to: CachedUser | None = None
    id: UUID = field(default_factory=ids.uuid7)
    queued_at: float = field(default_factory=clock.monotonic)
    result: Stored | HubbubError | None = None
    on_done: "Callable[[PendingMessage], None] | None" = None
    _created_at: str = ""  # of the last encoding
    _json_before_seq: str = ""
    _json_after_seq: str = ""

    @property
    def key(self) -> tuple[UUID, UUID]:
        """What makes a repeat a repeat."""
        return self.sender.id, self.client_id

    def resolve(self, result: Stored | HubbubError) -> None:
        """What became of it, after its commit; told once, at once, before anybody else hears of it."""
        if self.result is not None:
            return
        self.result = result
        if self.on_done is not None:
            try:
                self.on_done(self)
            except Exception:
                metrics.count("ack_failures")
                logger.exception("the answer to a message failed")

    def mentioned(self) -> list[UUID]:
        """Whose mentions it counts among. Who names themselves is not called by it."""
        return [user_id for user_id in self.mentions if user_id != self.sender.id]

    # As JSON.

    def encode_json(self, created_at: str) -> None:
        """Encode it, with this time; its seq is to come."""
        message = Message(
            id=self.id,
            room_id=self.membership.room_id,
            seq=0,
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
        self._created_at = created_at
        text = encode(message).decode()
        # Behind ids alone, before anything that a person wrote.
        self._json_before_seq, _, self._json_after_seq = text.partition(_SEQ_PLACEHOLDER)
        self._json_before_seq += _SEQ_PLACEHOLDER[:-1]

    def json(self, seq: int) -> str:
        """As people see it, once it is written."""
        return f"{self._json_before_seq}{seq}{self._json_after_seq}"

    def to_view(self, seq: int) -> Message:
        """The same, as a view."""
        return _decode_message(self.json(seq))

    # As entry and row.

    def to_entry(self, seq: int) -> log.NewEntry:
        """Return its entry, with the bytes of an encoded `MessageNew`."""
        _, head, middle, tail = self._entry_parts()
        room_id, payload = self.membership.room_id, f"{head}{seq}{middle}{seq}{tail}"
        return log.NewEntry(Entry(room_id, seq, MessageNew.event_name, payload), self.sender.id, self.id)

    def _entry_parts(self) -> tuple[str, str, str, str]:
        """The id of the room as text, and the payload around the two places of its seq."""
        before, after = self._json_before_seq, self._json_after_seq
        # Ids are turned into text by the encoder, which is quick at it.
        start = before.index(_ROOM_ID_KEY) + len(_ROOM_ID_KEY)
        room = before[start : start + _UUID_CHARS]
        start = after.index(_SENDER_ID_KEY) + len(_SENDER_ID_KEY)
        sender = after[start : start + _UUID_CHARS]
        middle = f',"at":"{self._created_at}","actor_id":"{sender}","message":{before}'
        return room, f'{{"room_id":"{room}","seq":', middle, f"{after}}}"

    def to_row(self, seq: int, at: datetime) -> event_log.NewMessage:
        """As its table has it."""
        return event_log.NewMessage(
            self.id,
            self.membership.room_id,
            seq,
            self.sender.id,
            self.client_id,
            self.body,
            self.reply_to,
            encode(self.mentions).decode(),
            at,
        )

    def payload_parts(self, created_at: str, known_seq: int) -> append_batch.MessageRow:
        """As the one statement takes it: the payload is that of `log.append`, around a seq after `known`."""
        self.encode_json(created_at)
        room, head, middle, tail = self._entry_parts()
        return append_batch.MessageRow(
            self.id,
            self.membership.room_id,
            self.membership.version,
            self.sender.id,
            self.client_id,
            self.body,
            self.reply_to,
            encode(self.mentions).decode() if self.mentions else "[]",
            text_search.tsvector(self.body, room.replace("-", "")),
            head,
            middle,
            tail,
            known_seq,
        )
