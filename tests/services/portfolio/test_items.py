"""Every resource of portfolios, by its description alone: these tests hold for a new one too."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from hubbub.core import clock, ids
from hubbub.core.errors import Conflict, InvalidPayload, NotFound, PreconditionFailed
from hubbub.db import database
from hubbub.queries.portfolio import items as queries
from hubbub.queries.portfolio import versions
from hubbub.schemas.base import parse, to_builtins
from hubbub.schemas.portfolio.items import ItemIds, ItemRef, ref_of
from hubbub.schemas.portfolio.resource import MAX_ITEMS
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.services.portfolio import etags, items, ordering, retention
from tests.support.portfolio_items import changes, complete, listing, new, required, writable

ORDERED = [each for each in RESOURCES if each.is_ordered]
each_resource = pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
each_ordered = pytest.mark.parametrize("resource", ORDERED, ids=lambda resource: resource.name)


def ref(resource, item):
    return parse(ref_of(resource), {resource.key_field: str(item.id)})


def item_ref(item):
    return ItemRef(item_id=item.id)


async def listed(ctx, resource, **query):
    """The ids of a list, and its total."""
    found = await items.list_items(ctx, resource, listing(resource, **query))
    return [item.id for item in found.items], found.total


async def stored(ctx, resource, count, first=1, **fields):
    """Create items with all fields, with these numbers."""
    return [
        await items.create(ctx, resource, new(resource, **{**complete(resource, number), **fields}))
        for number in range(first, first + count)
    ]


def kinds(results):
    """How many results of each type there are."""
    return Counter(type(each).__name__ for each in results)


async def fill(ctx, resource, count):
    """Store so many items at once."""
    (sample,) = await stored(ctx, resource, 1)
    async with database.transaction() as tx:
        row = await queries.get(tx, resource, ctx.user_id, sample.id)
        slugs = [{"slug": f"s{number}"} if resource.slug_of else {} for number in range(count - 1)]
        await queries.insert(
            tx, resource, ctx.user_id, [{**row, "id": ids.uuid7(), **slug} for slug in slugs]
        )
    return sample


@each_resource
def test_a_description_names_fields_of_its_own(resource):
    optional = (resource.hidden_unless, resource.open_period, resource.slug_of, resource.excerpt_of)
    sorted_by = [name.removeprefix("-") for name in resource.default_order]
    named = {*sorted_by, *resource.filters, *resource.searched, *(resource.period or ()), *optional}

    assert named - {None, resource.grouped_by} <= resource.column.keys()
    assert len(resource.name) <= 16
    assert set(resource.view.__struct_fields__) >= {"id", *resource.fields}


# --- one item ---


@each_resource
async def test_an_item_is_stored_with_all_its_fields(ada, resource):
    body = complete(resource)

    created = await items.create(ada, resource, new(resource, **body))
    version = await versions.load(database.connection(), ada.user_id)

    found = await items.get(ada, resource, ref(resource, created))
    assert found == created
    assert {name: to_builtins(found)[name] for name in body} == body
    assert version == 1
    assert await listed(ada, resource) == ([created.id], 1)


@each_resource
async def test_an_item_with_required_fields_alone_has_defaults(ada, resource):
    created = await items.create(ada, resource, new(resource))

    absent = {column.name: column for column in writable(resource) if column.name not in required(resource)}
    values = {name: getattr(created, name) for name in absent if name not in ("order", "slug")}
    assert values == {name: absent[name].default for name in values}
    assert getattr(created, "order", 0) == 0


@each_resource
async def test_a_change_leaves_the_other_fields_and_null_restores_the_default(ada, resource):
    (item,) = await stored(ada, resource, 1)
    for column in writable(resource):
        if column.name in complete(resource, 2) and column.name not in ("slug", *(resource.period or ())):
            changed = await items.update(
                ada, resource, changes(resource, item, **{column.name: complete(resource, 2)[column.name]})
            )
            others = {name: getattr(item, name) for name in resource.fields if name != column.name}
            assert {name: getattr(changed, name) for name in others} == others
            item = changed

    cleared = [each for each in writable(resource) if each.nullable and each.name != "excerpt"]
    kept = resource.relation.text if resource.relation else None
    nulls = {column.name: None for column in cleared if column.name != kept}
    item = await items.update(ada, resource, changes(resource, item, **nulls))

    assert {name: getattr(item, name) for name in nulls} == nulls
    assert item == await items.get(ada, resource, ref(resource, item))


@each_resource
async def test_an_item_of_another_user_does_not_exist(ada, eve, resource):
    (item,) = await stored(ada, resource, 1)

    for operation, command in (
        (items.get, ref(resource, item)),
        (items.delete, ref(resource, item)),
        (items.restore, item_ref(item)),
        (items.update, changes(resource, item, **required(resource))),
    ):
        with pytest.raises(NotFound):
            await operation(eve, resource, command)
    deleted = await items.delete_many(eve, resource, ItemIds(ids=[item.id]))

    assert deleted.deleted == 0
    assert await listed(eve, resource) == ([], 0)
    assert await items.get(ada, resource, ref(resource, item)) == item


@each_resource
async def test_of_two_editors_the_second_one_is_refused(ada, resource):
    (item,) = await stored(ada, resource, 1)
    tag = etags.tag_of(item)
    name = next(iter(required(resource)))

    results = await asyncio.gather(
        *(
            items.update(ada, resource, changes(resource, item, **{name: value}), [tag])
            for value in (required(resource, 8)[name], required(resource, 9)[name])
        ),
        return_exceptions=True,
    )

    assert kinds(results) == {resource.type_name: 1, "PreconditionFailed": 1}
    await items.update(ada, resource, changes(resource, item), ["*"])
    with pytest.raises(PreconditionFailed):
        await items.update(ada, resource, changes(resource, item), [tag])


# --- deleted items ---


@each_resource
async def test_a_deleted_item_can_be_restored(ada, resource):
    first, second = await stored(ada, resource, 2)

    await items.delete(ada, resource, ref(resource, first))

    assert await listed(ada, resource) == ([second.id], 1)
    assert await listed(ada, resource, deleted=True) == ([first.id], 1)
    for operation, command in (
        (items.get, ref(resource, first)),
        (items.delete, ref(resource, first)),
        (items.update, changes(resource, first)),
    ):
        with pytest.raises(NotFound):
            await operation(ada, resource, command)
    restored = await items.restore(ada, resource, item_ref(first))
    again = await items.restore(ada, resource, item_ref(first))
    assert restored == again == await items.get(ada, resource, ref(resource, first))
    assert (await listed(ada, resource))[1] == 2


@each_resource
async def test_several_items_are_deleted_and_removed_after_the_retention(ada, eve, resource, monkeypatch):
    first, second, third = await stored(ada, resource, 3)
    (other,) = await stored(eve, resource, 1)
    chosen = ItemIds(ids=[first.id, second.id, other.id, ids.uuid7()])

    assert (await items.delete_many(ada, resource, chosen)).deleted == 2
    assert (await items.delete_many(ada, resource, chosen)).deleted == 0

    await retention.purge(1)
    assert (await listed(ada, resource, deleted=True))[1] == 2
    later = clock.now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    await retention.purge(1)
    assert await listed(ada, resource, deleted=True) == ([], 0)
    assert await listed(ada, resource) == ([third.id], 1)
    assert await listed(eve, resource) == ([other.id], 1)
    (words,) = await database.connection().fetch("SELECT count(*) AS count FROM portfolio_search")
    assert words["count"] == 2


@each_resource
async def test_there_are_at_most_500_items_also_after_a_restoration(ada, resource):
    sample = await fill(ada, resource, MAX_ITEMS)

    with pytest.raises(Conflict):
        await items.create(ada, resource, new(resource))
    await items.delete(ada, resource, ref(resource, sample))
    results = await asyncio.gather(
        *(items.create(ada, resource, new(resource)) for _ in range(3)), return_exceptions=True
    )

    assert kinds(results) == {resource.type_name: 1, "Conflict": 2}
    with pytest.raises(Conflict):
        await items.restore(ada, resource, item_ref(sample))


@each_resource
async def test_the_oldest_deleted_items_make_room_for_newer_ones(ada, resource, monkeypatch):
    monkeypatch.setattr(items, "MAX_DELETED", 2)
    for item in await stored(ada, resource, 4):
        await items.delete(ada, resource, ref(resource, item))

    found, total = await listed(ada, resource, deleted=True)

    assert total == 2
    assert found == sorted(found) or found == sorted(found, reverse=True)


# --- lists ---


def sort_value(resource, item, name):
    value = getattr(item, name)
    choices = resource.column[name].choices
    return choices.index(value) if choices else value.lower() if isinstance(value, str) else value


def sorted_ids(resource, found, sort):
    """The ids in the order of a sort, without a database: the last key first, empty values last."""
    names = sort.split(",")
    result = sorted(found, key=lambda item: item.id, reverse=names[0].startswith("-"))
    for each in reversed(names):
        name, reverse = each.removeprefix("-"), each.startswith("-")
        full = [item for item in result if getattr(item, name) is not None]
        full.sort(key=lambda item, name=name: sort_value(resource, item, name), reverse=reverse)
        result = full + [item for item in result if getattr(item, name) is None]
    return [item.id for item in result]


@each_resource
async def test_a_list_is_sorted_with_empty_dates_last(ada, resource):
    optional = [column.name for column in resource.columns if column.kind == "date" and column.nullable]
    found = [
        *await stored(ada, resource, 5),
        *await stored(ada, resource, 1, 6, **dict.fromkeys(optional)),
        await items.create(ada, resource, new(resource)),
    ]

    for sort in (*resource.sortable, *(f"-{name}" for name in resource.sortable), "-created_at,updated_at"):
        assert (await listed(ada, resource, sort=sort))[0] == sorted_ids(resource, found, sort), sort
    assert (await listed(ada, resource))[0] == sorted_ids(resource, found, ",".join(resource.default_order))
    with pytest.raises(InvalidPayload):
        listing(resource, sort="user_id")


@each_resource
async def test_a_list_has_pages_and_totals(ada, eve, resource):
    await stored(eve, resource, 1)
    await stored(ada, resource, 5)
    every, total = await listed(ada, resource)

    pages = [await listed(ada, resource, limit=2, page=page) for page in (1, 2, 3, 4)]

    assert total == len(every) == 5
    assert [found for found, _ in pages] == [every[:2], every[2:4], every[4:], []]
    assert {count for _, count in pages} == {5}


@each_resource
async def test_a_list_is_filtered(ada, resource):
    found = await stored(ada, resource, 4)

    for name in resource.filters:
        values = {str(getattr(item, name)): getattr(item, name) for item in found}
        for value in values.values():
            wanted = {item.id for item in found if getattr(item, name) == value}
            text = value[0] if isinstance(value, list) else value
            if text is not None:
                assert set((await listed(ada, resource, **{name: text}))[0]) == wanted, name
    for column in (column for column in resource.columns if column.name in resource.filters):
        if column.kind == "words":
            both = f"both, {column.name}1"
            assert await listed(ada, resource, **{column.name: both}) == ([found[0].id], 1)
            assert await listed(ada, resource, **{column.name: "none"}) == ([], 0)


@each_resource
async def test_words_are_found_in_each_searched_field(ada, eve, resource):
    await stored(eve, resource, 1)
    item, other = await stored(ada, resource, 2)

    for name in resource.searched:
        value = getattr(item, name)
        word = value[0] if isinstance(value, list) else value.split()[0]
        assert await listed(ada, resource, query=f" {word.upper()} ") == ([item.id], 1), name
        assert set((await listed(ada, resource, query=word[:-1]))[0]) == {item.id, other.id}, name
        assert await listed(ada, resource, query=f"{word} missing") == ([], 0)
    assert (await listed(ada, resource, query="  "))[1] == 2
    assert await listed(ada, resource, query="?!") == ([], 0)

    name = resource.searched[0]
    await items.update(ada, resource, changes(resource, item, **{name: "Ωmega"}))
    assert await listed(ada, resource, query="ωmeg") == ([item.id], 1)
    assert await listed(ada, resource, query=f"{name}1") == ([], 0)
    await items.delete(ada, resource, ref(resource, item))
    assert await listed(ada, resource, query="ωmeg") == ([], 0)
    assert await listed(ada, resource, query="ωmeg", deleted=True) == ([item.id], 1)


# --- order ---


@each_ordered
async def test_an_item_without_order_gets_the_next_number(ada, resource):
    first = await items.create(ada, resource, new(resource))
    second = await items.create(ada, resource, new(resource, order=7))
    third = await items.create(ada, resource, new(resource))
    last = await items.create(ada, resource, new(resource, order=1_000_000))
    after = await items.create(ada, resource, new(resource))

    assert [each.order for each in (first, second, third, last, after)] == [0, 7, 8, 1_000_000, 1_000_000]


@each_ordered
async def test_all_items_are_put_into_an_order(ada, resource):
    found = await stored(ada, resource, 4, order=5)
    wanted = [found[index].id for index in (2, 0, 3, 1)]

    reordered = await ordering.reorder(ada, resource, ItemIds(ids=wanted))

    assert {item.id: item.order for item in reordered} == {each: n for n, each in enumerate(wanted)}
    assert (await listed(ada, resource, sort="order"))[0] == wanted


@each_ordered
async def test_an_order_of_missing_foreign_or_deleted_items_is_refused(ada, eve, resource):
    found = await stored(ada, resource, 3)
    (other,) = await stored(eve, resource, 1)
    (gone,) = await stored(ada, resource, 1)
    await items.delete(ada, resource, ref(resource, gone))
    own, before = [item.id for item in found], await listed(ada, resource, sort="order")

    for wrong, field in (
        (own[:2], "ids"),
        ([*own, other.id], "ids[3]"),
        ([*own, gone.id], "ids[3]"),
        ([ids.uuid7(), *own], "ids[0]"),
        ([], "ids"),
    ):
        with pytest.raises(InvalidPayload) as refusal:
            await ordering.reorder(ada, resource, ItemIds(ids=wrong))
        assert refusal.value.fields[0][0] == field
    with pytest.raises(InvalidPayload):
        parse(ItemIds, {"ids": [str(own[0]), *map(str, own)]})
    with pytest.raises(InvalidPayload):
        parse(ItemIds, {"ids": [str(ids.uuid7()) for _ in range(MAX_ITEMS + 1)]})
    assert await listed(ada, resource, sort="order") == before


@each_ordered
async def test_orders_at_the_same_time_result_in_one_of_them(ada, resource):
    found = [item.id for item in await stored(ada, resource, 5)]
    orders = [found[start:] + found[:start] for start in range(5)]

    await asyncio.gather(*(ordering.reorder(ada, resource, ItemIds(ids=each)) for each in orders))

    assert (await listed(ada, resource, sort="order"))[0] in orders
