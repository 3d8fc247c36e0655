"""FAST PATH: appends a batch of ordinary messages to PostgreSQL's log with one statement in one round trip.

The statement stores the messages for which the instance's assumptions hold: the epoch is the same, the room
exists and its log ends where expected or later, its memberships are unchanged, the message is new, its
attachments are uploads of the sender. Others are left to the slow path of several statements. The statement
itself assigns the seqs, under the rooms' locks.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql
from hubbub.queries.jobs.jobs import JobRow
from hubbub.schemas.uploads.uploads import ATTACHABLE_KINDS


class MessageRow(NamedTuple):
    """A message to store.

    `version` is the room's version at which the sender's membership was cached. `known_seq` is the highest
    seq of the room that the instance has seen: the message is stored after it.
    """

    id: UUID
    room_id: UUID
    version: int
    sender_id: UUID
    client_id: UUID
    body: str
    reply_to_id: UUID | None
    mentions: str
    attachments: str
    words: str
    known_seq: int


class MentionRow(NamedTuple):
    """A user whom a message mentions."""

    message_id: UUID
    user_id: UUID


class AttachmentRow(NamedTuple):
    """An upload that a message refers to."""

    message_id: UUID
    upload_id: UUID
    position: int


class MessageJob(NamedTuple):
    """A job that is stored if its message is, and if no other one has its unique key."""

    message_id: UUID
    job: JobRow


class Batch(NamedTuple):
    """The messages of a batch, of which no two are the same, and what is stored with them."""

    messages: Sequence[MessageRow]
    mentions: Sequence[MentionRow] = ()
    attachments: Sequence[AttachmentRow] = ()
    jobs: Sequence[MessageJob] = ()


# The rooms are locked in the order of their ids, as everywhere. A message that another instance stores with
# the same client_id meanwhile violates the unique constraint, and the whole statement fails.
_GIVEN = """
WITH given AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::uuid[],
    $8::text[], $9::text[], $10::text[], $11::bigint[]) WITH ORDINALITY AS g(id, room_id, version, sender_id,
    client_id, body, reply_to_id, mentions, attachments, words, known, n)
), head AS MATERIALIZED (
  SELECT id, last_seq, member_version FROM rooms WHERE id = ANY($12::uuid[]) AND archived_at IS NULL
    AND (SELECT value FROM state WHERE key = 'epoch') = $14
  ORDER BY id FOR UPDATE
)"""
# Locked by ascending id, after the rooms. A deletion of an upload was before, or waits.
_UPLOADS = f""", attachment AS MATERIALIZED (
  SELECT * FROM unnest($17::uuid[], $18::uuid[], $19::int[]) AS a(message_id, upload_id, position)
), upload AS MATERIALIZED (
  SELECT id, user_id FROM uploads WHERE (SELECT count(*) FROM head) > 0
    AND id = ANY($18::uuid[]) AND kind IN {ATTACHABLE_KINDS}
  ORDER BY id FOR NO KEY UPDATE
)"""
_FRESH = """, fresh AS MATERIALIZED (
  SELECT g.*, h.last_seq + row_number() OVER (PARTITION BY g.room_id ORDER BY g.n) AS seq
  FROM given g JOIN head h ON h.id = g.room_id AND h.member_version = g.version AND h.last_seq >= g.known
  WHERE NOT EXISTS (SELECT FROM messages m WHERE m.sender_id = g.sender_id AND m.client_id = g.client_id)
"""
_HAS_UPLOADS = """    AND NOT EXISTS (SELECT FROM attachment a WHERE a.message_id = g.id AND NOT EXISTS (
      SELECT FROM upload u WHERE u.id = a.upload_id AND u.user_id = g.sender_id))
"""
_STORE = """), moved AS (
  UPDATE rooms SET last_seq = e.seq, last_entry_at = $13
  FROM (SELECT room_id, max(seq) AS seq FROM fresh GROUP BY room_id) e WHERE rooms.id = e.room_id
), stored AS (
  INSERT INTO messages
    (id, room_id, seq, sender_id, client_id, body, reply_to_id, mentions, attachments, words, created_at)
  SELECT id, room_id, seq, sender_id, client_id, body, reply_to_id, mentions, attachments, words::tsvector,
    $13 FROM fresh
), had AS (
  UPDATE memberships SET last_read_seq = r.seq
  FROM (SELECT room_id, sender_id, max(seq) AS seq FROM fresh GROUP BY room_id, sender_id) r
  WHERE memberships.room_id = r.room_id AND user_id = r.sender_id AND last_read_seq < r.seq
)"""
_WITH_REFERENCES = """, named AS (
  INSERT INTO mentions (message_id, room_id, seq, user_id)
  SELECT f.id, f.room_id, f.seq, c.user_id FROM unnest($15::uuid[], $16::uuid[]) AS c(message_id, user_id)
  JOIN fresh f ON f.id = c.message_id
), attached AS (
  INSERT INTO message_attachments (message_id, room_id, upload_id, position)
  SELECT f.id, f.room_id, c.upload_id, c.position FROM attachment c JOIN fresh f ON f.id = c.message_id
), kept AS (
  UPDATE uploads SET unreferenced_since = NULL
  WHERE id IN (SELECT c.upload_id FROM attachment c JOIN fresh f ON f.id = c.message_id)
), queued AS (
  INSERT INTO jobs (id, queue, kind, version, payload, priority, run_at, created_at, unique_key)
  SELECT c.id, c.queue, c.kind, c.version, c.payload, c.priority, now() + c.due * interval '1 second', now(),
    c.unique_key
  FROM unnest($20::uuid[], $21::uuid[], $22::text[], $23::text[], $24::smallint[], $25::text[],
    $26::smallint[], $27::float8[], $28::text[])
    AS c(message_id, id, queue, kind, version, payload, priority, due, unique_key)
  JOIN fresh f ON f.id = c.message_id ORDER BY c.unique_key
  ON CONFLICT DO NOTHING
)"""
_RETURNING = " SELECT id, seq FROM fresh"
_APPEND_PLAIN = _GIVEN + _FRESH + _STORE + _RETURNING
_APPEND_ALL = _GIVEN + _UPLOADS + _FRESH + _HAS_UPLOADS + _STORE + _WITH_REFERENCES + _RETURNING

# A message alone: the row of the room is locked by its update, and each step takes plain values.
_APPEND_ONE = """
WITH moved AS (
  UPDATE rooms SET last_seq = last_seq + 1, last_entry_at = $12
  WHERE id = $2 AND archived_at IS NULL AND member_version = $3 AND last_seq >= $11
    AND (SELECT value FROM state WHERE key = 'epoch') = $13
    AND NOT EXISTS (SELECT FROM messages WHERE sender_id = $4 AND client_id = $5)
  RETURNING last_seq
), stored AS (
  INSERT INTO messages
    (id, room_id, seq, sender_id, client_id, body, reply_to_id, mentions, attachments, words, created_at)
  SELECT $1::uuid, $2, last_seq, $4, $5, $6::text, $7::uuid, $8::text, $9::text, $10::text::tsvector, $12
  FROM moved
), had AS (
  UPDATE memberships SET last_read_seq = moved.last_seq FROM moved
  WHERE room_id = $2 AND user_id = $4 AND last_read_seq < moved.last_seq
)
SELECT last_seq AS seq FROM moved
"""


async def append_messages(sql: Sql, batch: Batch, at: datetime, epoch: str) -> dict[UUID, int]:
    """Store the messages that are new and allowed, all of them or none; return message → seq.

    Raises the driver's errors, such as a duplicate, invalid data, or an unavailable server.
    """
    messages, *references = batch
    if any(references):
        jobs = [(each.message_id, *_without_creation(each.job)) for each in batch.jobs]
        columns = (*_columns(batch.mentions, 2), *_columns(batch.attachments, 3), *_columns(jobs, 9))
        return await _append_many(sql, _APPEND_ALL, messages, (at, epoch, *columns))
    if len(messages) > 1:
        return await _append_many(sql, _APPEND_PLAIN, messages, (at, epoch))
    stored = await sql.fetch(_APPEND_ONE, *messages[0], at, epoch)
    return {messages[0].id: stored[0]["seq"]} if stored else {}


async def _append_many(
    sql: Sql, statement: str, messages: Sequence[MessageRow], more: Sequence[object]
) -> dict[UUID, int]:
    rooms = list({row.room_id for row in messages})
    stored = await sql.fetch(statement, *_columns(messages, len(MessageRow._fields)), rooms, *more)
    return {row["id"]: row["seq"] for row in stored}


def _without_creation(job: JobRow) -> tuple[object, ...]:
    # The statement creates it at the time of its transaction.
    return (*job[:7], job.unique_key)


def _columns(rows: Sequence[tuple[object, ...]], count: int) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]
