"""Items of portfolios: create, get, list, update, delete, restore. The operations of all resources.

An item of another user does not exist for the caller.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UNSET

from hubbub.core import clock, ids
from hubbub.core.errors import Conflict, InvalidPayload, NotFound
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.portfolio import items, lists, removal, rows
from hubbub.queries.portfolio.lists import Selection
from hubbub.queries.portfolio.rows import Values
from hubbub.schemas.base import Command, View
from hubbub.schemas.portfolio import items as wire
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.portfolio import etags, versions, writing
from hubbub.services.portfolio.writing import Change, Fault

MAX_DELETED = 1000  # deleted items of a resource that can be restored; older ones are removed


class Page(NamedTuple):
    """Items of a page, and the number of all."""

    items: list[View]
    total: int


async def create(ctx: Context, resource: Resource, command: Command) -> View:
    """Create an item. Raises InvalidPayload, Conflict (a slug that is taken; 500 items)."""
    now = clock.now()
    values: Values = {"id": ids.uuid7(), "created_at": now, "updated_at": now, "deleted_at": None}
    values |= {column.name: column.default for column in resource.columns}
    values |= _given(resource, command)
    async with ctx.unit() as unit:
        await versions.touch(unit, ctx.user_id)
        await _write(ctx, unit, resource, [Change(values)])
    return rows.to_view(resource, values)


async def get(ctx: Context, resource: Resource, command: Command) -> View:
    """Return an item by its id or slug. Raises NotFound."""
    async with database.guard():
        return rows.to_view(resource, await _access(ctx, database.connection(), resource, command))


async def list_items(ctx: Context, resource: Resource, query: Any) -> Page:  # noqa: ANN401 - derived
    """Return a page of the caller's items. `query` is of `resource.list_query`."""
    async with database.guard():
        found = await lists.page(
            database.connection(),
            resource,
            ctx.user_id,
            selection(resource, query, query.offset, query.limit),
        )
    return Page([rows.to_view(resource, each) for each in found.items], found.total)


async def list_groups(ctx: Context, resource: Resource, query: Any) -> dict[str, list[View]]:  # noqa: ANN401 - derived
    """Return all of the caller's items by the field that groups them, without empty groups."""
    assert resource.grouped_by is not None  # noqa: S101 - the query of others has no `grouped`
    async with database.guard():
        found = await lists.page(database.connection(), resource, ctx.user_id, selection(resource, query))
    return group(resource, [rows.to_view(resource, each) for each in found.items])


def group(resource: Resource, views: Sequence[View]) -> dict[str, list[View]]:
    """Return items by the field that groups them, in the order of its values, without empty groups."""
    name = str(resource.grouped_by)
    groups: dict[str, list[View]] = {value: [] for value in resource.column[name].choices}
    for view in views:
        groups[getattr(view, name)].append(view)
    return {value: found for value, found in groups.items() if found}


def selection(resource: Resource, query: Any, offset: int = 0, limit: int = 500) -> Selection:  # noqa: ANN401 - derived
    """Return what a query of `resource.list_query` selects."""
    given = {name: getattr(query, name) for name in resource.filters}
    filters = {name: value for name, value in given.items() if value is not None}
    return Selection(filters, query.query, query.sort, deleted=query.deleted, offset=offset, limit=limit)


async def update(
    ctx: Context, resource: Resource, command: Command, if_match: Collection[str] | None = None
) -> View:
    """Change an item. `if_match` has the entity tags of the states that the caller expects.

    Raises NotFound, PreconditionFailed, InvalidPayload, Conflict (a slug that is taken).
    """
    async with ctx.unit() as unit:
        await versions.touch(unit, ctx.user_id)
        former = await _access(ctx, unit.tx, resource, command)
        etags.require_match(if_match, rows.to_view(resource, former))
        values = {**former, **_given(resource, command)}
        if values != former:
            values["updated_at"] = clock.now()
            await _write(ctx, unit, resource, [Change(values, former)])
    return rows.to_view(resource, values)


async def delete(
    ctx: Context, resource: Resource, command: Command, if_match: Collection[str] | None = None
) -> None:
    """Delete an item, so that it can be restored. `if_match` as for `update`.

    Raises NotFound, PreconditionFailed.
    """
    async with ctx.unit() as unit:
        await versions.touch(unit, ctx.user_id)
        former = await _access(ctx, unit.tx, resource, command)
        etags.require_match(if_match, rows.to_view(resource, former))
        await remove(unit, resource, ctx.user_id, [former["id"]])


async def delete_many(ctx: Context, resource: Resource, command: wire.ItemIds) -> wire.DeletedItems:
    """Delete those of the items that the caller has, and return their number."""
    async with ctx.unit() as unit:
        await versions.touch(unit, ctx.user_id)
        return wire.DeletedItems(deleted=await remove(unit, resource, ctx.user_id, command.ids))


async def remove(unit: UnitOfWork, resource: Resource, user_id: UUID, item_ids: Sequence[UUID]) -> int:
    """Delete items in the caller's unit of work, with a locked portfolio. Returns the number of those found.

    Items that refer to them keep the names.
    """
    now = clock.now()
    deleted = await items.mark_deleted(unit.tx, resource, user_id, item_ids, now)
    for dependent in RESOURCES:
        if deleted and dependent.relation is not None and dependent.relation.resource == resource.name:
            await items.detach(unit.tx, dependent, user_id, deleted, now)
    if deleted:
        await removal.remove_surplus(unit.tx, resource, user_id, MAX_DELETED)
    return len(deleted)


async def restore(ctx: Context, resource: Resource, command: wire.ItemRef) -> View:
    """Restore a deleted item. One that is not deleted is unchanged.

    A slug that is taken meanwhile is replaced by a free one. Raises NotFound, Conflict (500 items).
    """
    async with ctx.unit() as unit:
        await versions.touch(unit, ctx.user_id)
        found = await items.with_ids(unit.tx, resource, ctx.user_id, [command.item_id])
        former = found.get(command.item_id)
        if former is None:
            raise _not_found(resource)
        values = {**former, "deleted_at": None}
        if former["deleted_at"] is not None:
            values["updated_at"] = clock.now()
            await _write(ctx, unit, resource, [Change(values, former)])
    return rows.to_view(resource, values)


async def _access(ctx: Context, sql: Sql, resource: Resource, command: Command) -> Values:
    found = await items.get(sql, resource, ctx.user_id, wire.key_of(resource, command))
    if found is None:
        raise _not_found(resource)
    return found


def _not_found(resource: Resource) -> NotFound:
    return NotFound(f"There is no such {resource.noun}.")


def _given(resource: Resource, command: Command) -> Values:
    """Return the values of the fields that a command has. Null is the default of the field."""
    given = {name: getattr(command, name, UNSET) for name in resource.fields}
    return {
        name: resource.column[name].default if value is None else value
        for name, value in given.items()
        if value is not UNSET
    }


async def _write(ctx: Context, unit: UnitOfWork, resource: Resource, changes: list[Change]) -> None:
    """Store the changes. Raises InvalidPayload, Conflict."""
    if faults := await writing.write(ctx, unit, resource, changes):
        raise _error(faults)


def _error(faults: Sequence[Fault]) -> InvalidPayload | Conflict:
    fields = tuple((fault.field, fault.message) for fault in faults if not fault.is_conflict)
    if fields:
        return InvalidPayload(fields=fields)
    return Conflict(faults[0].message, fields=tuple((fault.field, fault.message) for fault in faults))
