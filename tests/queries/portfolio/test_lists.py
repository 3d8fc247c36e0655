"""Lists of one user beside 100,000 items of others: no statement reads a whole table."""

import re
from typing import Any

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.portfolio import articles, items, lists, search, versions
from hubbub.queries.portfolio.lists import Selection
from hubbub.queries.portfolio.search import IndexedItem
from hubbub.schemas.base import parse
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import BY_NAME
from tests.support.portfolio_items import complete
from tests.support.query_plans import ExplainingSql

ITEMS_EACH = 500
WHOLE = re.compile(r"Seq Scan on portfolio_(?!profiles)\w+|SCAN (?:i|o|s|portfolio_\w+)$", re.MULTILINE)


class RecordingSql(ExplainingSql):
    """Explains also what changes rows."""

    async def execute(self, sql: str, *values: object) -> int:
        return len(await self.fetch(f"{sql} RETURNING 1", *values))


async def item_of(sql: Sql, resource: Resource, user_id: Any) -> dict[str, Any]:
    """Store an item with all fields."""
    command = parse(resource.create, complete(resource))
    now = clock.now()
    values: dict[str, Any] = {"id": ids.uuid7(), "created_at": now, "updated_at": now, "deleted_at": None}
    values |= {column.name: getattr(command, column.name, None) for column in resource.columns}
    await items.insert(sql, resource, user_id, [values])
    await search.index(sql, resource, user_id, [IndexedItem(values["id"], "common words")])
    return values


async def add_items_of_others(tx: Sql, resource: Resource, item: dict[str, Any], users: int) -> None:
    """Copy an item for other users, with its words. PostgreSQL plans by what there is."""
    names = [*items.COMMON[1:], *(column.name for column in resource.columns)]
    quoted = ", ".join(f'"{name}"' for name in names)
    copied = ", ".join("'s' || g" if name == "slug" else f'i."{name}"' for name in names)
    label = f"'/{resource.name}' || replace(i.user_id::text, '-', '')"
    accounts = f"SELECT gen_random_uuid(), n, n, n, 'user', now(), now() FROM generate_series(1, {users}) n"
    companies = f"SELECT gen_random_uuid(), user_id, now(), now(), 'x' FROM {resource.table}"
    rows = (
        f"SELECT gen_random_uuid(), u.id, {copied} FROM {resource.table} i, users u, "
        f"generate_series(1, {ITEMS_EACH}) g WHERE u.username ~ '^[0-9]+$'"
    )
    words = (
        f"SELECT i.id, i.user_id, ('common:1 words:2 ' || quote_literal({label}))::tsvector "
        f"FROM {resource.table} i WHERE i.id <> '{item['id']}'"
    )
    for statement in (
        f"INSERT INTO users (id, username, email, display_name, role, created_at, updated_at) {accounts}",
        f"INSERT INTO {resource.table} (id, user_id, {quoted}) {rows}",
        f"INSERT INTO portfolio_search (item_id, user_id, words) {words}",
        f"INSERT INTO portfolio_companies (id, user_id, created_at, updated_at, name) {companies}",
        "ANALYZE",
    ):
        await tx.execute(statement)


@pytest.mark.parametrize(
    ("name", "users"),
    [
        ("experiences", 10),
        ("blog", 5),
        pytest.param("experiences", 200, marks=pytest.mark.soak),  # 100,000 items, 11 s
        pytest.param("blog", 20, marks=pytest.mark.soak),
    ],
)
async def test_no_statement_reads_the_items_of_others(sql, name, users):
    resource = BY_NAME[name]
    user = await models.User.create(username="ada", email="ada@example.org", display_name="Ada")
    async with database.transaction() as tx:
        item = await item_of(tx, resource, user.id)
        if tx.dialect == "postgres":
            await add_items_of_others(tx, resource, item, users)
    explaining: Any = RecordingSql(sql)

    await items.get(explaining, resource, user.id, item["id"])
    await items.extent(explaining, resource, user.id)
    await items.ids(explaining, resource, user.id)
    await versions.load(explaining, user.id)
    for sort in (None, "created_at", f"-{resource.sortable[0]},title"):
        await lists.page(explaining, resource, user.id, Selection(sort=sort, limit=20))
    for field in resource.filters:
        value = {"words": "both", "boolean": True, "id": ids.uuid7()}[resource.column[field].kind]
        await lists.page(explaining, resource, user.id, Selection({field: value}, words="comm", offset=20))
    await lists.page(explaining, resource, user.id, Selection(deleted=True, public_only=True))
    if resource.slug_of is not None:
        await items.get(explaining, resource, user.id, "slug-1")
        await items.slugs(explaining, resource, user.id)
    if name == "blog":
        await articles.published(explaining, user.id, 20, 20)
    await items.mark_deleted(explaining, resource, user.id, [item["id"]], clock.now())

    assert len(explaining.plans) > 12
    assert {found[0] for plan in explaining.plans if (found := WHOLE.search(plan))} == set()


async def test_a_search_finds_the_items_of_one_user_beside_those_of_others(sql):
    resource = BY_NAME["skills"]
    users = [
        await models.User.create(username=name, email=f"{name}@example.org", display_name=name)
        for name in ("ada", "eve")
    ]
    own = [(await item_of(sql, resource, user.id))["id"] for user in users]

    for user, item_id in zip(users, own, strict=True):
        found = await lists.page(sql, resource, user.id, Selection(words="common wor"))
        assert [item["id"] for item in found.items] == [item_id]


async def test_removed_items_leave_no_words(sql):
    resource = BY_NAME["skills"]
    user = await models.User.create(username="ada", email="ada@example.org", display_name="Ada")
    item = await item_of(sql, resource, user.id)

    await search.index(sql, resource, user.id, [IndexedItem(item["id"], "other words")])
    assert (await lists.page(sql, resource, user.id, Selection(words="common"))).total == 0
    assert (await lists.page(sql, resource, user.id, Selection(words="other"))).total == 1
    await search.remove(sql, [item["id"]])

    assert (await lists.page(sql, resource, user.id, Selection(words="other"))).total == 0
    assert await sql.fetch("SELECT 1 FROM portfolio_search") == []


async def test_a_page_takes_one_statement(sql):
    resource = BY_NAME["experiences"]
    user = await models.User.create(username="ada", email="ada@example.org", display_name="Ada")
    for _ in range(3):
        await item_of(sql, resource, user.id)
    explaining: Any = ExplainingSql(sql)

    found = await lists.page(explaining, resource, user.id, Selection(words="common", limit=2))

    assert (len(found.items), found.total) == (2, 3)
    assert len(explaining.plans) == 1
