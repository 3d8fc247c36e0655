"""SQL of the hot path: the log and what is written with it, for both databases.

Each function runs a few set-based statements, whatever the size of the batch. Where the dialects differ, both
bodies are next to each other. Everything that is not hot uses the models.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from hubbub.db.locking import row_lock
from hubbub.db.sql import Sql, as_uuid, in_clause
from hubbub.schemas.eventlog.entries import Entry


class LogHead(NamedTuple):
    """The end of a room's log, locked by the transaction that read it."""

    last_seq: int
    version: int
    archived: bool
    epoch: str | None  # of the database, at the same moment


class NewMessage(NamedTuple):
    """A message row, as a batch inserts it. The order of the fields is that of the columns."""

    id: UUID
    room_id: UUID
    seq: int
    sender_id: UUID
    client_id: UUID
    body: str
    reply_to_id: UUID | None
    mentions: str
    attachments: str
    created_at: datetime


class Membership(NamedTuple):
    """The membership of a user in a room."""

    role: str
    muted: bool


async def lock_rooms(tx: Sql, room_ids: Iterable[UUID]) -> dict[UUID, LogHead]:
    """Lock rooms in the order of their ids, so that two writers can't deadlock."""
    where, ids = in_clause(tx, room_ids)
    rows = await tx.fetch(
        "SELECT id, last_seq, member_version, archived_at, "
        "(SELECT value FROM state WHERE key = 'epoch') AS epoch "
        f"FROM rooms WHERE id {where} ORDER BY id {row_lock(tx, 'FOR UPDATE')}",
        ids,
    )
    return {
        as_uuid(row["id"]): LogHead(
            row["last_seq"], row["member_version"], row["archived_at"] is not None, row["epoch"]
        )
        for row in rows
    }


async def advance_rooms(tx: Sql, ends: dict[UUID, int], at: datetime) -> None:
    """Write the new `last_seq` of each locked room."""
    if tx.dialect == "postgres":
        await tx.execute(
            "UPDATE rooms SET last_seq = ends.seq, last_entry_at = $3 "
            "FROM unnest($1::uuid[], $2::bigint[]) AS ends(id, seq) WHERE rooms.id = ends.id",
            list(ends),
            list(ends.values()),
            at,
        )
        return
    await tx.executemany(
        "UPDATE rooms SET last_seq = $1, last_entry_at = $2 WHERE id = $3",
        [(seq, at, room_id) for room_id, seq in ends.items()],
    )


async def insert_entries(
    tx: Sql,
    entries: Sequence[Entry],
    actors: Sequence[UUID | None],
    messages: Sequence[UUID | None],
    times: Sequence[datetime],
) -> None:
    """Store entries. `actors`, `messages` and `times` have one item for each entry."""
    if tx.dialect == "postgres":
        await tx.execute(
            "INSERT INTO entries (room_id, seq, event, payload_json, at, actor_id, message_id) "
            "SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], "
            "$6::uuid[], $7::uuid[])",
            [entry.room_id for entry in entries],
            [entry.seq for entry in entries],
            [entry.event for entry in entries],
            [entry.payload for entry in entries],
            list(times),
            list(actors),
            list(messages),
        )
        return
    await tx.executemany(
        "INSERT INTO entries (room_id, seq, event, payload_json, at, actor_id, message_id) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            (entry.room_id, entry.seq, entry.event, entry.payload, at, actor, message)
            for entry, at, actor, message in zip(entries, times, actors, messages, strict=True)
        ],
    )


async def insert_messages(tx: Sql, rows: Sequence[NewMessage]) -> None:
    """Store messages. An existing (sender, client_id) violates the unique constraint."""
    columns = ", ".join(NewMessage._fields)
    if tx.dialect == "postgres":
        await tx.execute(
            f"INSERT INTO messages ({columns}) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], "
            "$4::uuid[], $5::uuid[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::timestamptz[])",
            *(list(column) for column in zip(*rows, strict=True)),
        )
        return
    await tx.executemany(
        f"INSERT INTO messages ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        rows,
    )


async def stored_messages(tx: Sql, pairs: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], UUID]:
    """Return pair → message id for those of the pairs (sender, client_id) that are stored."""
    if tx.dialect == "postgres":
        rows = await tx.fetch(
            "SELECT m.sender_id, m.client_id, m.id "
            "FROM unnest($1::uuid[], $2::uuid[]) AS sent(sender, client) "
            "JOIN messages m ON m.sender_id = sent.sender AND m.client_id = sent.client",
            [sender for sender, _ in pairs],
            [client for _, client in pairs],
        )
    else:
        rows = await tx.fetch(
            "SELECT m.sender_id, m.client_id, m.id FROM json_each($1) AS sent JOIN messages m "
            "ON m.sender_id = json_extract(sent.value, '$[0]') "
            "AND m.client_id = json_extract(sent.value, '$[1]')",
            "[" + ",".join(f'["{sender}","{client}"]' for sender, client in pairs) + "]",
        )
    return {(as_uuid(row["sender_id"]), as_uuid(row["client_id"])): as_uuid(row["id"]) for row in rows}


async def advance_read_marks(tx: Sql, marks: dict[tuple[UUID, UUID], int]) -> None:
    """Move read marks, (room, user) → seq, forward, never backward."""
    if tx.dialect == "postgres":
        await tx.execute(
            "UPDATE memberships SET last_read_seq = mark.seq "
            "FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS mark(room, member, seq) "
            "WHERE room_id = mark.room AND user_id = mark.member AND last_read_seq < mark.seq",
            [room for room, _ in marks],
            [user for _, user in marks],
            list(marks.values()),
        )
        return
    await tx.executemany(
        "UPDATE memberships SET last_read_seq = $1 "
        "WHERE room_id = $2 AND user_id = $3 AND last_read_seq < $1",
        [(seq, room, user) for (room, user), seq in marks.items()],
    )


async def insert_mentions(tx: Sql, rows: Sequence[tuple[UUID, UUID, int, UUID]]) -> None:
    """Store mentions: (message, room, seq, user). Existing ones are ignored."""
    await tx.executemany(
        "INSERT INTO mentions (message_id, room_id, seq, user_id) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (message_id, user_id) DO NOTHING",
        rows,
    )


async def insert_attachments(tx: Sql, rows: Sequence[tuple[UUID, UUID, UUID, int]]) -> None:
    """Store the references of messages to uploads: (message, room, upload, position)."""
    await tx.executemany(
        "INSERT INTO message_attachments (message_id, room_id, upload_id, position) VALUES ($1, $2, $3, $4)",
        rows,
    )


async def memberships(
    sql: Sql, room_ids: Iterable[UUID], user_ids: Iterable[UUID]
) -> dict[tuple[UUID, UUID], Membership]:
    """Return (room, user) → membership, for those of the users that are members of those of the rooms."""
    in_rooms, rooms = in_clause(sql, room_ids, 1)
    for_users, users = in_clause(sql, user_ids, 2)
    rows = await sql.fetch(
        "SELECT room_id, user_id, role, muted FROM memberships "
        f"WHERE room_id {in_rooms} AND user_id {for_users}",
        rooms,
        users,
    )
    return {
        (as_uuid(row["room_id"]), as_uuid(row["user_id"])): Membership(row["role"], bool(row["muted"]))
        for row in rows
    }


class LogEnd(NamedTuple):
    """The end of a room's log, and the number of its readers."""

    last_seq: int
    member_count: int


async def log_ends(sql: Sql, room_ids: Iterable[UUID]) -> dict[UUID, LogEnd]:
    """Return the ends of the logs of rooms."""
    where, ids = in_clause(sql, room_ids)
    rows = await sql.fetch(f"SELECT id, last_seq, member_count FROM rooms WHERE id {where}", ids)
    return {as_uuid(row["id"]): LogEnd(row["last_seq"], row["member_count"]) for row in rows}


MISSING_ROOM = LogEnd(0, 0)


async def changed(sql: Sql, known: Mapping[UUID, LogEnd]) -> dict[UUID, LogEnd]:
    """Return the ends of those of the rooms that differ from `known`; MISSING_ROOM for a missing room.

    An unchanged room costs no row.
    """
    if sql.dialect != "postgres":
        found = await log_ends(sql, known)
        ends = {room_id: found.get(room_id, MISSING_ROOM) for room_id in known}
        return {room_id: end for room_id, end in ends.items() if end != known[room_id]}
    rows = await sql.fetch(
        "SELECT known.id, r.last_seq, r.member_count "
        "FROM unnest($1::uuid[], $2::bigint[], $3::int[]) AS known(id, seq, members) "
        "LEFT JOIN rooms r ON r.id = known.id "
        "WHERE (r.id IS NULL AND known.seq > 0) OR r.last_seq <> known.seq "
        "OR r.member_count <> known.members",
        list(known),
        [end.last_seq for end in known.values()],
        [end.member_count for end in known.values()],
    )
    return {as_uuid(row["id"]): _log_end(row) for row in rows}


def _log_end(row: Mapping[str, Any]) -> LogEnd:
    """Return the end of a log from a row of a left join."""
    return MISSING_ROOM if row["last_seq"] is None else LogEnd(row["last_seq"], row["member_count"])
