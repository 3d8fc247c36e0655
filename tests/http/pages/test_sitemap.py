"""The sitemap."""

from xml.etree import ElementTree as ET

from hubbub.http.pages import sitemap
from hubbub.http.pages.sitemap import Page

NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def test_a_sitemap_lists_absolute_urls_with_their_last_change():
    pages = [Page("/@ada", "2026-03-01"), Page("/@ada/blog/a-b", "2026-03-02")]

    found = ET.fromstring(sitemap.document("https://chat.example", pages))

    assert [each.text for each in found.iter(f"{NAMESPACE}loc")] == [
        "https://chat.example/@ada",
        "https://chat.example/@ada/blog/a-b",
    ]
    assert [each.text for each in found.iter(f"{NAMESPACE}lastmod")] == ["2026-03-01", "2026-03-02"]


def test_an_empty_sitemap_is_valid():
    assert len(ET.fromstring(sitemap.document("https://chat.example", []))) == 0
