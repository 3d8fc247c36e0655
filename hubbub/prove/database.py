"""The database of a run: created for it, read at the end with plain SQL, dropped."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import msgspec

from hubbub.prove.journal import Entry, Message, StoredState, canonical_json

TIMEOUT_S = 60.0
LAST_SEQS_QUERY = "SELECT id, last_seq FROM rooms"
QUERIES = (
    "SELECT sender_id, client_id, id, room_id, seq, body FROM messages",
    "SELECT room_id, seq, event, payload, message_id FROM entries ORDER BY room_id, seq",
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
    for sender, client_id, message_id, room, seq, body in messages:
        ids = (_wire_id(sender), _wire_id(client_id), _wire_id(message_id), _wire_id(room))
        stored.messages.append(Message(*ids, seq=int(str(seq)), body=str(body)))
    for room, seq, event, payload, message in entries:
        canonical = canonical_json(msgspec.json.decode(str(payload)))
        entry_message_id = _wire_id(message) if message else ""
        stored.entries.append(Entry(_wire_id(room), int(str(seq)), str(event), canonical, entry_message_id))
    stored.last_seqs = _to_last_seqs(rooms)
    return stored


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
