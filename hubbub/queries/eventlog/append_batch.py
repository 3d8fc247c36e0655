"""FAST PATH: appends a batch of ordinary messages to PostgreSQL's log with one statement in one round trip.

The statement stores the messages for which the instance's assumptions hold: the epoch is the same, the room
exists and its log ends where expected or later, its memberships are unchanged, the message is new. The others
are left to the slow path of several statements. The statement itself assigns the seqs, under the rooms'
locks. Therefore a payload consists of three pieces, and its seq is inserted between them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql


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
    words: str
    payload_head: str
    payload_middle: str
    payload_tail: str
    known_seq: int

    def payload(self, seq: int) -> str:
        """Return the entry's payload as the statement stores it."""
        return f"{self.payload_head}{seq}{self.payload_middle}{seq}{self.payload_tail}"


# The rooms are locked in the order of their ids, as everywhere. A message that another instance stores with
# the same client_id meanwhile violates the unique constraint, and the whole statement fails.
_APPEND = """
WITH given AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::uuid[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[]) WITH ORDINALITY AS g(id,
    room_id, version, sender_id, client_id, body, reply_to_id, mentions, words, before, between_, after_,
    known, n)
), head AS MATERIALIZED (
  SELECT id, last_seq, member_version FROM rooms WHERE id = ANY($14::uuid[]) AND archived_at IS NULL
    AND (SELECT value FROM state WHERE key = 'epoch') = $18
  ORDER BY id FOR UPDATE
), fresh AS MATERIALIZED (
  SELECT g.*, h.last_seq + row_number() OVER (PARTITION BY g.room_id ORDER BY g.n) AS seq
  FROM given g JOIN head h ON h.id = g.room_id AND h.member_version = g.version AND h.last_seq >= g.known
  WHERE NOT EXISTS (SELECT FROM messages m WHERE m.sender_id = g.sender_id AND m.client_id = g.client_id)
), moved AS (
  UPDATE rooms SET last_seq = e.seq, last_entry_at = $15
  FROM (SELECT room_id, max(seq) AS seq FROM fresh GROUP BY room_id) e WHERE rooms.id = e.room_id
), stored AS (
  INSERT INTO messages
    (id, room_id, seq, sender_id, client_id, body, reply_to_id, mentions, created_at, attachments)
  SELECT id, room_id, seq, sender_id, client_id, body, reply_to_id, mentions, $15, '[]' FROM fresh
), logged AS (
  INSERT INTO entries (room_id, seq, event, payload, at, actor_id, message_id)
  SELECT room_id, seq, 'message:new', before || seq || between_ || seq || after_, $15, sender_id, id
  FROM fresh
), had AS (
  UPDATE memberships SET last_read_seq = r.seq
  FROM (SELECT room_id, sender_id, max(seq) AS seq FROM fresh GROUP BY room_id, sender_id) r
  WHERE memberships.room_id = r.room_id AND user_id = r.sender_id AND last_read_seq < r.seq
), indexed AS (
  INSERT INTO message_words (message_id, words) SELECT id, words::tsvector FROM fresh
), named AS (
  INSERT INTO mentions (message_id, room_id, seq, user_id)
  SELECT f.id, f.room_id, f.seq, c.user_id FROM unnest($16::uuid[], $17::uuid[]) AS c(message_id, user_id)
  JOIN fresh f ON f.id = c.message_id
)
SELECT id, seq FROM fresh
"""


async def append_messages(
    sql: Sql, rows: Sequence[MessageRow], mentions: Sequence[tuple[UUID, UUID]], at: datetime, epoch: str
) -> dict[UUID, int]:
    """Store the messages that are new and allowed, all of them or none; return message → seq.

    No two rows are the same message. `mentions` are (message, user). Raises the driver's errors, such as a
    duplicate, invalid data, or an unavailable server.
    """
    columns = [list(column) for column in zip(*rows, strict=True)]
    stored = await sql.fetch(
        _APPEND,
        *columns,
        list({row.room_id for row in rows}),
        at,
        [message for message, _ in mentions],
        [user for _, user in mentions],
        epoch,
    )
    return {row["id"]: row["seq"] for row in stored}
