"""The search index: PostgreSQL's `tsvector` with GIN, SQLite's FTS5, both filled with the same words.

The models do not describe it: the migrations create the column `messages.words` of PostgreSQL, and the table
`message_words` of SQLite. The index holds a message's room with its words, so that the cost of a search in
one room depends only on the matches in that room.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from hubbub.core import text_search
from hubbub.db.sql import Sql, as_uuid

MAX_LISTED_ROOMS = 50  # listing them takes 40 µs each

# FTS5 finds a row only by the words of its columns. An id is a phrase of five words.
_ROWID_QUERY = "(SELECT rowid FROM message_words WHERE message_words MATCH ${})"


async def add(tx: Sql, rows: Sequence[tuple[UUID, UUID, str]]) -> None:
    """Index messages that are stored in the same transaction: (message, room, body), oldest first."""
    if tx.dialect == "postgres":
        await tx.execute(
            "UPDATE messages SET words = new.words::tsvector "
            "FROM unnest($1::uuid[], $2::text[]) AS new(id, words) WHERE messages.id = new.id",
            [message_id for message_id, _, _ in rows],
            [text_search.tsvector(body, room_id.hex) for _, room_id, body in rows],
        )
        return
    await tx.executemany(
        "INSERT INTO message_words (words, message_id, room) VALUES ($1, $2, $3)",
        [
            (" ".join(text_search.tokenize(body)), message_id, room_id.hex)
            for message_id, room_id, body in rows
        ],
    )


async def replace(tx: Sql, message_id: UUID, room_id: UUID, body: str) -> None:
    """Index a message again; its position in the results does not change."""
    if tx.dialect == "postgres":
        await tx.execute(
            "UPDATE messages SET words = $2::text::tsvector WHERE id = $1",
            message_id,
            text_search.tsvector(body, room_id.hex),
        )
        return
    found = await tx.execute(
        f"UPDATE message_words SET words = $1 WHERE rowid = {_ROWID_QUERY.format(2)}",
        " ".join(text_search.tokenize(body)),
        _phrase(message_id),
    )
    if not found:
        await add(tx, [(message_id, room_id, body)])


async def remove(tx: Sql, message_id: UUID) -> None:
    """Remove the words of a message."""
    if tx.dialect == "postgres":
        await tx.execute("UPDATE messages SET words = NULL WHERE id = $1", message_id)
        return
    # The row remains, empty, as the position of cursors.
    await tx.execute(
        f"UPDATE message_words SET words = '' WHERE rowid = {_ROWID_QUERY.format(1)}", _phrase(message_id)
    )


def _phrase(message_id: UUID) -> str:
    return f'message_id : "{message_id}"'


async def find(  # noqa: PLR0913 - each parameter is a filter
    sql: Sql,
    *,
    user_id: UUID,
    query: str,
    room_id: UUID | None = None,
    from_user_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[UUID]:
    """Return messages in the user's rooms that contain all words, the last one as a prefix; newest first.

    `before` is the last message of the previous page. A query without a word finds nothing.
    """
    parsed = text_search.parse_query(query)
    if parsed is None:
        return []
    if sql.dialect == "postgres":
        plan = _postgres_plan(parsed, room_id)
    else:
        rooms = [room_id.hex] if room_id else await _listed_rooms(sql, user_id)
        if rooms == []:
            return []
        plan = _sqlite_plan(parsed, rooms)
    filters = {
        "m.sender_id = ${}": from_user_id,
        "m.room_id = ${}": room_id,
        plan.cursor_condition: plan.cursor_value(before) if before else None,
    }
    statement, values = _statement(plan, filters, user_id, limit)
    rows = await sql.fetch(statement, *values)
    return [as_uuid(row["id"]) for row in rows]


class _Plan(NamedTuple):
    """The parts of a search that depend on the database."""

    query: str  # in the syntax of the index
    from_clause: str  # tables and the condition of the match
    order_column: str
    cursor_condition: str  # on the rows after a message
    cursor_value: Callable[[UUID], object]  # the condition's parameter for a message


def _postgres_plan(parsed: text_search.SearchQuery, room_id: UUID | None) -> _Plan:
    return _Plan(
        text_search.with_label(parsed.tsquery, room_id.hex) if room_id else parsed.tsquery,
        "messages m WHERE m.words @@ $1::text::tsquery",
        "m.id",
        "m.id < ${}",
        lambda before: before,
    )


def _sqlite_plan(parsed: text_search.SearchQuery, rooms: Sequence[str] | None) -> _Plan:
    room_terms = " OR ".join(f'"{room}"' for room in rooms or ())
    # CROSS: the index comes first, read backwards, and only as far as the page needs.
    return _Plan(
        f"room : ({room_terms}) AND {parsed.fts5}" if rooms else parsed.fts5,
        "message_words w CROSS JOIN messages m ON m.id = w.message_id WHERE w.message_words MATCH $1",
        "w.rowid",
        f"w.rowid < {_ROWID_QUERY}",
        _phrase,
    )


async def _listed_rooms(sql: Sql, user_id: UUID) -> list[str] | None:
    """Return the user's rooms as the index names them, so that only these are read; None if too many."""
    rows = await sql.fetch(
        "SELECT room_id FROM memberships WHERE user_id = $1 LIMIT $2", user_id, MAX_LISTED_ROOMS + 1
    )
    return [as_uuid(row["room_id"]).hex for row in rows] if len(rows) <= MAX_LISTED_ROOMS else None


def _statement(
    plan: _Plan, filters: dict[str, object], user_id: UUID, limit: int
) -> tuple[str, list[object]]:
    """Return the statement and its values."""
    text, values = "", list[object]([plan.query, user_id, limit])
    for condition, value in filters.items():
        if value is not None:
            values.append(value)
            text += " AND " + condition.format(len(values))
    return (
        f"SELECT m.id FROM {plan.from_clause} AND m.deleted_at IS NULL{text} AND EXISTS "
        "(SELECT 1 FROM memberships b WHERE b.room_id = m.room_id AND b.user_id = $2) "
        f"ORDER BY {plan.order_column} DESC LIMIT $3"
    ), values
