"""FAST PATH: a message before it is stored, and its forms: JSON, entry and row.

It is encoded once, before its seq is assigned. The ack and the entry for all members are built from this
text.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from hubbub.core import clock, ids, metrics, text_search
from hubbub.core.errors import HubbubError
from hubbub.db.sql import Sql
from hubbub.queries.eventlog import append_batch, append_batch_sqlite, event_log
from hubbub.schemas.base import encode
from hubbub.schemas.chat.messages import Message
from hubbub.schemas.eventlog.entries import Entry
from hubbub.schemas.events import MessageNew
from hubbub.schemas.uploads.uploads import Upload
from hubbub.schemas.users.users import User
from hubbub.services.instance.cached_user import CachedMembership, CachedUser
from hubbub.services.jobs import queue

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)  # `log` is the event log here

_SEQ_PLACEHOLDER = '"seq":0'
_UUID_CHARS = 36
# Where ids begin in the JSON of a message: the fields before them have a fixed length.
_ID_AT = len('{"id":"')
_ROOM_ID_AT = len('{"id":"","room_id":"') + _UUID_CHARS
_CLIENT_ID_AT = len(',"client_id":"')  # behind the seq
_SENDER_ID_AT = len(',"client_id":"","sender":{"id":"') + _UUID_CHARS  # behind the seq

_decode_message = msgspec.json.Decoder(Message).decode


@dataclass(slots=True, frozen=True)
class Stored:
    """The new seq of a stored message, or the id of the message stored before under its `client_id`."""

    seq: int
    existing_id: UUID | None = None


@dataclass(slots=True)
class PendingMessage:
    """A checked message that is not stored yet."""

    sender: User  # public profile, as sent to clients
    membership: CachedMembership  # that allowed the message; its `version` is compared under the room's lock
    client_id: UUID  # chosen by the client; unique per sender
    body: str  # text of the message
    reply_to: UUID | None  # id of a message in the same room
    mentions: list[UUID]  # ids of the mentioned users, without duplicates
    charged_to: CachedUser | None = None  # the user whose rate limit paid for it
    attachments: Sequence[Upload] = ()  # uploads of the sender, without duplicates, in this order
    jobs: Sequence[queue.NewJob] = ()  # stored with the message, or not at all
    id: UUID = field(default_factory=ids.uuid7)  # of the message
    queued_at: float = field(default_factory=clock.monotonic)  # monotonic
    result: Stored | HubbubError | None = None  # None until it is resolved
    on_done: "Callable[[PendingMessage], None] | None" = None  # called when it is resolved, and dropped
    _created_at: str = ""  # of the last encoding
    _json_before_seq: str = ""  # the encoded message up to its seq
    _json_after_seq: str = ""  # the encoded message after its seq

    @property
    def key(self) -> tuple[UUID, UUID]:
        """The key by which repetitions are recognized."""
        return self.sender.id, self.client_id

    def resolve(self, result: Stored | HubbubError) -> None:
        """Set the result after the commit and call `on_done`, before anything is published.

        Only the first call counts.
        """
        if self.result is not None:
            return
        self.result = result
        # It usually refers to this message: the cycle would be left to the garbage collector.
        on_done, self.on_done = self.on_done, None
        if on_done is not None:
            try:
                on_done(self)
            except Exception:
                metrics.count("ack_failures")
                logger.exception("message ack failed")

    def mentioned(self) -> list[UUID]:
        """Return the ids of the mentioned users, without the sender."""
        return [user_id for user_id in self.mentions if user_id != self.sender.id]

    def attachment_ids(self) -> list[UUID]:
        """Return the ids of its attachments."""
        return [each.id for each in self.attachments]

    # JSON.

    def encode_json(self, created_at: str) -> None:
        """Encode the message with this time and a placeholder for its seq."""
        message = Message(
            id=self.id,
            room_id=self.membership.room_id,
            seq=0,
            client_id=self.client_id,
            sender=self.sender,
            body=self.body,
            reply_to=self.reply_to,
            attachments=list(self.attachments),
            mentions=self.mentions,
            reactions=[],
            created_at=created_at,
            edited_at=None,
            deleted_at=None,
        )
        self._created_at = created_at
        text = encode(message).decode()
        # Only ids precede the placeholder, so no text of a user can contain it.
        self._json_before_seq, _, self._json_after_seq = text.partition(_SEQ_PLACEHOLDER)
        self._json_before_seq += _SEQ_PLACEHOLDER[:-1]

    def json(self, seq: int) -> str:
        """Return the JSON that clients receive. `encode_json` must have been called."""
        return f"{self._json_before_seq}{seq}{self._json_after_seq}"

    def to_view(self, seq: int) -> Message:
        """Return the message as clients receive it. `encode_json` must have been called."""
        return _decode_message(self.json(seq))

    # Entry and rows.

    def to_entry(self, seq: int) -> Entry:
        """Return its entry, equal to an encoded `MessageNew`. `encode_json` must have been called."""
        before, after = self._json_before_seq, self._json_after_seq
        # Copied from the JSON, since the encoder formats ids faster than Python does.
        room = before[_ROOM_ID_AT : _ROOM_ID_AT + _UUID_CHARS]
        sender = after[_SENDER_ID_AT : _SENDER_ID_AT + _UUID_CHARS]
        payload = (
            f'{{"room_id":"{room}","seq":{seq},"at":"{self._created_at}","actor_id":"{sender}",'
            f'"message":{before}{seq}{after}}}'
        )
        return Entry(self.membership.room_id, seq, MessageNew.event_name, payload)

    def to_row(self, seq: int, at: datetime) -> event_log.NewMessage:
        """Return its row for a transaction of several statements."""
        return event_log.NewMessage(
            self.id,
            self.membership.room_id,
            seq,
            self.sender.id,
            self.client_id,
            self.body,
            self.reply_to,
            _to_json(self.mentions),
            _to_json(self.attachment_ids()),
            at,
        )

    def to_batch_row(self, known_seq: int) -> append_batch.MessageRow:
        """Return what the single statement stores, with a seq that is higher than `known_seq`."""
        return append_batch.MessageRow(
            self.id,
            self.membership.room_id,
            self.membership.version,
            self.sender.id,
            self.client_id,
            self.body,
            self.reply_to,
            _to_json(self.mentions),
            _to_json(self.attachment_ids()),
            text_search.tsvector(self.body, self.membership.room_id.hex),
            known_seq,
        )

    def to_text_row(self, known_seq: int) -> append_batch_sqlite.TextRow:
        """Return what the call for SQLite stores. `encode_json` must have been called."""
        before, after = self._json_before_seq, self._json_after_seq
        return append_batch_sqlite.TextRow(
            before[_ID_AT : _ID_AT + _UUID_CHARS],
            before[_ROOM_ID_AT : _ROOM_ID_AT + _UUID_CHARS],
            self.membership.version,
            after[_SENDER_ID_AT : _SENDER_ID_AT + _UUID_CHARS],
            after[_CLIENT_ID_AT : _CLIENT_ID_AT + _UUID_CHARS],
            self.body,
            str(self.reply_to) if self.reply_to is not None else None,
            _to_json(self.mentions),
            tuple(map(str, self.mentioned())) if self.mentions else (),
            " ".join(text_search.tokenize(self.body)),
            known_seq,
        )

    def mention_rows(self) -> list[append_batch.MentionRow]:
        """Return the rows of its mentions."""
        return [append_batch.MentionRow(self.id, user_id) for user_id in self.mentioned()]

    def attachment_rows(self) -> list[append_batch.AttachmentRow]:
        """Return the rows of its attachments."""
        return [
            append_batch.AttachmentRow(self.id, upload_id, position)
            for position, upload_id in enumerate(self.attachment_ids())
        ]

    def job_rows(self, sql: Sql) -> list[append_batch.MessageJob]:
        """Return the rows of its jobs."""
        return [append_batch.MessageJob(self.id, queue.to_row(sql, job)) for job in self.jobs]


def _to_json(ids_of_rows: Sequence[UUID]) -> str:
    return encode(ids_of_rows).decode() if ids_of_rows else "[]"
