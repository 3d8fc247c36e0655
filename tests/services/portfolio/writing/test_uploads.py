"""Items keep the uploads that they refer to, also during concurrent changes of the account."""

import asyncio
import uuid

import pytest

from hubbub import models
from hubbub.core.errors import Conflict
from hubbub.db import database
from hubbub.queries.sync import change_counters
from hubbub.schemas.portfolio.items import ItemRef
from hubbub.schemas.uploads.uploads import UploadRef
from hubbub.services.portfolio import items, versions
from hubbub.services.uploads import avatars, uploads
from tests.services.portfolio.writing.item_calls import (
    PROJECTS,
    TESTIMONIALS,
    change,
    create,
    delete,
    get,
    refusal_of,
)
from tests.services.uploads.conftest import request, store
from tests.support.pictures import picture


async def references(ctx, upload):
    """What refers to an upload, as its deletion says."""
    with pytest.raises(Conflict) as refusal:
        await uploads.delete(ctx, UploadRef(upload_id=upload.id))
    return [field for field, _ in refusal.value.fields]


async def test_an_own_upload_is_kept_while_an_item_refers_to_it(ada):
    first, second = await store(ada, b"first"), await store(ada, b"second", name="ü 2.txt")
    item = await create(ada, PROJECTS, image=first.url)
    assert item.image == first.url
    assert await references(ada, first) == [f"projects:{item.id}"]

    await change(ada, PROJECTS, item, title="Another title")
    assert await references(ada, first) == [f"projects:{item.id}"]
    changed = await change(ada, PROJECTS, item, image=second.url)

    assert changed.image == second.url
    await uploads.delete(ada, UploadRef(upload_id=first.id))
    assert await references(ada, second) == [f"projects:{item.id}"]
    await delete(ada, PROJECTS, item)
    assert await references(ada, second) == [f"projects:{item.id}"]
    await items.restore(ada, PROJECTS, ItemRef(item_id=item.id))
    await change(ada, PROJECTS, item, image="https://example.com/a.png")
    await uploads.delete(ada, UploadRef(upload_id=second.id))


async def test_an_upload_of_another_user_is_refused(ada, eve):
    foreign, own = await store(eve, b"foreign"), await store(ada, b"own")
    item = await create(ada, PROJECTS, image=own.url)

    for url in (foreign.url, f"/uploads/{uuid.uuid4()}/a.txt", own.url + "x"):
        assert await refusal_of(create(ada, PROJECTS, image=url)) == ["image"]
        assert await refusal_of(change(ada, PROJECTS, item, image=url)) == ["image"]
    assert (await get(ada, PROJECTS, item.id)).image == own.url
    await uploads.delete(eve, UploadRef(upload_id=foreign.id))


@pytest.mark.parametrize("base", ["", "https://chat.example.com", "https://cdn.example.com"])
@pytest.mark.parametrize("query", ["", "?e=1&s=x"])
async def test_the_url_of_an_upload_is_stored_as_its_path(ada, base, query):
    urls = {"public_url": "https://chat.example.com", "cdn_url": "https://cdn.example.com"}
    ada.container.settings = ada.container.settings.model_copy(update=urls)
    upload = await store(ada, b"own", name="ü 2.txt")

    item = await create(ada, PROJECTS, image=f"{base}{upload.url}{query}")

    assert item.image == upload.url == f"/uploads/{upload.id}/%C3%BC%202.txt"
    assert await references(ada, upload) == [f"projects:{item.id}"]


async def test_an_upload_is_deleted_or_referred_to_but_not_both(ada):
    for _ in range(5):
        upload = await store(ada, b"raced")
        results = await asyncio.gather(
            create(ada, PROJECTS, image=upload.url),
            uploads.delete(ada, UploadRef(upload_id=upload.id)),
            return_exceptions=True,
        )

        assert sorted(type(each).__name__ for each in results) in (
            ["Conflict", "Project"],
            ["InvalidPayload", "NoneType"],
        )


async def test_an_avatar_that_an_item_shows_stays_when_the_avatar_changes(ada):
    first = await avatars.set_avatar(ada, request(picture(), "avatar", "a.png"))
    item = await create(ada, PROJECTS, image=first.url)

    await avatars.set_avatar(ada, request(picture(80, 80), "avatar", "b.png"))

    assert await references(ada, first) == [f"projects:{item.id}"]
    assert (await models.Upload.get(id=first.id)).unreferenced_since is None
    await change(ada, PROJECTS, item, image=None)
    assert (await models.Upload.get(id=first.id)).unreferenced_since is not None


async def test_changes_of_avatar_and_items_at_the_same_time_do_not_block_each_other(ada):
    current = await avatars.set_avatar(ada, request(picture(), "avatar", "a.png"))
    for size in range(50, 55):
        results = await asyncio.gather(
            create(ada, PROJECTS, image=current.url),
            create(ada, TESTIMONIALS, avatar=current.url),
            avatars.set_avatar(ada, request(picture(size, size), "avatar", "b.png")),
            return_exceptions=True,
        )

        assert [type(each).__name__ for each in results] == ["Project", "Testimonial", "Upload"]
        current = results[2]


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_long_change_of_a_portfolio_delays_no_change_of_the_account(ada):
    locked, done = asyncio.Event(), asyncio.Event()

    async def change_for_long():
        async with ada.unit() as unit:
            await versions.touch(unit, ada.user_id)
            locked.set()
            await done.wait()

    task = asyncio.create_task(change_for_long())
    await locked.wait()
    async with asyncio.timeout(5), database.transaction() as tx:
        await change_counters.bump_version(tx, [ada.user_id])
    done.set()
    await task

    assert (await models.User.get(id=ada.user_id)).version == 1
