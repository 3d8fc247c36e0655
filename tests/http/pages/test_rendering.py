"""Public pages from a portfolio: their content, their markup, and what they cost."""

import asyncio
import itertools
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import msgspec
import pytest

from hubbub.core.errors import Unavailable
from hubbub.http.pages import rendering
from hubbub.http.pages.rendering import PageRenderer
from hubbub.schemas.portfolio.pages import ContactPage
from tests.support import sample_portfolio as sample

SITE = "https://chat.example"
EMPTY_TAGS = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr", "circle"}


class Outline(HTMLParser):
    """The structure of a page. Raises if its elements are not nested correctly."""

    def __init__(self, html):
        super().__init__()
        self.tags = []  # (name, attributes)
        self.headings = []  # (level, text)
        self.text = ""
        self._open = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append([int(tag[1]), ""])
        if tag not in EMPTY_TAGS:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if any(re.fullmatch("h[1-6]", tag) for tag in self._open):
            self.headings[-1][1] += data

    def named(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]

    def meta(self, name):
        return [
            each["content"] for each in self.named("meta") if name in (each.get("name"), each.get("property"))
        ]


@pytest.fixture
async def renderer():
    renderer = PageRenderer(SITE)
    yield renderer
    renderer.close()


async def page(renderer, template, **context):
    return Outline((await renderer.render(template, context)).decode())


def article_context(**changes):
    return {"owner": sample.owner(), "post": sample.post(**changes), "pictures": {}}


async def test_a_portfolio_shows_everything(renderer):
    found = await page(renderer, "portfolio.html", **sample.portfolio())

    for text in (
        *("Ada Lovelace", "Engineer of analytical engines", "London", "Available for hire", "GitHub", "هاتف"),
        *("Programmer", "Analytical Engines Ltd", "March 2021", "present", "Computed Bernoulli numbers"),
        *("University of London", "BSc, Mathematics", "93.25", "東京大学", "Notes on the engine", "Featured"),
        *("Движок аналитической машины", "PostgreSQL", "Soft skills", "Certified Engine Operator", "RS-1843"),
        *(
            "Charles Babbage",
            "The enchantress",
            "גרייס הופר",
            "On Bernoulli numbers",
            "1 March 2026",
            "数について",
        ),
    ):
        assert text in found.text
    hrefs = [each["href"] for each in found.named("a")]
    assert {
        "https://github.com/ada",
        "mailto:ada@example.org",
        "tel:+39012345",
        "/@ada/blog",
        "/@ada/contact",
    } <= set(hrefs)
    assert "/@ada/projects/01920000-0000-7000-8000-000000000004" in hrefs
    assert "/@ada/blog/on-bernoulli-numbers" in hrefs


async def test_skills_are_in_the_order_of_their_categories(renderer):
    found = await page(renderer, "portfolio.html", **sample.portfolio())

    start = found.text.index("Languages")
    order = [found.text.index(text, start) for text in ("Python", "Rust", "Databases", "Soft skills")]

    assert order == sorted(order)
    assert "Frontend" not in found.text


async def test_a_section_without_items_is_left_out(renderer):
    empty = dict.fromkeys(sample.SECTIONS, ())
    owner = sample.owner(
        avatar=None,
        bio=None,
        location=None,
        available_for_hire=False,
        resume_url=None,
        portfolio_url=None,
        accent=None,
        has_blog=False,
    )

    found = await page(renderer, "portfolio.html", **sample.portfolio(owner=owner, **empty))

    assert found.headings == [[1, "Ada Lovelace"]]
    assert found.named("img") == []
    assert {each["href"] for each in found.named("a")} == {"#main", "/@ada", "/@ada/contact"}


@pytest.mark.parametrize(
    ("template", "context"),
    [
        ("portfolio.html", sample.portfolio()),
        (
            "blog.html",
            {"owner": sample.owner(), "posts": [sample.post()] * 3, "page": 2, "pages": 3, "pictures": {}},
        ),
        ("article.html", article_context()),
        ("project.html", {"owner": sample.owner(), "project": sample.project(), "pictures": sample.PICTURES}),
        (
            "contact.html",
            msgspec.structs.asdict(
                ContactPage(owner=sample.owner(), pictures={}, errors={"name": "Missing."})
            ),
        ),
    ],
)
async def test_pages_are_accessible_and_need_no_script(renderer, template, context):
    html = (await renderer.render(template, context)).decode()
    found = Outline(html)

    assert html.startswith("<!doctype html>")
    assert found.named("html")[0]["lang"] == "en"
    assert all("alt" in each for each in found.named("img"))
    assert found.named("script") == []
    assert [
        attrs for _, attrs in found.tags if "style" in attrs or any(name.startswith("on") for name in attrs)
    ] == []
    levels = [level for level, _ in found.headings]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert found.named("a")[0] == {"class": "skip", "href": "#main"}
    assert "main" in ids
    labelled = {each["for"] for each in found.named("label")}
    assert {each["id"] for each in found.named("input") if each.get("type") != "hidden"} <= labelled
    assert {each["href"] for each in found.named("link") if each["rel"] == "canonical"} != set()


async def test_text_of_users_is_escaped_and_has_a_direction_of_its_own(renderer):
    hostile = '"><script>alert(1)</script>'
    owner = sample.owner(name=hostile, location=hostile, bio=hostile, username="ada")
    context = sample.portfolio(
        owner=owner,
        contacts=[sample.contact(platform=hostile)],
        experiences=[
            sample.experience(
                title=hostile,
                company=hostile,
                description=hostile,
                achievements=[hostile],
                technologies=[hostile],
            )
        ],
        projects=[sample.project(title=hostile, description=hostile, image="https://example.org/" + hostile)],
        testimonials=[sample.testimonial(content=hostile)],
        posts=[sample.post(title=hostile, excerpt=hostile)],
    )

    html = (await renderer.render("portfolio.html", context)).decode()

    assert "<script" not in html
    assert Outline(html).text.count("<script>alert(1)</script>") >= 10
    assert '<h1 class="p-name" dir="auto" lang="">' in html


async def test_pages_describe_themselves_to_other_sites(renderer):
    found = await page(renderer, "portfolio.html", **sample.portfolio())
    post = await page(renderer, "article.html", **article_context())

    assert found.meta("og:title") == ["Ada Lovelace"]
    assert found.meta("og:url") == ["https://chat.example/@ada"]
    assert found.meta("og:image") == [f"https://chat.example{sample.AVATAR}"]
    assert found.meta("description") == ["Engineer of analytical engines"]
    assert found.meta("twitter:card") == ["summary"]
    assert post.meta("og:type") == ["article"]
    assert post.meta("og:image") == ["https://example.org/cover.png"]
    assert post.meta("article:published_time") == [sample.TIME]
    assert post.meta("twitter:card") == ["summary_large_image"]
    assert [each["href"] for each in post.named("link") if each["rel"] == "canonical"] == [
        "https://chat.example/@ada/blog/on-bernoulli-numbers"
    ]


async def test_pictures_are_loaded_in_the_size_that_is_needed(renderer):
    found = await page(renderer, "portfolio.html", **sample.portfolio())

    [avatar] = [each for each in found.named("img") if "avatar" in each.get("class", "")]
    assert avatar["srcset"] == "/uploads/0192/64.webp 64w, /uploads/0192/256.webp 256w"
    assert avatar["alt"] == "Picture of Ada Lovelace"


@pytest.mark.parametrize(("theme", "colors"), [("system", 2), ("light", 1), ("dark", 1)])
async def test_the_theme_is_that_of_the_profile(renderer, theme, colors):
    found = await page(renderer, "portfolio.html", **sample.portfolio(owner=sample.owner(theme=theme)))

    assert found.named("html")[0]["data-theme"] == theme
    assert len(found.meta("theme-color")) == colors
    assert "#ffd000" not in found.meta("theme-color")[0] or theme == "dark"


async def test_headings_of_markdown_continue_those_of_the_page(renderer):
    found = await page(renderer, "article.html", **article_context(content="# One\n\n## Two"))

    assert found.headings == [[1, "On Bernoulli numbers"], [2, "One"], [3, "Two"]]


async def test_the_feed_is_rss_with_all_fields(renderer):
    posts = [sample.post(title="a < b & c", excerpt="<b>1</b> & \x0b2"), sample.post(slug="x")]

    feed = ET.fromstring(await renderer.render("feed.xml", {"owner": sample.owner(), "posts": posts}))

    channel = feed.find("channel")
    assert channel is not None
    assert channel.findtext("title") == "Ada Lovelace"
    assert channel.findtext("link") == "https://chat.example/@ada/blog"
    first, second = channel.findall("item")
    assert first.findtext("title") == "a < b & c"
    assert first.findtext("description") == "&lt;b&gt;1&lt;/b&gt; &amp; 2"
    assert first.findtext("link") == "https://chat.example/@ada/blog/on-bernoulli-numbers"
    assert first.findtext("pubDate") == "Sun, 01 Mar 2026 09:30:00 +0000"
    assert [each.text for each in first.findall("category")] == ["numbers", "engines"]
    assert second.findtext("guid") == first.findtext("guid")


async def test_an_empty_feed_is_valid(renderer):
    owner = sample.owner(bio=None, avatar=None)

    feed = ET.fromstring(await renderer.render("feed.xml", {"owner": owner, "posts": []}))

    assert feed.findtext("channel/description") == "Blog of Ada Lovelace"
    assert feed.findall("channel/item") == []


async def test_a_page_with_costly_markdown_is_bounded(renderer):
    costly = "[a](" * 2500
    context = sample.portfolio(experiences=[sample.experience(description=costly)] * 100)

    began = asyncio.get_running_loop().time()
    html = await renderer.render("portfolio.html", context)

    assert asyncio.get_running_loop().time() - began < 10
    assert len(html) < 3 << 20


async def test_a_page_has_a_bounded_amount_of_markdown(renderer, monkeypatch):
    monkeypatch.setattr(rendering, "MAX_MARKDOWN_CHARS", 2000)
    context = sample.portfolio(experiences=[sample.experience(description="**word** " * 400)] * 20)

    html = (await renderer.render("portfolio.html", context)).decode()

    assert html.count("<strong>word</strong>") == 0
    assert html.count("word…") == 20


async def test_costly_pages_of_one_user_delay_others_by_one_page(renderer):
    ended = []

    async def render(name, description):
        owner = sample.owner(username=name)
        await renderer.render(
            "project.html",
            {"owner": owner, "project": sample.project(description=description), "pictures": {}},
        )
        ended.append(name)

    await asyncio.gather(*(render("eve", "[a](" * 2500) for _ in range(5)), render("ada", "Short."))

    assert ended.index("ada") <= 1


@pytest.mark.parametrize("limit", ["MAX_PENDING", "MAX_OWNER_PENDING"])
async def test_too_many_pages_at_once_are_refused(renderer, monkeypatch, limit):
    monkeypatch.setattr(rendering, limit, 2)

    results = await asyncio.gather(
        *(renderer.render("portfolio.html", sample.portfolio()) for _ in range(5)), return_exceptions=True
    )

    assert [type(each) for each in results] == [bytes, bytes, Unavailable, Unavailable, Unavailable]
    assert await renderer.render("portfolio.html", sample.portfolio())


async def test_a_missing_variable_is_an_error(renderer):
    with pytest.raises(Exception, match="undefined"):
        await renderer.render("article.html", {"owner": sample.owner(), "pictures": {}})


def test_months_are_those_of_the_date():
    assert rendering.format_month("2021-12-31") == "December 2021"
    assert rendering.format_month("0987-01-01") == "January 987"
    assert rendering.format_day("2021-02-09T00:00:00.000Z") == "9 February 2021"
