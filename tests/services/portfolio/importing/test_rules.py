"""The rules of an import: what is wrong with a document is named, and nothing is stored."""

import uuid

import pytest

from hubbub import models
from hubbub.core.errors import InvalidPayload
from hubbub.core.files.large_json import Malformed
from hubbub.db import database
from hubbub.queries.portfolio import versions
from hubbub.schemas.portfolio.resource import MAX_ITEMS
from hubbub.services.uploads import uploads
from tests.services.portfolio.importing.documents import counts
from tests.services.uploads.conftest import request
from tests.support.pictures import picture
from tests.support.portfolio_documents import document, projects, run_export, run_import


async def faults_of(ctx, given_document, **query):
    """Return the fields with faults, after checks that nothing is stored and a dry run reports them."""
    before, version = await run_export(ctx), await versions.load(database.connection(), ctx.user_id)
    with pytest.raises(InvalidPayload) as refused:
        await run_import(ctx, given_document, **query)
    dry = await run_import(ctx, given_document, dry_run=True, **query)
    assert [(each.field, each.message) for each in dry.errors] == list(refused.value.fields)
    assert (dry.created, dry.updated, dry.deleted) == (0, 0, 0)
    assert await run_export(ctx) == before
    assert await versions.load(database.connection(), ctx.user_id) == version
    return [field for field, _ in refused.value.fields]


async def test_one_bad_row_in_a_thousand_is_named_and_nothing_is_stored(ada):
    bad = document(
        projects=projects(500),
        skills=[{"name": f"S{number}", "category": "tool"} for number in range(500)],
    )
    bad["projects"][3]["title"] = ""
    bad["skills"][499]["category"] = "none"

    assert await faults_of(ada, bad) == ["projects[3].title", "skills[499].category"]


async def test_experiences_refer_to_companies_of_the_document_and_of_the_portfolio(ada):
    await run_import(ada, document(companies=[{"name": "Old"}]))
    old = (await run_export(ada))["companies"][0]["id"]
    new = str(uuid.uuid4())
    given_document = document(
        companies=[{"id": new, "name": "New"}],
        experiences=[
            {"title": "A", "company_id": new, "start_date": "2020-01-01"},
            {"title": "B", "company_id": old, "start_date": "2021-01-01"},
        ],
    )

    assert counts(await run_import(ada, given_document)) == (3, 0, 0)

    found = await run_export(ada)
    names = {each["id"]: each["name"] for each in found["companies"]}
    assert [names[each["company_id"]] for each in found["experiences"]] == ["New", "Old"]
    assert [each["company"] for each in found["experiences"]] == [None, None]


@pytest.mark.parametrize("mode", ["merge", "replace"])
async def test_a_company_that_is_not_there_is_named(ada, eve, mode):
    await run_import(ada, document(companies=[{"name": "Mine"}]))
    await run_import(eve, document(companies=[{"name": "Of Eve"}]))
    mine, of_eve = [(await run_export(ctx))["companies"][0]["id"] for ctx in (ada, eve)]
    bad = document(
        experiences=[
            {"title": "A", "company_id": mine, "start_date": "2020-01-01"},
            {"title": "B", "company_id": of_eve, "start_date": "2020-01-01"},
            {"title": "C", "company_id": str(uuid.uuid4()), "start_date": "2020-01-01"},
        ]
    )

    named = [] if mode == "merge" else ["experiences[0].company_id"]
    assert await faults_of(ada, bad, mode=mode) == [
        *named,
        "experiences[1].company_id",
        "experiences[2].company_id",
    ]


async def test_rules_between_fields_are_checked(ada):
    bad = document(
        projects=[{"title": "A", "start_date": "2020-02-01", "end_date": "2020-01-01"}],
        experiences=[
            {"title": "A", "start_date": "2020-01-01"},
            {
                "title": "B",
                "company": "C",
                "start_date": "2020-01-01",
                "end_date": "2021-01-01",
                "current": True,
            },
        ],
    )

    assert await faults_of(ada, bad) == [
        *("projects[0].end_date", "experiences[0].company", "experiences[1].end_date")
    ]


async def test_a_slug_that_is_taken_is_named(ada):
    await run_import(ada, document(blog=[{"title": "A", "slug": "a"}]))

    bad = document(
        blog=[{"title": "B", "slug": "b"}, {"title": "C", "slug": "a"}, {"title": "D", "slug": "b"}]
    )
    assert await faults_of(ada, bad) == ["blog[1].slug", "blog[2].slug"]
    assert counts(await run_import(ada, document(blog=[{"title": "A", "slug": "a"}]), mode="replace")) == (
        1,
        0,
        1,
    )


async def test_a_resource_has_at_most_500_items(ada):
    assert await faults_of(ada, document(projects=projects(MAX_ITEMS + 1))) == ["projects"]
    await run_import(ada, document(projects=projects(MAX_ITEMS)))

    assert await faults_of(ada, document(projects=projects(1))) == ["projects"]
    assert counts(await run_import(ada, document(projects=projects(MAX_ITEMS)), mode="replace")) == (
        500,
        0,
        500,
    )


async def test_own_uploads_are_kept_and_others_refused(ada, eve):
    own, foreign = [(await uploads.store(ctx, request(picture(), "image", "a.png")))[0] for ctx in (ada, eve)]
    good = document(
        projects=projects(1, image=own.url), companies=[{"name": "A", "logo": "https://a.example/b.png"}]
    )
    bad = document(
        projects=projects(1, image=own.url),
        testimonials=[{"name": "B", "content": "C", "avatar": foreign.url}],
    )

    assert await faults_of(ada, bad) == ["testimonials[0].avatar"]
    assert (await models.Upload.get(id=own.id)).unreferenced_since is not None
    await run_import(ada, good)

    assert (await models.Upload.get(id=own.id)).unreferenced_since is None
    assert (await models.Upload.get(id=foreign.id)).unreferenced_since is not None
    assert (await run_export(ada))["projects"][0]["image"] == own.url


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    "text", [b"[", b"{", b'{"version": 1,}', b'{"version": 1} x', b'{"projects": [{]}', b"\xff"]
)
async def test_what_is_not_json_is_malformed(ada, text):
    with pytest.raises(Malformed):
        await run_import(ada, text, dry_run=True)


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("given_document", "fields"),
    [
        (b"", ["version"]),
        ({}, ["version"]),
        ([], [""]),
        ({"version": 2}, ["version"]),
        ({"version": True}, ["version"]),
        ({"version": "1"}, ["version"]),
        (document(stuff=[]), ["stuff"]),
        (document(projects={}), ["projects"]),
        (document(projects=None), ["projects"]),
        (document(projects=[1]), ["projects[0]"]),
        (document(projects=projects(1, colour="red")), ["projects[0].colour"]),
        (document(projects=projects(1, id="1")), ["projects[0].id"]),
        (document(projects=projects(2, id=str(uuid.UUID(int=1)))), ["projects[1].id"]),
        (document(projects=projects(1, created_at="yesterday")), ["projects[0].created_at"]),
        (document(projects=projects(1, tags=["a" * 51])), ["projects[0].tags[0]"]),
        (document(profile={"theme": "blue", "stuff": 1}), ["profile.theme", "profile.stuff"]),
        (document(profile=[]), ["profile"]),
        (b'{"version": 1, "projects": [], "projects": []}', ["projects"]),
        (b'{"data": {"version": 2}}', ["version"]),
        (b'{"data": [], "version": 1}', ["data"]),
        (b'{"data": {}}', ["version"]),
        (b'{"data": {"version": 1}, "meta": {}}', ["meta"]),
        (document(projects=[{"title": "A", "description": "x" * (1 << 20)}]), ["projects[0]"]),
        (document(projects=[{"title": "A", "tags": [[]] * 2000}]), ["projects[0]"]),
    ],
)
async def test_a_document_that_is_wrong_is_explained(ada, given_document, fields):
    assert await faults_of(ada, given_document) == fields


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_at_most_a_hundred_faults_are_named(ada):
    assert len(await faults_of(ada, document(projects=[{}] * 400))) == 100
