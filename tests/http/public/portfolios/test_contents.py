"""A public portfolio has its user, its profile and its sections, as lists and as single items."""

import pytest

from hubbub.schemas.portfolio.resources import BY_NAME, RESOURCES
from tests.http.public.portfolios.requests import get
from tests.support.databases import both_databases
from tests.support.public_portfolio import ITEMS, add, public_portfolio, set_profile


@both_databases
async def test_a_portfolio_has_the_user_the_profile_and_every_section(instance):
    ada, items = await public_portfolio(instance)
    await set_profile(instance, ada, bio="# Welder", location="Porto", accent="#aabbcc")

    status, response = await get(instance, "ada")

    assert status == 200
    data = response["data"]
    assert data["user"] == {
        "id": ada.id, "username": "ada", "display_name": "Ada", "avatar_url": None,
    }  # fmt: skip
    assert data["profile"] == {
        "avatar": None, "bio": "# Welder", "resume_url": None, "location": "Porto",
        "available_for_hire": False, "portfolio_url": None, "theme": "system", "accent": "#aabbcc",
    }  # fmt: skip
    assert list(data["sections"]) == [each.name for each in RESOURCES]
    assert data["sections"] == {name: {"items": [item], "total": 1} for name, item in items.items()}


@both_databases
async def test_each_list_and_each_item_is_that_of_the_owner(instance):
    _, items = await public_portfolio(instance)

    for name, item in items.items():
        assert await get(instance, f"ada/{name}") == (
            200,
            {"data": [item], "meta": {"page": 1, "limit": 20, "total": 1, "pages": 1}},
        )
        assert await get(instance, f"ada/{name}/{item['id']}") == (200, {"data": item})
    assert await get(instance, f"ada/blog/{items['blog']['slug']}") == (200, {"data": items["blog"]})


async def test_a_section_has_the_first_20_items_and_the_number_of_all(instance):
    ada, _ = await public_portfolio(instance)
    names = [f"Company {number:02}" for number in range(25)]
    for name in names:
        await add(ada, "companies", name=name)

    section = (await get(instance, "ada"))[1]["data"]["sections"]["companies"]

    assert ([each["name"] for each in section["items"]], section["total"]) == (
        ["Bridges Ltd", *names][:20],
        26,
    )


@both_databases
async def test_lists_are_paged_sorted_filtered_and_searched(instance):
    ada, items = await public_portfolio(instance)
    await add(ada, "projects", title="A ship", tags=["steel", "sea"], featured=False)
    await add(ada, "projects", title="Canoes", tags=["wood"], featured=False)

    async def titles(**params):
        status, response = await get(instance, "ada/projects", params=params)
        assert status == 200, response
        return [each["title"] for each in response["data"]], response["meta"]["total"]

    assert await titles(sort="-title", limit=2) == (["Canoes", "A ship"], 3)
    assert await titles(sort="title", page=2, limit=2) == (["Canoes"], 3)
    assert await titles(tags="steel", sort="title") == (["A bridge", "A ship"], 2)
    assert await titles(featured="true") == (["A bridge"], 1)
    assert await titles(q="cano") == (["Canoes"], 1)
    assert await titles(page=9) == ([], 3)
    for path, name in (("ada/blog", "published"), ("ada/contacts", "active")):
        totals = [(await get(instance, path, params={name: text}))[1] for text in ("true", "false")]
        assert [each["meta"]["total"] for each in totals] == [1, 0]
    experiences = await get(instance, "ada/experiences", params={"company_id": items["companies"]["id"]})
    assert experiences[1]["meta"]["total"] == 0


@pytest.mark.parametrize(
    "params", [{"limit": "101"}, {"page": "0"}, {"sort": "secret"}, {"featured": "perhaps"}]
)
async def test_a_wrong_query_is_refused(instance, params):
    await public_portfolio(instance)

    status, response = await get(instance, "ada/projects", params=params)

    assert (status, response["errors"][0]["field"]) == (422, next(iter(params)))


@pytest.mark.parametrize(
    "text", ["a" * 60, "a" * 65, "ada%00", "%F0%9F%91%8D", "ada%2Fprojects", "..%2Fada", "ada/ships"]
)
async def test_what_is_no_portfolio_is_not_found(instance, text):
    await public_portfolio(instance)

    assert (await get(instance, text))[0] == 404


@pytest.mark.parametrize("key", ["unknown", "0192f000-0000-7000-8000-000000000000", "x" * 201, "a%00"])
async def test_an_unknown_item_is_not_found(instance, key):
    await public_portfolio(instance)

    statuses = [(await get(instance, f"ada/{name}/{key}"))[0] for name in ("projects", "blog")]
    assert statuses == [404, 404]


def test_every_resource_has_a_sample():
    assert set(ITEMS) == set(BY_NAME)
