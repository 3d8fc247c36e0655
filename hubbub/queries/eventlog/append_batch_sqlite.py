"""FAST PATH: appends a batch of ordinary messages to SQLite's log in one call into its thread.

It stores the messages that the statement for PostgreSQL (`append_batch`) stores, and leaves the others to
the same slow path. Between two steps of a statement the thread may wait for the event loop, which holds
Python's global lock. Therefore a statement inserts many rows in one step.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import NamedTuple

import msgspec

from hubbub.db.sql import Sql

# Rows of one INSERT. A statement is prepared once for each of these numbers.
_CHUNK_SIZES = (64, 16, 4, 1)


class TextRow(NamedTuple):
    """A message to store, with its ids as text.

    `version` is the room's version at which the sender's membership was cached. `known_seq` is the highest
    seq of the room that the instance has seen: the message is stored after it.
    """

    id: str
    room_id: str
    version: int
    sender_id: str
    client_id: str
    body: str
    reply_to_id: str | None
    mentions: str
    mentioned: tuple[str, ...]
    words: str
    known_seq: int


_HEADS = """
SELECT json_group_object(id, json_array(last_seq, member_version)) FROM rooms
WHERE id IN (SELECT value FROM json_each(?1)) AND archived_at IS NULL
AND (SELECT value FROM state WHERE key = 'epoch') = ?2
"""
_STORED = """
SELECT m.sender_id, m.client_id FROM json_each(?1) AS sent CROSS JOIN messages m
ON m.sender_id = json_extract(sent.value, '$[0]') AND m.client_id = json_extract(sent.value, '$[1]')
"""
_ADVANCE_ROOMS = """
UPDATE rooms SET last_seq = ends.value, last_entry_at = ?2
FROM json_each(?1) AS ends WHERE rooms.id = ends.key
"""
_ADVANCE_READ_MARKS = """
UPDATE memberships SET last_read_seq = mark.seq FROM (SELECT json_extract(value, '$[0]') AS room,
json_extract(value, '$[1]') AS member, json_extract(value, '$[2]') AS seq FROM json_each(?1)) AS mark
WHERE room_id = mark.room AND user_id = mark.member AND last_read_seq < mark.seq
"""
_MESSAGE_COLUMNS = (
    "id, room_id, seq, sender_id, client_id, body, reply_to_id, mentions, created_at, attachments"
)

_encode = msgspec.json.Encoder().encode
_decode_heads = msgspec.json.Decoder(dict[str, tuple[int, int]]).decode


async def append_messages(sql: Sql, rows: Sequence[TextRow], at: datetime, epoch: str) -> dict[int, int]:
    """Store the messages that are new and allowed, all of them or none; return place in `rows` → seq.

    No two rows are the same message. Raises the driver's errors.
    """
    return await sql.in_one_call(partial(_append, rows, at.astimezone(UTC).isoformat(" "), epoch))


class _Fresh(NamedTuple):
    """A message that is new and allowed, and its seq."""

    place: int  # in the batch
    seq: int
    row: TextRow


def _append(rows: Sequence[TextRow], at: str, epoch: str, connection: sqlite3.Connection) -> dict[int, int]:
    fresh = _select_fresh(connection, rows, epoch)
    if fresh:
        _store(connection, fresh, at)
    return {place: seq for place, seq, _ in fresh}


def _select_fresh(connection: sqlite3.Connection, rows: Sequence[TextRow], epoch: str) -> list[_Fresh]:
    heads = _heads(connection, rows, epoch)
    stored = _stored(connection, rows)
    ends: dict[str, int] = {}
    fresh = []
    for place, row in enumerate(rows):
        last_seq, version = heads.get(row.room_id, (-1, -1))
        if version != row.version or last_seq < row.known_seq or (row.sender_id, row.client_id) in stored:
            continue
        seq = ends[row.room_id] = ends.get(row.room_id, last_seq) + 1
        fresh.append(_Fresh(place, seq, row))
    return fresh


def _store(connection: sqlite3.Connection, fresh: Sequence[_Fresh], at: str) -> None:
    ends: dict[str, int] = {}
    marks: dict[tuple[str, str], int] = {}
    messages: list[object] = []
    words: list[object] = []
    mentions: list[tuple[str, str, int, str]] = []
    for _, seq, row in fresh:
        room_id, sender_id = row.room_id, row.sender_id
        ends[room_id] = marks[room_id, sender_id] = seq
        messages += (
            row.id,
            room_id,
            seq,
            sender_id,
            row.client_id,
            row.body,
            row.reply_to_id,
            row.mentions,
            at,
        )
        words += (row.words, row.id, room_id.replace("-", ""))
        mentions += [(row.id, room_id, seq, user_id) for user_id in row.mentioned]
    read = [(room_id, user_id, seq) for (room_id, user_id), seq in marks.items()]
    connection.execute(_ADVANCE_ROOMS, (_encode(ends).decode(), at))
    _insert(connection, "messages", _MESSAGE_COLUMNS, "(?,?,?,?,?,?,?,?,?,'[]')", messages)
    connection.execute(_ADVANCE_READ_MARKS, (_encode(read).decode(),))
    _insert(connection, "message_words", "words, message_id, room", "(?,?,?)", words)
    connection.executemany(
        "INSERT INTO mentions (message_id, room_id, seq, user_id) VALUES (?,?,?,?)", mentions
    )


def _heads(connection: sqlite3.Connection, rows: Iterable[TextRow], epoch: str) -> dict[str, tuple[int, int]]:
    """Return room → (last_seq, member_version) of the rooms that take messages; none in another epoch."""
    room_ids = _encode(list({row.room_id for row in rows})).decode()
    (found,) = connection.execute(_HEADS, (room_ids, epoch)).fetchone()
    return _decode_heads(found)


def _stored(connection: sqlite3.Connection, rows: Iterable[TextRow]) -> set[tuple[str, str]]:
    """Return (sender, client_id) of those of the messages that were stored before."""
    pairs = _encode([(row.sender_id, row.client_id) for row in rows]).decode()
    return {(found[0], found[1]) for found in connection.execute(_STORED, (pairs,))}


def _insert(
    connection: sqlite3.Connection, table: str, columns: str, row_sql: str, values: list[object]
) -> None:
    """Insert rows, whose values follow each other in one list."""
    width, start = row_sql.count("?"), 0
    for size in _CHUNK_SIZES:
        while len(values) - start >= size * width:
            end = start + size * width
            connection.execute(_insert_sql(table, columns, row_sql, size), values[start:end])
            start = end


@lru_cache(maxsize=64)
def _insert_sql(table: str, columns: str, row_sql: str, size: int) -> str:
    return f"INSERT INTO {table} ({columns}) VALUES {','.join([row_sql] * size)}"
