"""The database of a run: created for it, read at the end with plain SQL, dropped."""

import asyncio
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import msgspec

from hubbub.prove.journal import Entry, Message, StoredState, canonical_json

TIMEOUT_S = 60.0
LAST_SEQS_QUERY = "SELECT id, last_seq FROM rooms"
MESSAGES_QUERY = (
    "SELECT m.sender_id, m.client_id, m.id, m.room_id, m.seq, m.body, m.reply_to_id, m.mentions, "
    "m.created_at, m.edited_at, m.deleted_at, u.username, u.display_name, u.avatar_url "
    "FROM messages m JOIN users u ON u.id = m.sender_id"
)
QUERIES = (
    MESSAGES_QUERY,
    "SELECT room_id, seq, event, payload_json FROM entries",
    LAST_SEQS_QUERY,
)
Row = tuple[object, ...]
DatabaseError = asyncpg.PostgresError


def with_database(server_url: str, database: str) -> str:
    """Return the URL of another database on the same server."""
    return urlsplit(server_url)._replace(path=f"/{database}").geturl()


async def create(server_url: str, name: str) -> str:
    """Create a database; return its URL."""
    await _execute(server_url, f'CREATE DATABASE "{name}"')
    return with_database(server_url, name)


async def drop(server_url: str, name: str) -> None:
    """Drop a database, even while clients are connected to it."""
    await _execute(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, timeout=TIMEOUT_S)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def read_stored(url: str) -> StoredState:
    """Read all rows that the checker needs."""
    messages, entries, rooms = await _fetch_rows(url, QUERIES)
    stored = StoredState()
    for row in messages:
        sender, client_id, message_id, room = (_wire_id(value) for value in row[:4])
        stored.messages.append(Message(sender, client_id, message_id, room, int(str(row[4])), str(row[5])))
        payload = canonical_json(_message_new(row))
        stored.entries.append(Entry(room, int(str(row[4])), "message:new", payload, message_id))
    for room_id, seq, event, text in entries:
        payload = canonical_json(msgspec.json.decode(str(text)))
        stored.entries.append(Entry(_wire_id(room_id), int(str(seq)), str(event), payload))
    stored.entries.sort(key=lambda entry: (entry.room_id, entry.seq))
    stored.last_seqs = _to_last_seqs(rooms)
    return stored


def _message_new(row: Row) -> dict[str, object]:
    """Return the payload of the entry that a message is: no row holds it."""
    sender, client_id, message_id, room = (_wire_id(value) for value in row[:4])
    seq, body, reply_to, mentions, created_at, edited_at, deleted_at, username, display_name, avatar = row[4:]
    message = {
        "id": message_id,
        "room_id": room,
        "seq": seq,
        "client_id": client_id,
        "sender": {"id": sender, "username": username, "display_name": display_name, "avatar_url": avatar},
        "body": body,
        "reply_to": _wire_id(reply_to) if reply_to else None,
        "attachments": [],
        "mentions": msgspec.json.decode(str(mentions)),
        "reactions": [],
        "created_at": _wire_time(created_at),
        "edited_at": _wire_time(edited_at),
        "deleted_at": _wire_time(deleted_at),
    }
    at = message["created_at"]
    return {"room_id": room, "seq": seq, "at": at, "actor_id": sender, "message": message}


def _wire_time(value: object) -> str | None:
    """Return a time in its wire format, from the value of either database."""
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


async def last_seqs(url: str) -> dict[str, int]:
    """Return the current end of each room's log."""
    return _to_last_seqs((await _fetch_rows(url, (LAST_SEQS_QUERY,)))[0])


def _to_last_seqs(rooms: list[Row]) -> dict[str, int]:
    return {_wire_id(room): int(str(seq)) for room, seq in rooms}


def _wire_id(value: object) -> str:
    """Return an id in its wire format, from the value of either database."""
    return str(value if isinstance(value, UUID) else UUID(str(value)))


async def _fetch_rows(url: str, queries: Sequence[str]) -> list[list[Row]]:
    if url.startswith("sqlite"):
        return await asyncio.to_thread(_fetch_rows_of_file, Path(url.removeprefix("sqlite://")), queries)
    connection = await asyncpg.connect(url, timeout=TIMEOUT_S)
    try:
        return [[tuple(row) for row in await connection.fetch(query)] for query in queries]
    finally:
        await connection.close()


def _fetch_rows_of_file(path: Path, queries: Sequence[str]) -> list[list[Row]]:
    connection = sqlite3.connect(path)
    try:
        return [connection.execute(query).fetchall() for query in queries]
    finally:
        connection.close()
