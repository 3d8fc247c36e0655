"""Imported items: matched, created, replaced and restored."""

import uuid
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile

from hubbub.core import clock
from hubbub.schemas.portfolio.resources import BY_NAME, RESOURCES
from hubbub.services.portfolio import items as operations
from tests.services.portfolio.conftest import make_user
from tests.services.portfolio.importing.documents import EVERYTHING, counts
from tests.support import portfolio_documents as documents
from tests.support.portfolio_documents import document, ids_of, projects, run_export, run_import, without_ids


async def test_everything_in_a_document_is_stored(ada):
    assert counts(await run_import(ada, EVERYTHING)) == (10, 0, 0)

    found = await run_export(ada)
    assert [len(found[each.name]) for each in RESOURCES] == [2, 1, 1, 1, 1, 1, 1, 1, 1]
    assert found["projects"][0]["tags"] == ["x", "y"]
    assert [item["order"] for item in found["projects"]] == [0, 7]
    assert found["profile"]["bio"] == "Hello"
    assert found["profile"]["show_skills"] is False
    assert found["blog"][0]["slug"] == "post"
    assert found["blog"][0]["published_at"] is not None


@profile(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents.documents())
async def test_an_export_that_is_imported_into_an_empty_portfolio_is_equal(container, given_document):
    first, second = [await make_user(container, f"user{uuid.uuid4().hex[:12]}") for _ in range(2)]
    items = sum(len(given_document[each.name]) for each in RESOURCES)

    assert counts(await run_import(first, given_document)) == (items, 0, 0)
    exported = await run_export(first)
    assert counts(await run_import(second, exported, mode="replace")) == (items, 0, 0)
    copied = await run_export(second)

    assert without_ids(copied) == without_ids(exported)
    assert not ids_of(copied) & ids_of(exported)
    # The own items are matched, and nothing changes.
    assert counts(await run_import(first, exported, mode="replace")) == (0, items, 0)
    assert await run_export(first) == exported


async def test_items_are_matched_by_id_and_others_created(ada):
    await run_import(ada, document(projects=projects(3)))
    exported = await run_export(ada)
    exported["projects"][1]["title"] = "Changed"
    exported["projects"].append({"id": str(uuid.uuid4()), "title": "New"})

    assert counts(await run_import(ada, document(projects=exported["projects"][1:]))) == (1, 2, 0)

    found = (await run_export(ada))["projects"]
    assert [each["title"] for each in found] == ["Project 0", "Changed", "Project 2", "New"]
    assert found[0] == exported["projects"][0]
    assert found[2] == exported["projects"][2]
    assert found[1]["updated_at"] > exported["projects"][1]["updated_at"]
    assert found[1]["created_at"] == exported["projects"][1]["created_at"]


async def test_items_of_another_user_are_not_matched(ada, eve):
    await run_import(eve, EVERYTHING)
    of_eve = await run_export(eve)

    assert counts(await run_import(ada, of_eve)) == (10, 0, 0)
    assert counts(await run_import(ada, of_eve, mode="replace")) == (10, 0, 10)

    assert await run_export(eve) == of_eve
    assert not ids_of(await run_export(ada)) & ids_of(of_eve)


async def test_replace_deletes_the_others_which_can_be_restored(ada):
    await run_import(ada, EVERYTHING)
    kept = (await run_export(ada))["projects"][:1]

    assert counts(await run_import(ada, document(projects=kept), mode="replace")) == (0, 1, 9)

    found = await run_export(ada)
    assert found["projects"] == kept
    assert [len(found[each.name]) for each in RESOURCES[1:]] == [0] * 8
    assert found["profile"]["bio"] == "Hello"
    query = BY_NAME["skills"].list_query(deleted=True)
    assert (await operations.list_items(ada, BY_NAME["skills"], query)).total == 1


async def test_a_deleted_item_is_restored_by_its_id(ada):
    await run_import(ada, EVERYTHING)
    exported = await run_export(ada)
    await run_import(ada, document(), mode="replace")

    assert counts(await run_import(ada, exported)) == (10, 0, 0)

    found = await run_export(ada)
    assert ids_of(found) == ids_of(exported)
    assert without_ids(found) == without_ids(exported)


async def test_posts_exchange_their_slugs(ada):
    await run_import(ada, document(blog=[{"title": "A", "slug": "a"}, {"title": "B", "slug": "b"}]))
    exported = await run_export(ada)
    first, second = exported["blog"]
    first["slug"], second["slug"] = "b", "a"

    assert counts(await run_import(ada, exported)) == (0, 2, 0)

    assert [each["slug"] for each in (await run_export(ada))["blog"]] == ["b", "a"]


async def test_missing_slugs_and_orders_follow_those_of_the_portfolio(ada):
    await run_import(ada, document(blog=[{"title": "Same"}], projects=projects(1, order=5)))

    await run_import(ada, document(blog=[{"title": "Same"}, {"title": "Same"}], projects=projects(2)))

    found = await run_export(ada)
    assert sorted(each["slug"] for each in found["blog"]) == ["same", "same-2", "same-3"]
    assert sorted(each["order"] for each in found["projects"]) == [5, 6, 7]


async def test_times_of_a_document_are_kept_unless_they_are_still_to_come(ada):
    future = clock.rfc3339(clock.now() + timedelta(days=3))
    past = "2020-05-06T07:08:09.000Z"
    posts = [
        {"title": "A", "published": True, "created_at": past, "published_at": past},
        {"title": "B", "published": True, "created_at": future, "published_at": future},
        {"title": "C", "published_at": past},
    ]

    await run_import(ada, document(blog=posts))

    found = {each["title"]: each for each in (await run_export(ada))["blog"]}
    assert (found["A"]["created_at"], found["A"]["published_at"]) == (past, past)
    assert max(found["B"]["created_at"], found["B"]["published_at"]) <= clock.rfc3339(clock.now())
    assert found["C"]["published_at"] == past


async def test_the_first_publication_of_an_own_post_does_not_change(ada):
    await run_import(ada, document(blog=[{"title": "A", "published": True}]))
    exported = await run_export(ada)
    published_at = exported["blog"][0]["published_at"]
    exported["blog"][0] |= {"published_at": "2001-01-01T00:00:00Z", "created_at": "2001-01-01T00:00:00Z"}

    await run_import(ada, exported)

    assert (await run_export(ada))["blog"][0]["published_at"] == published_at


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_response_of_an_export_and_items_of_lists_are_accepted(ada):
    await run_import(ada, EVERYTHING)
    exported = await run_export(ada)
    resource = BY_NAME["experiences"]
    listed = (await operations.list_items(ada, resource, resource.list_query())).items

    assert counts(await run_import(ada, {"data": exported})) == (0, 10, 0)
    assert counts(await run_import(ada, document(experiences=listed))) == (0, 1, 0)
