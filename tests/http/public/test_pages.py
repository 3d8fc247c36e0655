"""Public pages of a running instance: content, switches, caches, errors."""

import re

import pytest

from hubbub.ratelimit.rate import Rate
from hubbub.schemas.portfolio.resources import RESOURCES
from tests.http.uploads.test_uploads import load as load_file
from tests.http.uploads.test_uploads import stored
from tests.support.pictures import picture
from tests.support.portfolio_items import required

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def database_kind():
    return "sqlite"


async def load(instance, path, **headers):
    """Return status, headers and text of a page, as a browser requests it."""
    async with instance.http.get(
        f"{instance.url}{path}", headers={**BROWSER, **headers}, allow_redirects=False
    ) as response:
        return response.status, response.headers, await response.text()


async def create(user, resource, **fields):
    status, answer = await user.rest("POST", f"/portfolio/{resource}", json=fields)
    assert status == 201, answer
    return answer["data"]


async def change_profile(user, **fields):
    status, answer = await user.rest("PATCH", "/portfolio/profile", json=fields)
    assert status == 200, answer


@pytest.fixture
async def ada(instance):
    user = await instance.register("ada")
    await change_profile(
        user, is_public=True, bio="Engineer of *engines*\n\nI write **programs**.", accent="#ffd000"
    )
    return user


async def test_a_portfolio_is_a_page_with_its_public_items(instance, ada):
    await create(
        ada, "experiences", title="Programmer", company="Engines Ltd", start_date="2021-03-01", current=True
    )
    await create(ada, "skills", name="Python", category="language", level=4)
    project = await create(ada, "projects", title="Notes", description="# Notes\n\nOn **engines**.")
    hidden = await create(ada, "projects", title="Secret plan")
    await ada.rest("DELETE", f"/portfolio/projects/{hidden['id']}")
    await create(ada, "contacts", platform="GitHub", url="https://github.com/ada")
    await create(ada, "contacts", platform="Old site", url="https://old.example", active=False)
    for number in range(7):
        await create(ada, "blog", title=f"Post number {number}", content="Text", published=number != 6)

    status, headers, page = await load(instance, "/@ada")

    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    for text in (
        "Ada",
        "Engineer of engines",
        "<strong>programs</strong>",
        "Programmer",
        "Engines Ltd",
        "March 2021",
    ):
        assert text in page
    assert f'href="/@ada/projects/{project["id"]}"' in page
    assert 'href="https://github.com/ada"' in page
    assert [number for number in range(7) if f"Post number {number}" in page] == [1, 2, 3, 4, 5]
    assert "Secret plan" not in page
    assert "Old site" not in page
    assert "<script" not in page


async def test_items_with_nothing_but_required_fields_have_pages(instance, ada):
    await change_profile(ada, bio=None, accent=None)
    made = {
        each.name: await create(
            ada, each.name, **required(each), **({each.hidden_unless: True} if each.hidden_unless else {})
        )
        for each in RESOURCES
    }
    post, project = made["blog"]["slug"], made["projects"]["id"]

    for path in ("", "/blog", f"/blog/{post}", f"/projects/{project}", "/feed.xml", "/contact"):
        assert (await load(instance, f"/@ada{path}"))[0] == 200, path


async def test_posts_and_projects_have_pages(instance, ada):
    post = await create(
        ada, "blog", title="On engines", content="# Part\n\n| a |\n|---|\n| b |", published=True
    )
    draft = await create(ada, "blog", title="A draft", content="x")
    project = await create(ada, "projects", title="Notes", description="About **engines**.")

    pages = [
        await load(instance, path)
        for path in (
            "/@ada/blog",
            f"/@ada/blog/{post['slug']}",
            f"/@ada/projects/{project['id']}",
            "/@ada/feed.xml",
        )
    ]
    missing = [
        (await load(instance, path))[0]
        for path in (
            *(
                f"/@ada/blog/{draft['slug']}",
                "/@ada/blog/none",
                f"/@ada/blog/{post['id']}",
                "/@ada/blog?page=2",
            ),
            *(
                "/@ada/blog?page=0",
                "/@ada/blog?page=x",
                f"/@ada/projects/{post['id']}",
                "/@ada/projects/none",
            ),
            *("/@ada/none", "/@ada/", "/@ada/blog/%00", "/@ada/blog/" + "a" * 200),
        )
    ]

    assert [status for status, _, _ in pages] == [200] * 4
    assert all("On engines" in page for _, _, page in (pages[0], pages[1], pages[3]))
    assert "A draft" not in pages[0][2]
    assert "<h2>Part</h2>" in pages[1][2]
    assert "<strong>engines</strong>" in pages[2][2]
    assert pages[3][1]["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert missing == [404] * len(missing)


async def test_posts_are_in_numbered_pages(instance, ada):
    for number in range(51):
        await create(ada, "blog", title=f"Post {number:02}", content="x", published=True)

    first, second = [(await load(instance, f"/@ada/blog{query}"))[2] for query in ("", "?page=2")]

    assert first.count("/@ada/blog/post-") == 50
    assert 'rel="next" href="/@ada/blog?page=2"' in first
    assert "Post 00" in second
    assert second.count("/@ada/blog/post-") == 1


SECTIONS = {
    "projects": {"title": "Visible project"},
    "skills": {"name": "Visible skill", "category": "tool"},
    "experiences": {"title": "Visible experience", "company": "x", "start_date": "2020-01-01"},
    "education": {"institution": "Visible education"},
    "certifications": {"name": "Visible certification"},
    "blog": {"title": "Visible post", "content": "x", "published": True},
    "testimonials": {"name": "Visible testimonial", "content": "x"},
    "contacts": {"platform": "Visible contact", "url": "https://example.org"},
}


async def test_a_section_that_is_switched_off_appears_nowhere(instance, ada):
    project, *_ = [await create(ada, section, **fields) for section, fields in SECTIONS.items()]
    paths = ("", "/blog", "/blog/visible-post", "/feed.xml", f"/projects/{project['id']}")

    async def visible():
        pages = [(await load(instance, f"/@ada{path}"))[2] for path in paths]
        return set(re.findall(r"Visible \w+", "".join(pages)))

    shown = [await visible()]
    for section in SECTIONS:
        await change_profile(ada, **{f"show_{section}": False})
        shown.append(await visible())

    everything = [next(iter(fields.values())) for fields in SECTIONS.values()]
    assert shown == [set(everything[hidden:]) for hidden in range(len(everything) + 1)]


async def test_a_company_that_is_switched_off_is_only_a_name(instance, ada):
    company = await create(ada, "companies", name="Engines Ltd", website="https://engines.example")
    await create(ada, "experiences", title="Programmer", company_id=company["id"], start_date="2020-01-01")
    shown = (await load(instance, "/@ada"))[2]

    await change_profile(ada, show_companies=False)

    assert "https://engines.example" in shown
    hidden = (await load(instance, "/@ada"))[2]
    assert "Engines Ltd" in hidden
    assert "https://engines.example" not in hidden


async def test_a_portfolio_that_is_not_public_is_not_found(instance, ada):
    await instance.register("grace")
    paths = ("", "/blog", "/feed.xml", "/contact")
    before = [(await load(instance, f"/@ada{path}"))[0] for path in paths]

    await change_profile(ada, is_public=False)

    assert before == [200] * 4
    assert [(await load(instance, f"/@ada{path}"))[0] for path in paths] == [404] * 4
    assert [
        (await load(instance, f"/@{name}"))[0]
        for name in ("grace", "nobody", "a", "x" * 500, "%00", "%FF", "a b")
    ] == [404] * 7


async def test_a_former_username_is_not_found_though_its_page_was_cached(instance, ada):
    await load(instance, "/@ada")

    assert (await ada.rest("PATCH", "/users/profile", json={"username": "lovelace"}))[0] == 200

    assert (await load(instance, "/@ada"))[0] == 404
    status, _, page = await load(instance, "/@lovelace")
    assert status == 200
    assert "/@ada" not in page


async def test_every_spelling_of_a_username_is_one_page(instance, ada):
    pages = [await load(instance, path) for path in ("/@ada", "/@ADA", "/%40ada", "/@%61da")]

    assert [status for status, _, _ in pages] == [200] * 4
    assert len({headers["ETag"] for _, headers, _ in pages}) == 1
    assert '<link rel="canonical" href="' in pages[1][2]


async def test_pages_allow_no_script_and_may_be_read_by_every_site(instance, ada):
    _, headers, _ = await load(instance, "/@ada", Origin="https://other.example")

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


async def test_a_page_is_sent_once_until_it_changes(instance, ada):
    _, headers, _ = await load(instance, "/@ada")
    etag = headers["ETag"]

    unchanged = [
        (await load(instance, "/@ada", **{"If-None-Match": value}))[0] for value in (etag, f"W/{etag}", "*")
    ]
    await create(ada, "projects", title="Something new")
    status, headers, page = await load(instance, "/@ada", **{"If-None-Match": etag})

    assert unchanged == [304] * 3
    assert status == 200
    assert headers["ETag"] != etag
    assert "Something new" in page


async def test_errors_are_pages_for_browsers_and_documents_for_programs(instance, ada):
    status, headers, page = await load(instance, "/@nobody", Origin="https://other.example")
    async with instance.http.get(
        f"{instance.url}/@nobody", headers={"Accept": "application/json"}
    ) as response:
        problem = await response.json(content_type="application/problem+json")
    async with instance.http.put(f"{instance.url}/@ada", headers=BROWSER) as response:
        refused = response.status, response.content_type, response.headers["Allow"]

    assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "<h1>Not found</h1>" in page
    assert headers["X-Request-ID"] in page
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert problem["code"] == "not_found"
    assert refused == (405, "text/html", "GET,HEAD")


async def test_head_has_the_headers_of_a_page_without_its_body(instance, ada):
    async with instance.http.head(f"{instance.url}/@ada") as response:
        assert response.status == 200
        assert int(response.headers["Content-Length"]) > 1000
        assert await response.read() == b""


async def test_hostile_markdown_reaches_no_page(instance, ada):
    hostile = "<script>alert(1)</script> [x](javascript:alert(1)) ![y](data:text/html,z)\n\n" + ">" * 10_000
    await change_profile(ada, bio=hostile[:2000])
    post = await create(ada, "blog", title="<b>", content=hostile * 5, published=True)

    pages = [
        (await load(instance, path))[2] for path in ("/@ada", f"/@ada/blog/{post['slug']}", "/@ada/feed.xml")
    ]

    assert [each for each in pages if "<script" in each or 'href="javascript' in each or "<b>" in each] == []


class TestLimits:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"limit_public": Rate(3, 0.01)})

    async def test_pages_are_limited_per_ip_address(self, instance, ada):
        responses = [
            await load(instance, path)
            for path in ("/@ada", "/@ada/blog", "/@ada/contact", "/@ada", "/sitemap.xml")
        ]

        assert [status for status, _, _ in responses] == [200, 200, 200, 429, 429]
        assert "Too many requests" in responses[3][2]
        assert int(responses[3][1]["Retry-After"]) > 0


async def test_pictures_of_a_page_are_loaded_without_a_login_in_the_needed_size(instance, ada):
    await stored(ada, picture(300, 300), path="/users/profile/avatar")
    cover = await stored(ada, picture(1000, 500))
    project = await create(ada, "projects", title="Notes", image=cover["url"])

    page = (await load(instance, "/@ada"))[2]
    detail = (await load(instance, f"/@ada/projects/{project['id']}"))[2]
    urls = {
        url
        for attributes in re.findall(r'<img [^>]*src="([^"]+)"(?: srcset="([^"]+)")?', page + detail)
        for part in attributes
        for url in re.findall(r"/uploads/[^\s,]+", part)
    }

    assert {url.rpartition("/")[2] for url in urls if cover["id"] in url} == {
        "photo.png",
        "320.webp",
        "960.webp",
    }
    assert {url.rpartition("/")[2] for url in urls if cover["id"] not in url} == {
        "photo.png",
        "64.webp",
        "256.webp",
    }
    assert {(await load_file(instance, url))[0] for url in urls} == {200}


class TestCdn:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"cdn_url": "https://cdn.example"})

    async def test_the_versions_of_a_picture_are_where_the_picture_is(self, instance, ada):
        await stored(ada, picture(300, 300), path="/users/profile/avatar")

        _, headers, page = await load(instance, "/@ada")

        [(source, versions)] = re.findall(r'<img class="avatar[^>]* src="([^"]+)" srcset="([^"]+)"', page)
        assert source.startswith("https://cdn.example/uploads/")
        assert re.fullmatch(r"https://cdn\.example/\S+ 64w, https://cdn\.example/\S+ 256w", versions)
        assert re.findall('og:image" content="([^"]+)"', page) == [source]
        assert "https:" in headers["Content-Security-Policy"]
