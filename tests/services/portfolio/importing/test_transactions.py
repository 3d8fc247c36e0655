"""Imports are whole: versions, the index, concurrent imports, failures."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import InvalidPayload, Unavailable
from hubbub.db import database
from hubbub.queries.portfolio import versions
from hubbub.schemas.jobs import IndexPortfolio
from hubbub.schemas.portfolio.resources import BY_NAME
from hubbub.services.jobs import kinds
from hubbub.services.portfolio import importing, indexing
from hubbub.services.portfolio import items as operations
from tests.services.portfolio.importing.documents import EVERYTHING, counts
from tests.support.portfolio_documents import document, projects, run_export, run_import


async def test_imported_items_are_found_by_their_words(ada):
    await run_import(
        ada, document(projects=[{"title": "Zeppelin", "tags": ["heli\u00fam"]}, {"title": "Other"}])
    )

    for words in ("zepp", "helium"):
        query = BY_NAME["projects"].list_query(query=words)
        assert [
            each.title for each in (await operations.list_items(ada, BY_NAME["projects"], query)).items
        ] == ["Zeppelin"]


async def test_the_words_of_a_large_import_are_stored_by_a_job(ada, monkeypatch):
    resource = BY_NAME["projects"]
    await run_import(ada, document(projects=[{"title": "Former"}]))
    exported = await run_export(ada)
    exported["projects"][0]["title"] = "Zeppelin"
    monkeypatch.setattr(importing, "MAX_INDEXED_CHARS", 100)

    async def found(words):
        query = resource.list_query(query=words)
        return {each.title for each in (await operations.list_items(ada, resource, query)).items}

    large = document(projects=[*exported["projects"], {"title": "Balloon", "description": "x" * 100}])
    assert counts(await run_import(ada, large, dry_run=True)) == (1, 1, 0)
    assert not await models.Job.exists()
    assert counts(await run_import(ada, large)) == (1, 1, 0)
    job = await models.Job.get()
    await change_title(ada, "Balloon", "Airship")
    await indexing.index_job(ada.container, kinds.decode(kinds.named(job.kind), job.payload))

    assert await found("zepp") == {"Zeppelin"}
    assert await found("airship") == {"Airship"}
    assert await found("former") == await found("balloon") == set()


async def change_title(ctx, former, title):
    resource = BY_NAME["projects"]
    (item,) = [each for each in (await run_export(ctx))["projects"] if each["title"] == former]
    await operations.update(ctx, resource, resource.update(item_id=uuid.UUID(item["id"]), title=title))


async def test_a_deleted_account_is_not_indexed(ada, monkeypatch):
    monkeypatch.setattr(importing, "MAX_INDEXED_CHARS", 1)
    await run_import(ada, document(projects=projects(2)))
    await models.PortfolioProfile.filter(user_id=ada.user_id).delete()

    await indexing.index_job(
        ada.container, IndexPortfolio(user_id=ada.user_id, since=clock.now() - timedelta(1))
    )

    assert not await models.PortfolioSearchEntry.exists()


async def test_a_large_document_waits_for_the_one_before(ada, monkeypatch):
    monkeypatch.setattr(importing, "LARGE_BYTES", 100)

    async with ada.container.large_imports:
        monkeypatch.setattr(importing, "WAIT_TIMEOUT_S", 0.05)
        assert counts(await run_import(ada, document())) == (0, 0, 0)
        with pytest.raises(Unavailable):
            await run_import(ada, document(projects=projects(5)))

    monkeypatch.setattr(importing, "WAIT_TIMEOUT_S", 30.0)
    results = await asyncio.gather(*(run_import(ada, document(projects=projects(5))) for _ in range(2)))
    assert [counts(each) for each in results] == [(5, 0, 0)] * 2
    assert not ada.container.large_imports.locked()


async def test_a_dry_run_counts_and_stores_nothing(ada):
    await run_import(ada, EVERYTHING)
    exported, version = await run_export(ada), await versions.load(database.connection(), ada.user_id)

    changed = document(projects=[*exported["projects"][:1], *projects(3)])
    assert counts(await run_import(ada, changed, mode="replace", dry_run=True)) == (3, 1, 9)

    assert await run_export(ada) == exported
    assert await versions.load(database.connection(), ada.user_id) == version


async def test_each_import_has_one_version(ada):
    await run_import(ada, EVERYTHING)
    await run_import(ada, EVERYTHING, mode="replace")

    assert await versions.load(database.connection(), ada.user_id) == 2


async def test_concurrent_imports_replace_each_other_as_a_whole(ada):
    given_documents = [document(projects=projects(20, description=str(number))) for number in range(4)]

    results = await asyncio.gather(*(run_import(ada, each, mode="replace") for each in given_documents))

    assert sorted((each.created, each.deleted) for each in results) == [(20, 0), (20, 20), (20, 20), (20, 20)]
    found = await run_export(ada)
    assert len(found["projects"]) == 20
    assert len({each["description"] for each in found["projects"]}) == 1


async def test_a_failed_import_leaves_no_lock_and_no_reference(ada):
    with pytest.raises(InvalidPayload):
        await run_import(ada, document(projects=projects(600)))

    assert counts(await run_import(ada, document(projects=projects(1)))) == (1, 0, 0)


async def test_an_export_during_changes_is_a_copy_of_one_moment(ada):
    async def change():
        for number in range(6):
            both = document(projects=projects(2, description=str(number)))
            await run_import(ada, both, mode="replace")

    changing = asyncio.gather(change())
    while not changing.done():
        found = (await run_export(ada))["projects"]
        assert len({each["description"] for each in found}) <= 1
        assert len(found) in (0, 2)
    await changing
