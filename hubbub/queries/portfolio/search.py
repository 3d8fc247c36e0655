"""The search index of portfolios: PostgreSQL's `tsvector` with GIN, SQLite's FTS5, with the same words.

The index holds an item's user and resource with its words, so that the cost of a search depends only on the
matches among the items of one user.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from hubbub.core import text_search
from hubbub.db.sql import Sql, in_clause
from hubbub.schemas.portfolio.resource import Resource

BATCH_CHARS = 256 * 1024  # of the texts in a statement
MAX_CHARS_AT_ONCE = 5000  # of text that is split into words in the event loop: up to 1.3 µs each


class IndexedItem(NamedTuple):
    """An item and the text in which words are found."""

    id: UUID
    text: str


def _label(resource: Resource, user_id: UUID) -> str:
    return f"{resource.name}{user_id.hex}"


class Words:
    """The words of texts as the index stores them, found before the transaction that needs them.

    A long text takes milliseconds. A transaction with hundreds of them would hold its locks for seconds.
    """

    def __init__(self, dialect: str, *, is_deferred: bool = False) -> None:
        self._dialect = dialect
        self.is_deferred = is_deferred  # a job indexes the items after the transaction
        self._found: dict[tuple[str, str], str] = {}  # by label and text

    def add(self, resource: Resource, user_id: UUID, text: str) -> None:
        """Find the words of a text. Call it in a thread."""
        label = _label(resource, user_id)
        self._found[label, text] = self._split(label, text)

    async def of(self, label: str, texts: Sequence[str]) -> list[str]:
        """Return the words of texts. Those that are not known are found now, of long texts in a thread."""
        unknown = sum(len(text) for text in texts if (label, text) not in self._found)
        if unknown > MAX_CHARS_AT_ONCE:
            return await asyncio.to_thread(self._all, label, texts)
        return self._all(label, texts)

    def _all(self, label: str, texts: Sequence[str]) -> list[str]:
        return [self._found.get((label, text)) or self._split(label, text) for text in texts]

    def _split(self, label: str, text: str) -> str:
        if self._dialect == "postgres":
            return text_search.tsvector(text, label)
        return " ".join(text_search.tokenize(text))


async def index(
    tx: Sql, resource: Resource, user_id: UUID, items: Sequence[IndexedItem], words: Words | None = None
) -> None:
    """Index items, new ones or again, in the transaction that stores them."""
    if words is not None and words.is_deferred:
        return
    label, known = _label(resource, user_id), words or Words(tx.dialect)
    for batch in _batches(items):
        found = await known.of(label, [item.text for item in batch])
        await _store(tx, user_id, label, [(item.id, each) for item, each in zip(batch, found, strict=True)])


def _batches(items: Sequence[IndexedItem]) -> Iterator[list[IndexedItem]]:
    """Yield items whose texts have about `BATCH_CHARS` together: a statement is encoded in one turn."""
    batch: list[IndexedItem] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item.text)
        if size >= BATCH_CHARS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def _store(tx: Sql, user_id: UUID, label: str, words: Sequence[tuple[UUID, str]]) -> None:
    if tx.dialect == "postgres":
        await tx.execute(
            "INSERT INTO portfolio_search (item_id, user_id, words) "
            "SELECT new.id, $1, new.words::tsvector FROM unnest($2::uuid[], $3::text[]) AS new(id, words) "
            "ON CONFLICT (item_id) DO UPDATE SET words = excluded.words",
            user_id,
            [item_id for item_id, _ in words],
            [text for _, text in words],
        )
        return
    await tx.executemany(
        "INSERT INTO portfolio_search (item_id, user_id) VALUES ($1, $2) ON CONFLICT (item_id) DO NOTHING",
        [(item_id, user_id) for item_id, _ in words],
    )
    await tx.executemany(
        "INSERT OR REPLACE INTO portfolio_search_words (rowid, words, label) "
        "SELECT id, $2, $3 FROM portfolio_search WHERE item_id = $1",
        [(item_id, text, label) for item_id, text in words],
    )


async def remove(tx: Sql, item_ids: Iterable[UUID]) -> None:
    """Remove items from the index. A trigger of SQLite removes their words."""
    where, values = in_clause(tx, item_ids)
    await tx.execute(f"DELETE FROM portfolio_search WHERE item_id {where}", values)


def condition(sql: Sql, resource: Resource, user_id: UUID, words: str) -> tuple[str, str] | None:
    """Return a condition on items `i` that contain all words, the last one as a prefix, and its value.

    None if the text has no word, so that nothing is found.
    """
    parsed = text_search.parse_query(words)
    if parsed is None:
        return None
    label = _label(resource, user_id)
    if sql.dialect == "postgres":
        return (
            "i.id IN (SELECT s.item_id FROM portfolio_search s WHERE s.words @@ {}::text::tsquery)",
            text_search.with_label(parsed.tsquery, label),
        )
    # CROSS: the words come first.
    matches = (
        "SELECT s.item_id FROM portfolio_search_words w CROSS JOIN portfolio_search s ON s.id = w.rowid "
        "WHERE w.portfolio_search_words MATCH {}"
    )
    return f"i.id IN ({matches})", f'label : "{label}" AND {parsed.fts5}'
