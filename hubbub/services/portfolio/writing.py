"""Writes items, new and changed ones, of one resource in one transaction: rules, names, references, index.

Operations on one item and imports of many write by it, so that every rule exists once.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock
from hubbub.core.errors import Conflict
from hubbub.queries.portfolio import items, rows, search
from hubbub.queries.portfolio.rows import Values
from hubbub.queries.portfolio.search import IndexedItem, Words
from hubbub.schemas.portfolio.fields import MAX_ORDER
from hubbub.schemas.portfolio.resource import MAX_ITEMS, Resource
from hubbub.schemas.portfolio.resources import BY_NAME, RESOURCES
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.portfolio import excerpts, references, rules, slugs
from hubbub.services.portfolio.references import NOT_OWN, Target

TOO_MANY = f"There are {MAX_ITEMS} items already. Delete one first."


class Change(NamedTuple):
    """An item as it is to be stored, and as it is stored now: deleted, if it is being restored."""

    values: Values  # without a value for what the server assigns
    former: Values | None = None  # None for a new item

    @property
    def is_added(self) -> bool:
        """Whether the user has one more item by it."""
        return self.former is None or self.former["deleted_at"] is not None


class Fault(NamedTuple):
    """Why a change is not possible."""

    position: int  # of the change
    field: str
    message: str
    is_conflict: bool = False  # with another item, instead of a rule


async def write(
    ctx: Context,
    unit: UnitOfWork,
    resource: Resource,
    changes: Sequence[Change],
    words: Words | None = None,
) -> list[Fault]:
    """Store changes of the caller's items. The portfolio must be locked (`versions.touch`).

    The values get what the server assigns. Returns faults: then the caller ends the transaction without a
    commit. Raises Conflict if there would be more than 500 items.
    """
    added = sum(change.is_added for change in changes)
    extent = await items.extent(unit.tx, resource, ctx.user_id)
    if added and extent.size + added > MAX_ITEMS:
        raise Conflict(TOO_MANY)
    now = clock.now()
    found = [
        Fault(position, *fault)
        for position, change in enumerate(changes)
        for fault in rules.faults(resource, change.values)
    ]
    found += await _relate(unit, resource, ctx.user_id, changes)
    found += await _name(unit, resource, ctx.user_id, changes)
    _number(resource, changes, extent.last_order)
    await _excerpt(resource, changes)
    for change in changes:
        _publish(resource, change.values, now)
    found += await _refer(ctx, unit, resource, changes, now)
    if not found:
        await _store(unit, resource, ctx.user_id, changes, words)
    return found


async def _relate(
    unit: UnitOfWork, resource: Resource, user_id: UUID, changes: Sequence[Change]
) -> list[Fault]:
    """Load the items that are referred to, such as companies. They must be the user's own."""
    relation = resource.relation
    if relation is None:
        return []
    related = BY_NAME[relation.resource]
    wanted = {change.values[relation.key] for change in changes} - {None}
    own = await items.with_ids(unit.tx, related, user_id, wanted) if wanted else {}
    found = []
    for position, change in enumerate(changes):
        key = change.values[relation.key]
        other = own.get(key)
        change.values[relation.field] = None
        if other is not None and other["deleted_at"] is None:
            shown = relation.view.__struct_fields__
            change.values[relation.field] = relation.view(**{name: other[name] for name in shown})
        elif key is not None:
            found.append(Fault(position, relation.key, f"There is no such {related.noun} of yours."))
    return found


async def _name(
    unit: UnitOfWork, resource: Resource, user_id: UUID, changes: Sequence[Change]
) -> list[Fault]:
    """Give each item a slug that no other one has. A given one must be free."""
    if resource.slug_of is None:
        return []
    taken = await items.slugs(unit.tx, resource, user_id)
    for change in changes:
        taken.pop(change.values["id"], None)
    found, used = [], set(taken.values())
    for position, change in enumerate(changes):
        values, former = change.values, change.former
        slug = values["slug"]
        if slug is None:
            slug = slugs.generate(values[resource.slug_of], values["id"], resource.noun, used)
        elif former is not None and former["deleted_at"] is not None:
            slug = slugs.unique(slug, used)
        elif not slugs.is_free(slug, used):
            found.append(Fault(position, "slug", "It is taken.", is_conflict=True))
        values["slug"] = slug
        used.add(slug)
    return found


def _number(resource: Resource, changes: Sequence[Change], last: int) -> None:
    """Give each item without an order the next number."""
    if not resource.is_ordered:
        return
    for change in changes:
        if change.values["order"] is None:
            change.values["order"] = min(MAX_ORDER, last + 1)
        last = max(last, change.values["order"])


async def _excerpt(resource: Resource, changes: Sequence[Change]) -> None:
    """Give items the excerpts that follow from their texts."""
    if resource.excerpt_of is not None:
        await asyncio.to_thread(excerpts.complete, resource, changes)


def _publish(resource: Resource, values: Values, now: datetime) -> None:
    """Set the time of the first publication."""
    if resource.is_published and values["published"] and values["published_at"] is None:
        values["published_at"] = now


async def _refer(
    ctx: Context, unit: UnitOfWork, resource: Resource, changes: Sequence[Change], now: datetime
) -> list[Fault]:
    """Store the references to uploads, which must be the user's own."""
    target = Target(resource.name, ctx.user_id, resource.upload_fields)
    values = [change.values for change in changes]
    foreign = await references.replace(unit.tx, ctx.container.settings, target, values, now)
    return [Fault(each.position, each.field, NOT_OWN) for each in foreign]


async def _store(
    unit: UnitOfWork, resource: Resource, user_id: UUID, changes: Sequence[Change], words: Words | None
) -> None:
    new = [change.values for change in changes if change.former is None]
    changed = [change.values for change in changes if change.former is not None]
    if resource.slug_of is not None and changed and len(changes) > 1:
        await items.release_slugs(unit.tx, resource, user_id, [each["id"] for each in changed])
    if changed:
        await items.update(unit.tx, resource, user_id, changed)
    if new:
        await items.insert(unit.tx, resource, user_id, new)
    await _index(unit, resource, user_id, [each for each in changes if _has_new_text(resource, each)], words)
    for dependent in RESOURCES:
        if dependent.relation is not None and dependent.relation.resource == resource.name:
            await _index_dependents(unit, dependent, user_id, changes)


def _has_new_text(resource: Resource, change: Change) -> bool:
    if change.former is None:
        return True
    return rows.searched_text(resource, change.values) != rows.searched_text(resource, change.former)


async def _index(
    unit: UnitOfWork,
    resource: Resource,
    user_id: UUID,
    changes: Iterable[Change],
    words: Words | None = None,
) -> None:
    found = [
        IndexedItem(change.values["id"], rows.searched_text(resource, change.values)) for change in changes
    ]
    if found:
        await search.index(unit.tx, resource, user_id, found, words)


async def _index_dependents(
    unit: UnitOfWork, dependent: Resource, user_id: UUID, changes: Sequence[Change]
) -> None:
    """Index the items that show the name of another one again, if it changed."""
    relation = dependent.relation
    for change in changes:
        if relation is None or change.former is None:
            continue
        if change.former[relation.name] != change.values[relation.name]:
            related = await items.related_to(unit.tx, dependent, user_id, change.values["id"])
            await _index(unit, dependent, user_id, [Change(each) for each in related])
