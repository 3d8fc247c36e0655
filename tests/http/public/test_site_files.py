"""The sitemap, robots.txt and the style sheet of a running instance."""

from xml.etree import ElementTree as ET

import pytest

from hubbub.http.pages import theme
from hubbub.http.public import site_files
from tests.http.public.test_pages import change_profile, create

LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


@pytest.fixture
def database_kind():
    return "sqlite"


async def urls(instance, **headers):
    """Return the paths in the sitemap."""
    async with instance.http.get(f"{instance.url}/sitemap.xml", headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "application/xml"
        found = ET.fromstring(await response.read())
    site = str(instance.settings.public_url)
    return [str(each.text).removeprefix(site) for each in found.iter(LOC)]


async def test_the_sitemap_lists_public_pages_only(instance):
    ada, grace = await instance.register("ada"), await instance.register("grace")
    for user in (ada, grace):
        await create(user, "blog", title="On engines", published=True)
        await create(user, "blog", title="A draft")
    project = await create(ada, "projects", title="Notes")
    await change_profile(ada, is_public=True)

    found = await urls(instance)

    assert found == ["/@ada", "/@ada/blog", "/@ada/blog/on-engines", f"/@ada/projects/{project['id']}"]


async def test_the_sitemap_follows_changes(instance, monkeypatch):
    monkeypatch.setattr(site_files, "LARGE_SITEMAP_S", 60)
    ada = await instance.register("ada")
    project = await create(ada, "projects", title="Notes")
    seen = [await urls(instance)]

    for change in ({"is_public": True}, {"show_projects": False}, {"is_public": False}):
        await change_profile(ada, **change)
        seen.append(await urls(instance))

    assert seen == [[], ["/@ada", f"/@ada/projects/{project['id']}"], ["/@ada"], []]


async def test_a_large_sitemap_is_generated_rarely(instance, monkeypatch):
    monkeypatch.setattr(site_files, "LARGE_SITEMAP_S", 0)
    monkeypatch.setattr(site_files, "MAX_SITEMAP_SHARE", 1e-6)
    before = await urls(instance)

    await change_profile(await instance.register("ada"), is_public=True)

    assert await urls(instance) == before == []


async def test_the_sitemap_is_compressed_only_for_clients_that_accept_it(instance):
    await change_profile(await instance.register("ada"), is_public=True)

    for encoding in ("gzip", "identity"):
        async with instance.http.get(
            f"{instance.url}/sitemap.xml", headers={"Accept-Encoding": encoding}
        ) as response:
            assert response.headers.get("Content-Encoding", "identity") == encoding
            assert "/@ada" in await response.text()


async def test_robots_name_the_sitemap(instance):
    async with instance.http.get(f"{instance.url}/robots.txt") as response:
        text = await response.text()

    assert f"Sitemap: {instance.settings.public_url}/sitemap.xml" in text
    assert "Disallow: /api/" in text


async def test_the_style_sheet_is_cached_for_a_year_under_its_version(instance):
    responses = []
    for url in (theme.url("#8a1c7c"), f"{theme.PATH}?v=other&accent=8a1c7c", f"{theme.PATH}?accent=}}x"):
        async with instance.http.get(f"{instance.url}{url}") as response:
            assert (response.status, response.content_type) == (200, "text/css")
            responses.append((response.headers["Cache-Control"], await response.text()))

    assert [cache for cache, _ in responses] == [
        "public, max-age=31536000, immutable",
        "no-cache",
        "no-cache",
    ]
    assert "--accent-light: #8a1c7c" in responses[0][1]
    assert "}x" not in responses[2][1]
