"""Values beyond the rules of their fields are refused, and texts are normalized."""

import uuid

import pytest

from hubbub.core import clock
from hubbub.core.errors import InvalidPayload
from hubbub.services.portfolio import items
from tests.services.portfolio.writing.item_calls import (
    BLOG,
    COMPANIES,
    CONTACTS,
    EDUCATION,
    EXPERIENCES,
    PROJECTS,
    SKILLS,
    TESTIMONIALS,
    create,
    get,
)
from tests.support.portfolio_items import listing, new


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
