"""The search index: PostgreSQL's `tsvector` with GIN, SQLite's FTS5, both fed by the same words.

It is no model: `message_words` exists in the migrations alone. A room's id is a word of its messages, so that a
search in one room costs what the room's matches cost.
"""

from collections.abc import Sequence
from uuid import UUID

from hubbub.core import words
from hubbub.models.connection import Sql, uuid_of


async def add(tx: Sql, rows: Sequence[tuple[UUID, UUID, str]]) -> None:
    """Index messages: (message, room, body)."""
    if tx.dialect == "postgres":
        await tx.execute(
            "INSERT INTO message_words (message_id, words) "
            "SELECT id, words::tsvector FROM unnest($1::uuid[], $2::text[]) AS new(id, words)",
            [message_id for message_id, _, _ in rows],
            [words.tsvector(body, _room(room_id)) for _, room_id, body in rows],
        )
        return
    await tx.executemany(
        "INSERT INTO message_words (words, key) VALUES ($1, $2)",
        [(" ".join(words.words(body)), f"{message_id.hex} {_room(room_id)}") for message_id, room_id, body in rows],
    )


def _room(room_id: UUID) -> str:
    return f"r{room_id.hex}"


async def replace(tx: Sql, message_id: UUID, room_id: UUID, body: str) -> None:
    """Index a message anew."""
    await remove(tx, message_id)
    await add(tx, [(message_id, room_id, body)])


async def remove(tx: Sql, message_id: UUID) -> None:
    """Take a message out of the index."""
    if tx.dialect == "postgres":
        await tx.execute("DELETE FROM message_words WHERE message_id = $1", message_id)
        return
    # Found by its key: the rowids of FTS5 do not have to be remembered.
    await tx.execute(
        "DELETE FROM message_words WHERE rowid IN (SELECT rowid FROM message_words WHERE message_words MATCH $1)",
        f'key : "{message_id.hex}"',
    )


async def find(  # noqa: PLR0913 - a filter each
    sql: Sql,
    *,
    user_id: UUID,
    query: str,
    room_id: UUID | None = None,
    from_user_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[UUID]:
    """Messages in the user's rooms that hold all words, newest first; ids below `before`."""
    if sql.dialect == "postgres":
        asked = words.tsquery(query, *([_room(room_id)] if room_id else []))
        source = "message_words w JOIN messages m ON m.id = w.message_id WHERE w.words @@ $2::tsquery"
    else:
        asked = words.fts5(query)
        if asked and room_id is not None:
            asked += f' AND (key : "{_room(room_id)}")'
        source = (
            "message_words JOIN messages m ON m.id = substr(message_words.key, 1, 8) || '-' || substr(message_words.key, 9, 4) || '-' || "
            "substr(message_words.key, 13, 4) || '-' || substr(message_words.key, 17, 4) || '-' || substr(message_words.key, 21, 12) "
            "WHERE message_words MATCH $2"
        )
    if not asked:
        return []
    values: list[object] = [user_id, asked, limit]
    more = ""
    for column, operator, value in (("m.sender_id", "=", from_user_id), ("m.id", "<", before), ("m.room_id", "=", room_id)):
        if value is not None:
            values.append(value)
            more += f" AND {column} {operator} ${len(values)}"
    rows = await sql.fetch(
        f"SELECT m.id FROM {source} AND m.deleted_at IS NULL{more} AND EXISTS (SELECT 1 FROM memberships b "
        "WHERE b.room_id = m.room_id AND b.user_id = $1) ORDER BY m.id DESC LIMIT $3",
        *values,
    )
    return [uuid_of(row["id"]) for row in rows]
