"""Imports a portfolio from a document: all or nothing, in one transaction."""

import asyncio
import io
import mmap
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import IO
from uuid import UUID

from msgspec import structs

from hubbub.core import clock, ids
from hubbub.core.errors import Conflict, InvalidPayload, Unavailable
from hubbub.core.text.markdown import Budget
from hubbub.db import database
from hubbub.db.rollback import Rollback
from hubbub.queries.portfolio import items, rows
from hubbub.queries.portfolio.rows import Values
from hubbub.queries.portfolio.search import Words
from hubbub.schemas.base import Command
from hubbub.schemas.faults import Fault
from hubbub.schemas.jobs import IndexPortfolio
from hubbub.schemas.portfolio import transfer as wire
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.portfolio import documents, excerpts, profile, versions, writing
from hubbub.services.portfolio import items as operations
from hubbub.services.portfolio.documents import Document, DocumentItem
from hubbub.services.portfolio.writing import Change

LARGE_BYTES = 4 << 20  # of a document: 4,500 items of a few lines have 3 MiB
MAX_INDEXED_CHARS = 1 << 20  # of texts whose words are stored in the transaction: 0.2 s of SQLite's thread
EXCERPTS_BUDGET_S = 5.0  # processor time; those of 500 ordinary posts take 0.5 s
WAIT_TIMEOUT_S = 30.0  # of a large document for the one before
RETRY_AFTER_MS = 5000
BUSY = "Another large import is running. Try again in a moment."


async def import_document(ctx: Context, command: wire.ImportQuery, file: IO[bytes]) -> wire.ImportResult:
    """Store the document in a file, or only check it.

    Raises Malformed if it is not JSON; InvalidPayload with all faults, unless `dry_run` is set; Unavailable.
    """
    async with _memory(ctx, file.seek(0, io.SEEK_END)):
        return await _import(ctx, command, file)


@asynccontextmanager
async def _memory(ctx: Context, size: int) -> AsyncIterator[None]:
    """Wait until a large document may be read: it takes several times its size in memory.

    Raises Unavailable.
    """
    if size <= LARGE_BYTES:
        yield
        return
    try:
        async with asyncio.timeout(WAIT_TIMEOUT_S):
            await ctx.container.large_imports.acquire()
    except TimeoutError:
        raise Unavailable(BUSY, retry_after_ms=RETRY_AFTER_MS) from None
    try:
        yield
    finally:
        ctx.container.large_imports.release()


async def _import(ctx: Context, command: wire.ImportQuery, file: IO[bytes]) -> wire.ImportResult:
    document = await asyncio.to_thread(_read, file)
    faults, result = document.faults, wire.ImportResult(created=0, updated=0, deleted=0, errors=[])
    if not faults:
        faults, result = await _store(ctx, command, document)
    if faults and not command.dry_run:
        raise InvalidPayload(fields=tuple(faults))
    if faults:
        errors = [wire.ImportFault(field=each.field, message=each.reason) for each in faults]
        return wire.ImportResult(created=0, updated=0, deleted=0, errors=errors)
    return result


def _read(file: IO[bytes]) -> Document:
    """Read a document. The file is mapped, so that it is not in memory as a whole."""
    if not file.seek(0, io.SEEK_END):
        return documents.read(b"{}")
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return documents.read(data)


async def _store(
    ctx: Context, command: wire.ImportQuery, document: Document
) -> tuple[list[Fault], wire.ImportResult]:
    """Store a document that is valid by itself. Returns what the portfolio does not permit."""
    storing = _Import(ctx, document)
    await asyncio.to_thread(storing.prepare)
    with suppress(Rollback):
        async with ctx.unit() as unit:
            await versions.touch(unit, ctx.user_id)
            await storing.run(unit, command.mode)
            if storing.faults or command.dry_run:
                raise Rollback
    return storing.faults[: documents.MAX_FAULTS], storing.result()


class _Import:
    """The writes of an import, and what they changed."""

    def __init__(self, ctx: Context, document: Document) -> None:
        self._ctx = ctx
        self._document = document
        self._now = clock.now()
        self._words = Words(database.dialect())  # of the items
        self._stored_ids: dict[UUID, UUID] = {}  # ids of items: in the document → in the portfolio
        self._failed: set[str] = set()  # resources with faults
        self._created = 0
        self._updated = 0
        self._deleted = 0
        self.faults: list[Fault] = []

    def prepare(self) -> None:
        """Find excerpts and words of the items. Call it in a thread, before the transaction."""
        for resource in RESOURCES:
            if resource.excerpt_of is not None:
                self._document.items[resource.name] = self._with_excerpts(resource, resource.excerpt_of)
        self._find_words()

    def _with_excerpts(self, resource: Resource, source: str) -> list[DocumentItem]:
        budget = Budget(EXCERPTS_BUDGET_S)
        return [
            item
            if item.fields.excerpt is not None
            else item._replace(
                fields=structs.replace(
                    item.fields, excerpt=excerpts.generate(getattr(item.fields, source), budget)
                )
            )
            for item in self._document.items.get(resource.name, ())
        ]

    def _find_words(self) -> None:
        """Find the words of all items.

        Those of a large document are left to a job: storing them would take most of the transaction.
        """
        names: dict[UUID | None, str | None] = {}  # of items that others may refer to
        texts = []
        for resource in RESOURCES:
            for item in self._document.items.get(resource.name, ()):
                texts.append((resource, _searched_text(resource, item.fields, names)))
                names[item.fields.id] = getattr(item.fields, "name", None)
        if sum(len(text) for _, text in texts) > MAX_INDEXED_CHARS:
            self._words = Words(database.dialect(), is_deferred=True)
            return
        for resource, text in texts:
            self._words.add(resource, self._ctx.user_id, text)

    def result(self) -> wire.ImportResult:
        """Return the numbers of changed items."""
        return wire.ImportResult(
            created=self._created, updated=self._updated, deleted=self._deleted, errors=[]
        )

    async def run(self, unit: UnitOfWork, mode: wire.Mode) -> None:
        """Write everything. With faults the caller ends the transaction without a commit."""
        if mode == "replace":
            for resource in RESOURCES:
                await self._delete_others(unit, resource)
        for resource in RESOURCES:
            await self._write(unit, resource, self._document.items.get(resource.name, []))
        if self._document.profile is not None:
            await self._write_profile(unit, self._document.profile)
        if self._words.is_deferred:
            await unit.enqueue(IndexPortfolio(user_id=self._ctx.user_id, since=self._now))

    async def _write_profile(self, unit: UnitOfWork, command: Command) -> None:
        """Change those fields of the profile that the document has."""
        try:
            await profile.change(self._ctx, unit, command)
        except InvalidPayload as error:
            self.faults += [Fault(f"profile.{field}", message) for field, message in error.fields]

    async def _delete_others(self, unit: UnitOfWork, resource: Resource) -> None:
        """Delete the items of a resource that the document does not contain."""
        given = {each.fields.id for each in self._document.items.get(resource.name, ())}
        own = await items.ids(unit.tx, resource, self._ctx.user_id)
        if others := [each for each in own if each not in given]:
            self._deleted += await operations.remove(unit, resource, self._ctx.user_id, others)

    async def _write(self, unit: UnitOfWork, resource: Resource, found: Sequence[DocumentItem]) -> None:
        if resource.relation is not None and resource.relation.resource in self._failed:
            return  # its items may refer to some that were not stored
        given = [each.fields.id for each in found if each.fields.id is not None]
        own = await items.with_ids(unit.tx, resource, self._ctx.user_id, given) if given else {}
        changes = [(each, self._change(resource, each, own)) for each in found]
        written = [(each, change) for each, change in changes if _differs(change)]
        faults = await self._write_all(unit, resource, [change for _, change in written])
        for position, field, message, _ in faults:
            path = f"{written[position][0].path}.{field}" if position >= 0 else field
            self.faults.append(Fault(path, message))
            self._failed.add(resource.name)

    async def _write_all(
        self, unit: UnitOfWork, resource: Resource, changes: Sequence[Change]
    ) -> Sequence[writing.Fault]:
        if not changes:
            return []
        try:
            return await writing.write(self._ctx, unit, resource, changes, self._words)
        except Conflict as error:
            return [writing.Fault(-1, resource.name, error.message)]

    def _change(self, resource: Resource, item: DocumentItem, own: dict[UUID, Values]) -> Change:
        """Return the change of an item, and count it."""
        fields = item.fields
        former = own.get(fields.id)
        values = self._new_values(resource, fields) if former is None else {**former, "deleted_at": None}
        for name in resource.fields:
            given = getattr(fields, name)
            if given is not None or name not in ("order", "slug") or former is None:
                values[name] = resource.column[name].default if given is None else given
        if resource.relation is not None:
            key = values[resource.relation.key]
            values[resource.relation.key] = self._stored_ids.get(key, key)
        if fields.id is not None:
            self._stored_ids[fields.id] = values["id"]
        change = Change(values, former)
        if change.is_added:
            self._created += 1
        else:
            self._updated += 1
        return change

    def _new_values(self, resource: Resource, fields: object) -> Values:
        values: Values = {
            "id": ids.uuid7(),
            "created_at": self._past(getattr(fields, "created_at", None)),
            "updated_at": self._now,
            "deleted_at": None,
            **{column.name: column.default for column in resource.columns},
        }
        if resource.is_published and getattr(fields, "published_at", None) is not None:
            values["published_at"] = self._past(getattr(fields, "published_at", None))
        return values

    def _past(self, time: datetime | None) -> datetime:
        """Return a time of the document, but none that is still to come."""
        return self._now if time is None else min(time, self._now)


def _searched_text(resource: Resource, fields: object, names: Mapping[UUID | None, str | None]) -> str:
    """Return the text of an item in which `q` finds words, as it will be (`rows.searched_text`)."""
    found = {name: getattr(fields, name) for name in resource.searched}
    relation = resource.relation
    if relation is not None and relation.text in found and found[relation.text] is None:
        found[relation.text] = names.get(getattr(fields, relation.key))
    return rows.join_texts(found.values())


def _differs(change: Change) -> bool:
    """Return whether there is anything to write."""
    if change.former == change.values:
        return False
    if change.former is not None:
        change.values["updated_at"] = clock.now()
    return True
