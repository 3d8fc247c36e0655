"""Rules of single resources: slugs, publication, companies, periods, uploads."""

import asyncio
import uuid
from datetime import date, timedelta

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import Conflict, InvalidPayload, NotFound
from hubbub.db import database
from hubbub.queries.portfolio import items as queries
from hubbub.queries.sync import change_counters
from hubbub.schemas.base import parse
from hubbub.schemas.portfolio.items import ItemIds, ItemRef, ref_of
from hubbub.schemas.portfolio.resources import BY_NAME
from hubbub.schemas.uploads.uploads import UploadRef
from hubbub.services.portfolio import items, versions, writing
from hubbub.services.portfolio.writing import Change
from hubbub.services.uploads import avatars, uploads
from tests.services.uploads.conftest import request, store
from tests.support.pictures import picture
from tests.support.portfolio_items import changes, listing, new

BLOG, COMPANIES, EXPERIENCES = BY_NAME["blog"], BY_NAME["companies"], BY_NAME["experiences"]
PROJECTS, SKILLS, CONTACTS = BY_NAME["projects"], BY_NAME["skills"], BY_NAME["contacts"]
EDUCATION, CERTIFICATIONS, TESTIMONIALS = (
    BY_NAME["education"],
    BY_NAME["certifications"],
    BY_NAME["testimonials"],
)


async def create(ctx, resource, **fields):
    return await items.create(ctx, resource, new(resource, **fields))


async def change(ctx, resource, item, **fields):
    return await items.update(ctx, resource, changes(resource, item, **fields))


async def get(ctx, resource, key):
    return await items.get(ctx, resource, parse(ref_of(resource), {resource.key_field: str(key)}))


async def delete(ctx, resource, item):
    await items.delete(ctx, resource, parse(ref_of(resource), {resource.key_field: str(item.id)}))


async def refusal_of(operation):
    """The fields of a refusal."""
    with pytest.raises(InvalidPayload) as refusal:
        await operation
    return [field for field, _ in refusal.value.fields]


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


# --- experiences and companies ---


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


# --- fields ---


@pytest.mark.parametrize(
    ("resource", "fields"),
    [
        (PROJECTS, {"title": ""}),
        (PROJECTS, {"title": " \t "}),
        (PROJECTS, {"title": "\u200b"}),
        (PROJECTS, {"title": "x" * 121}),
        (PROJECTS, {"title": "two\nlines"}),
        (PROJECTS, {"title": "a\x00b"}),
        (PROJECTS, {"title": None}),
        (PROJECTS, {"description": "x" * 10_001}),
        (PROJECTS, {"description": "a\x00b"}),
        (PROJECTS, {"url": "ftp://example.com"}),
        (PROJECTS, {"url": "javascript:alert(1)"}),
        (PROJECTS, {"url": "https://example.com/" + "x" * 500}),
        (PROJECTS, {"github_url": ""}),
        (PROJECTS, {"image": "http://example.com/a.png"}),
        (PROJECTS, {"image": "data:image/png;base64,AA"}),
        (PROJECTS, {"image": "/uploads/x/a.png"}),
        (PROJECTS, {"image": "https://example.com/" + "x" * 500}),
        (PROJECTS, {"tags": ["x" * 51]}),
        (PROJECTS, {"tags": [str(number) for number in range(31)]}),
        (PROJECTS, {"tags": [""]}),
        (PROJECTS, {"tags": [" "]}),
        (PROJECTS, {"tags": ["two\nlines"]}),
        (PROJECTS, {"technologies": ["one", "a\u2028b"]}),
        (PROJECTS, {"tags": ["fine", "\u200b"]}),
        (EXPERIENCES, {"achievements": ["fine", "a\nb"]}),
        (PROJECTS, {"tags": "python"}),
        (PROJECTS, {"tags": [1]}),
        (PROJECTS, {"start_date": "2026-02-30"}),
        (PROJECTS, {"start_date": "2026-1-1"}),
        (PROJECTS, {"start_date": "yesterday"}),
        (PROJECTS, {"start_date": "2026-01-01T00:00:00Z"}),
        (PROJECTS, {"order": -1}),
        (PROJECTS, {"order": 1_000_001}),
        (PROJECTS, {"order": 1.5}),
        (PROJECTS, {"featured": "yes"}),
        (PROJECTS, {"id": str(uuid.uuid4())}),
        (COMPANIES, {"founded_year": 999}),
        (COMPANIES, {"founded_year": clock.now().year + 2}),
        (COMPANIES, {"logo": "//example.com/a.png"}),
        (SKILLS, {"category": "cooking"}),
        (SKILLS, {"level": 0}),
        (SKILLS, {"level": 6}),
        (SKILLS, {"color": "red"}),
        (SKILLS, {"color": "#12345"}),
        (EXPERIENCES, {"start_date": None}),
        (EXPERIENCES, {"company_id": "x"}),
        (EXPERIENCES, {"achievements": ["x" * 301]}),
        (EXPERIENCES, {"achievements": ["x"] * 31}),
        (EXPERIENCES, {"achievements": ["x", "two\nlines"]}),
        (EDUCATION, {"gpa": 100.01}),
        (EDUCATION, {"gpa": -0.01}),
        (EDUCATION, {"gpa": 3.333}),
        (EDUCATION, {"gpa": "3"}),
        (BLOG, {"content": "x" * 100_001}),
        (BLOG, {"excerpt": "x" * 501}),
        (BLOG, {"published_at": "2026-01-01T00:00:00Z"}),
        (TESTIMONIALS, {"content": "  \n "}),
        (TESTIMONIALS, {"content": "x" * 5001}),
        (TESTIMONIALS, {"rating": 6}),
        (CONTACTS, {"url": "javascript:alert(1)"}),
        (CONTACTS, {"url": "mailto:nobody"}),
        (CONTACTS, {"url": "tel:call me"}),
        (CONTACTS, {"url": "ssh://example.com"}),
        (CONTACTS, {"platform": "x" * 51}),
    ],
)
def test_a_value_beyond_the_rules_of_its_field_is_refused(resource, fields):
    with pytest.raises(InvalidPayload) as refusal:
        new(resource, **fields)

    assert {field.partition("[")[0] for field, _ in refusal.value.fields} == set(fields)


async def test_lines_are_trimmed_and_words_are_made_distinct(ada):
    item = await create(
        ada,
        PROJECTS,
        title="  Über\u3000\t",
        description="  as it is \n",
        tags=[" a", "b", "a", "A", "b "],
        url=" https://example.com ",
    )

    assert (item.title, item.description) == ("Über", "  as it is \n")
    assert (item.tags, item.url) == (["a", "b", "A"], "https://example.com")
    assert item == await get(ada, PROJECTS, item.id)


@pytest.mark.parametrize(
    "url", ["mailto:ada@example.com?subject=Hi", "tel:+491701234567", "https://a.example"]
)
async def test_a_contact_may_be_an_address_or_a_number(ada, url):
    assert (await create(ada, CONTACTS, url=url)).url == url


async def test_the_next_year_is_valid(ada):
    year = clock.now().year + 1

    assert (await create(ada, COMPANIES, founded_year=year)).founded_year == year


async def test_a_grade_has_two_digits(ada):
    item = await create(ada, EDUCATION, gpa=3.85)

    assert item.gpa == (await get(ada, EDUCATION, item.id)).gpa == 3.85


async def test_skills_are_grouped_in_the_order_of_their_categories(ada, eve):
    await create(eve, SKILLS, name="Foreign", category="other")
    for name, category, order in (("Go", "backend", 2), ("Py", "language", 9), ("Js", "backend", 1)):
        await create(ada, SKILLS, name=name, category=category, order=order)

    groups = await items.list_groups(ada, SKILLS, listing(SKILLS, grouped=True))
    some = await items.list_groups(ada, SKILLS, listing(SKILLS, grouped=True, category="language"))

    found = {category: [skill.name for skill in skills] for category, skills in groups.items()}
    assert list(found.items()) == [("language", ["Py"]), ("backend", ["Js", "Go"])]
    assert list(some) == ["language"]


# --- uploads ---


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
