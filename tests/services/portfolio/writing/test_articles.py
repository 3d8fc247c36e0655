"""Slugs of articles are unique, the first publication is dated, and excerpts are generated."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from hubbub.core import clock
from hubbub.core.errors import Conflict, InvalidPayload, NotFound
from hubbub.queries.portfolio import items as queries
from hubbub.schemas.portfolio.items import ItemRef
from hubbub.services.portfolio import items, versions, writing
from hubbub.services.portfolio.writing import Change
from tests.services.portfolio.writing.item_calls import BLOG, change, create, delete, get
from tests.support.portfolio_items import new

# --- slugs ---


async def test_a_slug_is_generated_once_and_made_unique(ada, eve):
    slugs = [(await create(ada, BLOG, title="Über  alles: C++ & Co.")).slug for _ in range(3)]
    first = await get(ada, BLOG, "uber-alles-c-co")

    renamed = await change(ada, BLOG, first, title="Another one")

    assert slugs == ["uber-alles-c-co", "uber-alles-c-co-2", "uber-alles-c-co-3"]
    assert renamed.slug == "uber-alles-c-co"
    assert (await create(eve, BLOG, title="Über alles, C Co")).slug == "uber-alles-c-co"
    assert await get(ada, BLOG, first.id) == await get(ada, BLOG, "uber-alles-c-co") == renamed
    with pytest.raises(NotFound):
        await get(eve, BLOG, "uber-alles-c-co-2")


async def test_a_given_slug_that_is_taken_is_a_conflict(ada):
    await create(ada, BLOG, slug="first")
    second = await create(ada, BLOG, slug="second")

    for operation in (
        create(ada, BLOG, slug="first"),
        change(ada, BLOG, second, slug="first"),
        create(ada, BLOG, slug="bulk-delete"),
    ):
        with pytest.raises(Conflict) as refusal:
            await operation
        assert [field for field, _ in refusal.value.fields] == ["slug"]
    assert (await change(ada, BLOG, second, slug="second", title="New")).slug == "second"
    assert (await change(ada, BLOG, second, slug="third")).slug == "third"
    assert (await create(ada, BLOG, slug="second")).slug == "second"


async def test_one_of_two_equal_slugs_at_the_same_time_is_a_conflict(ada):
    results = await asyncio.gather(
        *(create(ada, BLOG, slug="same") for _ in range(3)), return_exceptions=True
    )
    generated = await asyncio.gather(*(create(ada, BLOG, title="Same title") for _ in range(3)))

    assert sorted(type(each).__name__ for each in results) == ["Article", "Conflict", "Conflict"]
    assert {each.slug for each in generated} == {"same-title", "same-title-2", "same-title-3"}


async def test_a_batch_of_changes_may_exchange_slugs(ada):
    first, second = await create(ada, BLOG, slug="first"), await create(ada, BLOG, slug="second")
    ids = [first.id, second.id]

    async with ada.unit() as unit:
        await versions.touch(unit, ada.user_id)
        found = await queries.with_ids(unit.tx, BLOG, ada.user_id, ids)
        pairs = zip(ids, ("second", "third"), strict=True)
        changed = [Change({**found[each], "slug": slug}, found[each]) for each, slug in pairs]
        new = Change({**found[first.id], "id": uuid.uuid4(), "slug": "first"})
        clash = Change({**found[first.id], "id": uuid.uuid4(), "slug": "third"})
        assert await writing.write(ada, unit, BLOG, [*changed, new]) == []
        (fault,) = await writing.write(ada, unit, BLOG, [clash])

    assert (fault.position, fault.field, fault.is_conflict) == (0, "slug", True)
    assert [(await get(ada, BLOG, slug)).id for slug in ("second", "third")] == ids


async def test_a_restored_post_whose_slug_is_taken_gets_a_new_one(ada):
    first = await create(ada, BLOG, slug="hello")
    await delete(ada, BLOG, first)
    second = await create(ada, BLOG, slug="hello")

    restored = await items.restore(ada, BLOG, ItemRef(item_id=first.id))

    assert (second.slug, restored.slug) == ("hello", "hello-2")
    assert (await get(ada, BLOG, "hello")).id == second.id
    await delete(ada, BLOG, second)
    assert (await items.restore(ada, BLOG, ItemRef(item_id=second.id))).slug == "hello"


@pytest.mark.parametrize(
    "slug", ["Hello", "a b", "ä", "", "a/b", "01890a5d-ac96-774b-bcce-b302099a8057", "a" * 101]
)
def test_a_slug_of_another_form_is_refused(slug):
    with pytest.raises(InvalidPayload):
        new(BLOG, slug=slug)


# --- publication and excerpts ---


async def test_the_time_of_the_first_publication_is_kept(ada, monkeypatch):
    post = await create(ada, BLOG)
    assert (post.published, post.published_at) == (False, None)

    published = await change(ada, BLOG, post, published=True)
    later = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    hidden = await change(ada, BLOG, post, published=False)
    again = await change(ada, BLOG, post, published=True)
    other = await create(ada, BLOG, published=True)

    assert published.published_at is not None
    assert hidden.published_at == again.published_at == published.published_at
    assert again.updated_at == other.published_at == clock.rfc3339(later)


async def test_an_excerpt_is_generated_until_it_is_given(ada):
    post = await create(ada, BLOG, content="# Hello\n\nThis is *the* [text](https://example.com).")
    assert post.excerpt == "This is the text."

    changed = await change(ada, BLOG, post, content="Something **else**")
    given = await change(ada, BLOG, post, excerpt="My own\nwords")
    kept = await change(ada, BLOG, post, content="Third text")
    generated = await change(ada, BLOG, post, excerpt=None)

    assert changed.excerpt == "Something else"
    assert given.excerpt == kept.excerpt == "My own\nwords"
    assert generated.excerpt == "Third text"
    assert (await create(ada, BLOG)).excerpt is None
