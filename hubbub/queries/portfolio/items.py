"""SQL of the items of portfolios, generated once per resource from its description.

Each statement has the id of the user in its conditions: an item of another user does not exist for it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_uuid, in_clause, placeholders
from hubbub.queries.portfolio.rows import RELATED, Values, from_row, to_column
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import BY_NAME

COMMON = ("id", "created_at", "updated_at", "deleted_at")  # columns of all items
MAX_RESOURCES = 64  # whose statements are kept


@lru_cache(maxsize=MAX_RESOURCES)
def select(resource: Resource) -> str:
    """Return `SELECT … FROM` with all columns of the items `i`, and those of the items they refer to."""
    columns = [f"i.{name}" for name in COMMON] + [f'i."{each.name}"' for each in resource.columns]
    joined = ""
    if (relation := resource.relation) is not None:
        columns += [f'o."{name}" AS {RELATED}{name}' for name in relation.view.__struct_fields__]
        joined = (
            f' LEFT JOIN {BY_NAME[relation.resource].table} o ON o.id = i."{relation.key}" '
            "AND o.user_id = i.user_id AND o.deleted_at IS NULL"
        )
    return f"SELECT {', '.join(columns)} FROM {resource.table} i{joined}"


@lru_cache(maxsize=MAX_RESOURCES)
def _insert(resource: Resource) -> str:
    names = ["user_id", *COMMON, *(each.name for each in resource.columns)]
    columns = ", ".join(map(_quoted, names))
    return f"INSERT INTO {resource.table} ({columns}) VALUES ({placeholders(len(names))})"


@lru_cache(maxsize=MAX_RESOURCES)
def _update(resource: Resource) -> str:
    names = ["updated_at", "deleted_at", *(each.name for each in resource.columns)]
    changes = ", ".join(f'"{name}" = ${index}' for index, name in enumerate(names, 3))
    return f"UPDATE {resource.table} SET {changes} WHERE user_id = $1 AND id = $2"


def _quoted(name: str) -> str:
    return f'"{name}"'


async def get(sql: Sql, resource: Resource, user_id: UUID, key: UUID | str) -> Values | None:
    """Return an item that is not deleted, by its id or its slug."""
    column = "id" if isinstance(key, UUID) else "slug"
    rows = await sql.fetch(
        f'{select(resource)} WHERE i.user_id = $1 AND i."{column}" = $2 AND i.deleted_at IS NULL',
        user_id,
        key,
    )
    return from_row(resource, rows[0]) if rows else None


async def with_ids(sql: Sql, resource: Resource, user_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Values]:
    """Return items by id, deleted ones too."""
    where, values = in_clause(sql, ids, 2)
    rows = await sql.fetch(f"{select(resource)} WHERE i.user_id = $1 AND i.id {where}", user_id, values)
    return {item["id"]: item for item in (from_row(resource, row) for row in rows)}


async def insert(tx: Sql, resource: Resource, user_id: UUID, items: Sequence[Values]) -> None:
    """Store new items. Raises an integrity error for an id that exists, or a slug that is taken."""
    rows = [
        (
            user_id,
            *(item[name] for name in COMMON),
            *(to_column(each, item[each.name]) for each in resource.columns),
        )
        for item in items
    ]
    await tx.executemany(_insert(resource), rows)


async def release_slugs(tx: Sql, resource: Resource, user_id: UUID, item_ids: Iterable[UUID]) -> None:
    """Give items their ids as slugs, which no item can have, so that a batch can exchange their slugs."""
    where, values = in_clause(tx, item_ids, 2)
    await tx.execute(
        f"UPDATE {resource.table} SET slug = CAST(id AS VARCHAR(36)) WHERE user_id = $1 AND id {where}",
        *(user_id, values),
    )


async def update(tx: Sql, resource: Resource, user_id: UUID, items: Sequence[Values]) -> None:
    """Store all columns of items but the id and the time of creation."""
    rows = [
        (
            *(user_id, item["id"], item["updated_at"], item["deleted_at"]),
            *(to_column(each, item[each.name]) for each in resource.columns),
        )
        for item in items
    ]
    await tx.executemany(_update(resource), rows)


async def mark_deleted(
    tx: Sql, resource: Resource, user_id: UUID, ids: Iterable[UUID], at: datetime
) -> list[UUID]:
    """Delete those of the items that exist, so that they can be restored; return their ids."""
    where, values = in_clause(tx, ids, 3)
    rows = await tx.fetch(
        f"UPDATE {resource.table} SET deleted_at = $2, updated_at = $2 "
        f"WHERE user_id = $1 AND id {where} AND deleted_at IS NULL RETURNING id",
        *(user_id, at, values),
    )
    return [as_uuid(row["id"]) for row in rows]


class Extent(NamedTuple):
    """How many items a user has, and the highest `order`."""

    size: int
    last_order: int  # -1 without an item, or if the resource has no order


async def extent(tx: Sql, resource: Resource, user_id: UUID) -> Extent:
    """Return how many items that are not deleted a user has, and their highest `order`."""
    last = 'COALESCE(max("order"), -1)' if resource.is_ordered else "-1"
    rows = await tx.fetch(
        f"SELECT count(*) AS count, {last} AS last_order FROM {resource.table} "
        "WHERE user_id = $1 AND deleted_at IS NULL",
        user_id,
    )
    return Extent(int(rows[0]["count"]), int(rows[0]["last_order"]))


async def ids(sql: Sql, resource: Resource, user_id: UUID) -> list[UUID]:
    """Return the ids of all items that are not deleted."""
    rows = await sql.fetch(
        f"SELECT id FROM {resource.table} WHERE user_id = $1 AND deleted_at IS NULL", user_id
    )
    return [as_uuid(row["id"]) for row in rows]


async def set_order(
    tx: Sql, resource: Resource, user_id: UUID, ordered: Sequence[UUID], at: datetime
) -> None:
    """Set the order of items, from 0. Those that have their number already are unchanged."""
    await tx.executemany(
        f'UPDATE {resource.table} SET "order" = $3, updated_at = $4 '
        'WHERE user_id = $1 AND id = $2 AND "order" <> $3',
        [(user_id, item_id, number, at) for number, item_id in enumerate(ordered)],
    )


async def slugs(tx: Sql, resource: Resource, user_id: UUID) -> dict[UUID, str]:
    """Return the slugs of all items that are not deleted, by id."""
    rows = await tx.fetch(
        f"SELECT id, slug FROM {resource.table} WHERE user_id = $1 AND deleted_at IS NULL", user_id
    )
    return {as_uuid(row["id"]): row["slug"] for row in rows}


async def detach(
    tx: Sql, resource: Resource, user_id: UUID, related_ids: Iterable[UUID], at: datetime
) -> None:
    """Replace the references to other items by their names, because these are being deleted.

    Applies to deleted items too, which may be restored.
    """
    relation = resource.relation
    if relation is None:
        return
    where, values = in_clause(tx, related_ids, 2)
    name = (
        f'SELECT o."{relation.name}" FROM {BY_NAME[relation.resource].table} o '
        f'WHERE o.id = {resource.table}."{relation.key}"'
    )
    await tx.execute(
        f'UPDATE {resource.table} SET "{relation.text}" = COALESCE("{relation.text}", ({name})), '
        f'"{relation.key}" = NULL, updated_at = $3 WHERE user_id = $1 AND "{relation.key}" {where}',
        *(user_id, values, at),
    )


async def related_to(sql: Sql, resource: Resource, user_id: UUID, related_id: UUID) -> list[Values]:
    """Return the items that refer to another item, deleted ones too."""
    if resource.relation is None:
        return []
    key = resource.relation.key
    rows = await sql.fetch(f'{select(resource)} WHERE i.user_id = $1 AND i."{key}" = $2', user_id, related_id)
    return [from_row(resource, row) for row in rows]
