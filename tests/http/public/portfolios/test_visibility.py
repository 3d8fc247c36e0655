"""Hidden items, hidden sections and hidden users do not exist for the public."""

from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock
from tests.http.public.portfolios.requests import get, load
from tests.support.databases import both_databases
from tests.support.public_portfolio import ITEMS, add, public_portfolio, set_profile

# --- hidden items and sections ---


@both_databases
async def test_what_is_not_published_not_active_or_deleted_appears_nowhere(instance):
    ada, items = await public_portfolio(instance)
    draft = await add(ada, "blog", title="Secret draft", published=False)
    inactive = await add(ada, "contacts", platform="Secret pager", active=False)
    deleted = items["projects"]
    assert (await ada.rest("DELETE", f"/portfolio/projects/{deleted['id']}"))[0] == 204

    pages = [
        await load(instance, path)
        for path in (
            *("ada", "ada/blog", "ada/blog?published=false", "ada/blog?q=secret", "ada/blog?deleted=true"),
            *("ada/contacts", "ada/contacts?active=false", "ada/projects", "ada/projects?deleted=true"),
        )
    ]

    assert {status for status, _, _ in pages} == {200}
    for hidden in (b"Secret", draft["id"].encode(), inactive["id"].encode(), deleted["id"].encode()):
        assert [hidden in body for _, _, body in pages] == [False] * len(pages)
    paths = [f"blog/{draft['id']}", f"blog/{draft['slug']}", f"contacts/{inactive['id']}"]
    for path in (*paths, f"projects/{deleted['id']}"):
        assert (await get(instance, f"ada/{path}"))[0] == 404
    total = (await get(instance, "ada"))[1]["data"]["sections"]["blog"]["total"]
    assert total == 1


@pytest.mark.parametrize("name", list(ITEMS))
async def test_a_part_that_is_not_shown_does_not_exist(instance, name):
    ada, items = await public_portfolio(instance)
    paths = [f"ada/{name}", f"ada/{name}/{items[name]['id']}"]
    assert [(await get(instance, path))[0] for path in paths] == [200, 200]

    await set_profile(instance, ada, **{f"show_{name}": False})

    assert [(await get(instance, path))[0] for path in paths] == [404, 404]
    sections = (await get(instance, "ada"))[1]["data"]["sections"]
    assert set(sections) == set(ITEMS) - {name}


async def test_a_company_that_is_not_shown_is_not_in_experiences_either(instance):
    ada, items = await public_portfolio(instance)
    company_id = items["companies"]["id"]
    made = await add(ada, "experiences", title="Smith", company_id=company_id, company="A forge")
    shown = (await get(instance, f"ada/experiences/{made['id']}"))[1]["data"]
    await set_profile(instance, ada, show_companies=False)

    hidden = (await get(instance, f"ada/experiences/{made['id']}"))[1]["data"]

    assert (shown["company_id"], shown["linked_company"]["name"]) == (company_id, "Bridges Ltd")
    assert hidden == {**shown, "company_id": None, "linked_company": None}
    assert company_id.encode() not in (await load(instance, "ada"))[2]


# --- who is public ---


async def paths_of(instance):
    _, items = await public_portfolio(instance)
    paths = ["ada", "ada/projects", f"ada/projects/{items['projects']['id']}"]
    assert [(await get(instance, path))[0] for path in paths] == [200] * 3  # and now it is cached
    return instance.users["ada"], paths


async def make_private(instance, ada):
    await set_profile(instance, ada, is_public=False)


async def suspend_user(instance, ada):
    moderator = await instance.register("mod-anna")
    await models.User.filter(id=moderator.id).update(role="moderator")
    status, response = await moderator.rest(
        "PATCH", f"/admin/users/{ada.id}", json={"suspended": {"reason": "spam"}}
    )
    assert status == 200, response


async def delete_user(instance, ada):
    admin = await instance.register("root-user")
    await models.User.filter(id=admin.id).update(role="admin")
    assert (await admin.rest("DELETE", f"/admin/users/{ada.id}"))[0] == 204


async def rename_user(_instance, ada):
    status, response = await ada.rest("PATCH", "/users/profile", json={"username": "ada-l"})
    assert status == 200, response


@both_databases
@pytest.mark.parametrize("hide", [make_private, suspend_user, delete_user, rename_user])
async def test_a_portfolio_is_gone_with_the_response_to_the_write_that_hides_it(instance, hide):
    ada, paths = await paths_of(instance)
    unknown = await get(instance, "nobody-at-all")

    await hide(instance, ada)

    found = [await get(instance, path) for path in paths]
    assert [status for status, _ in found] == [404] * 3
    assert [{**body, "request_id": ""} for _, body in found] == [{**unknown[1], "request_id": ""}] * 3


async def test_a_portfolio_is_public_again_after_a_suspension(instance):
    ada, paths = await paths_of(instance)
    await suspend_user(instance, ada)
    assert (await get(instance, "ada"))[0] == 404

    ended = clock.now() - timedelta(seconds=1)
    await models.User.filter(id=ada.id).update(suspended_until=ended)

    assert [(await get(instance, path))[0] for path in paths] == [200] * 3


async def test_a_renamed_portfolio_has_the_new_username(instance):
    ada, _ = await paths_of(instance)
    await rename_user(instance, ada)

    status, response = await get(instance, "ada-l")

    assert (status, response["data"]["user"]["username"]) == (200, "ada-l")


@pytest.mark.parametrize("text", ["ADA", "%41da", "ａｄａ"])
async def test_another_spelling_of_a_username_is_the_same_user(instance, text):
    await public_portfolio(instance)

    assert (await get(instance, text))[1] == (await get(instance, "ada"))[1]
