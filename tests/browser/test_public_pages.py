"""Public pages in a browser: their width, their theme, their contrast, print, and the contact form."""

from datetime import timedelta

import pytest

from hubbub.core import clock
from hubbub.http.pages import colors
from hubbub.http.pages.form_stamps import FormStamps
from tests.browser.conftest import SCREENSHOTS, BrowserTabs
from tests.http.public.test_pages import change_profile, create
from tests.support import sample_portfolio

PORTFOLIO = {
    "experiences": [
        {
            "title": "Programmer",
            "company": "Analytical Engines Ltd",
            "location": "London",
            "start_date": "2021-03-01",
            "current": True,
            "description": "Wrote the *first* program.\n\n| a | b |\n|---|--:|\n| difference | 1822 |",
            "achievements": ["Computed Bernoulli numbers"],
            "technologies": ["punched cards", "brass"],
        },
        {
            "title": "مهندسة برمجيات",
            "company": "شركة المحركات",
            "start_date": "2019-01-01",
            "end_date": "2021-02-01",
            "description": "كتبت **برامج** للآلات.",
            "achievements": ["صفحة الصحيفة تظهر في أقل من ثانية على هاتف قديم"],
        },
    ],
    "education": [{"institution": "東京大学", "degree": "学士", "field": "数学", "start_date": "2015-04-01"}],
    "projects": [
        {
            "title": "Notes on the engine",
            "description": "What the engine **might** do.",
            "featured": True,
            "technologies": ["paper"],
        },
        {"title": sample_portfolio.LONG_WORD[:120], "description": "x" * 500},
    ],
    "skills": [
        {"name": "Python", "category": "language", "level": 4, "color": "#3776ab"},
        {"name": "PostgreSQL", "category": "database", "level": 5},
    ],
    "certifications": [
        {"name": "Certified Engine Operator", "issuer": "Royal Society", "issue_date": "2023-05-01"}
    ],
    "testimonials": [{"name": "Charles Babbage", "content": "The enchantress\nof numbers.", "rating": 5}],
    "blog": [
        {
            "title": "On Bernoulli numbers",
            "content": "# Part\n\n`code`\n\n```\n" + "long " * 60 + "\n```",
            "published": True,
        }
    ],
    "contacts": [{"platform": "GitHub", "url": "https://github.com/ada"}],
}
PATHS = ("/@ada", "/@ada/blog", "/@ada/blog/on-bernoulli-numbers", "/@ada/contact")


@pytest.fixture
async def ada(browser_tabs):
    user = await browser_tabs.instance.register("ada")
    for resource, items in PORTFOLIO.items():
        for item in items:
            await create(user, resource, **item)
    await change_profile(
        user,
        is_public=True,
        accent="#ffd000",
        location="London",
        available_for_hire=True,
        bio="Engineer of *analytical* engines\n\nI write **programs** for machines.",
    )
    return user


async def color_of(page, selector, name):
    """Return a color of an element."""
    text = await page.evaluate(f"getComputedStyle(document.querySelector('{selector}')).{name}")
    return colors.Color(*map(int, text.removeprefix("rgb(").removesuffix(")").split(", ")))


@pytest.mark.parametrize("width", [320, 390, 1200])
async def test_no_page_is_wider_than_its_window(browser_tabs: BrowserTabs, ada, width):
    page = await browser_tabs.browser.new_page()
    await page.set_viewport(width, 800, touch=width < 500)
    for path in PATHS:
        await page.goto(f"{browser_tabs.instance.url}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.screenshot(SCREENSHOTS / f"public{path.replace('/', '-')}-{width}.png")

    assert page.errors == []  # nothing that the policy forbids is on a page


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_an_accent_is_readable_in_both_schemes(browser_tabs: BrowserTabs, ada, scheme):
    page = await browser_tabs.browser.new_page()
    await page.set_color_scheme(scheme)
    await page.goto(f"{browser_tabs.instance.url}/@ada")
    background = await color_of(page, "body", "backgroundColor")
    accent = await color_of(page, ".posts a", "color")
    button = [await color_of(page, ".button", name) for name in ("backgroundColor", "color")]
    await page.screenshot(SCREENSHOTS / f"public-{scheme}.png")

    assert (
        colors.contrast(background, colors.WHITE) < 2
        if scheme == "light"
        else colors.contrast(background, colors.BLACK) < 2
    )
    assert colors.contrast(background, accent) >= 4.5
    assert colors.contrast(*button) >= 4.5
    assert str(accent) == "#ffd000" if scheme == "dark" else str(accent) != "#ffd000"


async def test_a_theme_of_the_profile_overrides_the_browser(browser_tabs: BrowserTabs, ada):
    await change_profile(ada, theme="light")
    page = await browser_tabs.browser.new_page()
    await page.set_color_scheme("dark")
    await page.goto(f"{browser_tabs.instance.url}/@ada")

    assert await color_of(page, "body", "backgroundColor") == colors.WHITE


async def test_pages_are_printed_black_on_white_with_urls(browser_tabs: BrowserTabs, ada):
    page = await browser_tabs.browser.new_page()
    await page.goto(f"{browser_tabs.instance.url}/@ada")
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    await page.call("Emulation.setEmulatedMedia", media="print", features=features)

    assert await color_of(page, "body", "backgroundColor") == colors.WHITE
    assert await color_of(page, "body", "color") == colors.BLACK
    assert await page.evaluate("getComputedStyle(document.querySelector('.bar')).display") == "none"
    url = "getComputedStyle(document.querySelector('.contacts a'), '::after').content"
    assert "https://github.com/ada" in await page.evaluate(url)
    await page.screenshot(SCREENSHOTS / "public-print.png")


async def test_the_first_key_skips_to_the_content(browser_tabs: BrowserTabs, ada):
    page = await browser_tabs.browser.new_page()
    await page.goto(f"{browser_tabs.instance.url}/@ada")
    await page.press("Tab")
    await page.press("Enter")

    await page.wait_until("location.hash === '#main' && document.activeElement.id === 'main'")


async def test_a_message_is_sent_with_the_form(browser_tabs: BrowserTabs, ada, monkeypatch):
    page = await browser_tabs.browser.new_page()
    await page.goto(f"{browser_tabs.instance.url}/@ada/contact")
    await page.type("Grace", "#name")
    await page.type("grace@example.org", "#email")
    await page.type("Hello", "#message")

    async def send(age_s):
        at = clock.now() - timedelta(seconds=age_s)
        with monkeypatch.context() as patched:
            patched.setattr(clock, "now", lambda: at)
            stamp = FormStamps([browser_tabs.instance.settings.secret_key]).issue("contact:ada")
        await page.evaluate(f"document.querySelector('[name=stamp]').value = '{stamp}'")
        await page.click("button")

    await send(-120)
    await page.wait_for_text("Wait a few seconds")
    kept = await page.evaluate("document.querySelector('#message').value")
    await send(10)
    await page.wait_for_text("Thank you")

    assert kept == "Hello"
