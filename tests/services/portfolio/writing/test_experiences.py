"""Experiences refer to companies of their owner, and a period ends after its start."""

import asyncio
import uuid
from datetime import date

import pytest

from hubbub.core.errors import InvalidPayload
from hubbub.schemas.portfolio.items import ItemIds, ItemRef
from hubbub.services.portfolio import items
from tests.services.portfolio.writing.item_calls import (
    CERTIFICATIONS,
    COMPANIES,
    EDUCATION,
    EXPERIENCES,
    PROJECTS,
    change,
    create,
    delete,
    get,
    refusal_of,
)
from tests.support.portfolio_items import listing

# --- companies ---


async def test_an_experience_shows_its_company(ada, eve):
    company = await create(ada, COMPANIES, name="Acme", website="https://acme.example")
    foreign = await create(eve, COMPANIES, name="Foreign")

    linked = await create(ada, EXPERIENCES, company=None, company_id=str(company.id))
    named = await create(ada, EXPERIENCES, company="ACME Inc.", company_id=str(company.id))
    alone = await create(ada, EXPERIENCES, company="Elsewhere")

    assert (linked.company, linked.linked_company.name, linked.linked_company.id) == (
        "Acme",
        "Acme",
        company.id,
    )
    assert linked.linked_company.website == "https://acme.example"
    assert (named.company, named.linked_company.name) == ("ACME Inc.", "Acme")
    assert (alone.company, alone.company_id, alone.linked_company) == ("Elsewhere", None, None)
    for wrong in (str(foreign.id), str(uuid.uuid4())):
        assert await refusal_of(create(ada, EXPERIENCES, company_id=wrong)) == ["company_id"]
        assert await refusal_of(change(ada, EXPERIENCES, alone, company_id=wrong)) == ["company_id"]
    assert await refusal_of(create(ada, EXPERIENCES, company=None)) == ["company"]
    assert await refusal_of(change(ada, EXPERIENCES, alone, company=None)) == ["company"]


async def test_the_name_of_a_changed_company_is_found_in_its_experiences(ada):
    company = await create(ada, COMPANIES, name="Acme")
    linked = await create(ada, EXPERIENCES, company=None, company_id=str(company.id))

    await change(ada, COMPANIES, company, name="Zenith")

    found = await items.list_items(ada, EXPERIENCES, listing(EXPERIENCES, query="zeni"))
    assert [item.id for item in found.items] == [linked.id]
    assert found.items[0].company == "Zenith"
    assert (await items.list_items(ada, EXPERIENCES, listing(EXPERIENCES, query="acme"))).total == 0
    by_company = await items.list_items(ada, EXPERIENCES, listing(EXPERIENCES, company_id=str(company.id)))
    assert [item.id for item in by_company.items] == [linked.id]


@pytest.mark.parametrize("several", [False, True])
async def test_a_deleted_company_keeps_its_name_in_experiences(ada, several):
    company = await create(ada, COMPANIES, name="Acme")
    linked = await create(ada, EXPERIENCES, company=None, company_id=str(company.id))
    named = await create(ada, EXPERIENCES, company="ACME Inc.", company_id=str(company.id))
    removed = await create(ada, EXPERIENCES, company=None, company_id=str(company.id))
    await delete(ada, EXPERIENCES, removed)

    if several:
        await items.delete_many(ada, COMPANIES, ItemIds(ids=[company.id]))
    else:
        await delete(ada, COMPANIES, company)

    for item, text in ((linked, "Acme"), (named, "ACME Inc.")):
        found = await get(ada, EXPERIENCES, item.id)
        assert (found.company, found.company_id, found.linked_company) == (text, None, None)
    restored = await items.restore(ada, EXPERIENCES, ItemRef(item_id=removed.id))
    assert (restored.company, restored.company_id) == ("Acme", None)
    await items.restore(ada, COMPANIES, ItemRef(item_id=company.id))
    assert (await get(ada, EXPERIENCES, linked.id)).company_id is None
    assert await refusal_of(change(ada, EXPERIENCES, linked, company_id=str(uuid.uuid4()))) == ["company_id"]


async def test_an_experience_at_a_company_that_is_being_deleted_keeps_its_name(ada):
    for _ in range(5):
        company = await create(ada, COMPANIES, name="Acme")
        results = await asyncio.gather(
            create(ada, EXPERIENCES, company=None, company_id=str(company.id)),
            delete(ada, COMPANIES, company),
            return_exceptions=True,
        )

        refused = [each for each in results if isinstance(each, InvalidPayload)]
        assert [each.fields[0][0] for each in refused] in ([], ["company_id"])
        found = await items.list_items(ada, EXPERIENCES, listing(EXPERIENCES))
        assert {(item.company, item.company_id) for item in found.items} <= {("Acme", None)}


# --- periods ---


@pytest.mark.parametrize(
    "resource", [PROJECTS, EXPERIENCES, EDUCATION, CERTIFICATIONS], ids=lambda it: it.name
)
async def test_an_end_before_the_start_is_refused(ada, resource):
    start, end = resource.period
    item = await create(ada, resource, **{start: "2024-05-01", end: "2024-05-01"})

    assert await refusal_of(create(ada, resource, **{start: "2024-05-01", end: "2024-04-30"})) == [end]
    assert await refusal_of(change(ada, resource, item, **{end: "2024-04-30"})) == [end]
    assert await refusal_of(change(ada, resource, item, **{start: "2024-05-02"})) == [end]
    moved = await change(ada, resource, item, **{start: "2030-01-01", end: "2031-01-01"})
    assert getattr(moved, end) == date(2031, 1, 1)
    assert getattr(await get(ada, resource, item.id), start) == date(2030, 1, 1)


async def test_a_current_experience_has_no_end(ada):
    item = await create(ada, EXPERIENCES, end_date="2024-05-01", start_date="2020-01-01")

    assert await refusal_of(change(ada, EXPERIENCES, item, current=True)) == ["end_date"]
    assert await refusal_of(
        create(ada, EXPERIENCES, current=True, start_date="2020-01-01", end_date="2021-01-01")
    ) == ["end_date"]
    changed = await change(ada, EXPERIENCES, item, current=True, end_date=None)
    assert (changed.current, changed.end_date) == (True, None)
