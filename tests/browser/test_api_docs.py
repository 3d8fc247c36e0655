"""The page of the API document."""

from tests.browser.conftest import SCREENSHOTS, BrowserTabs


async def test_the_reference_shows_every_operation_and_loads_from_no_other_host(
    browser_tabs: BrowserTabs,
) -> None:
    page = await browser_tabs.browser.new_page()
    await page.goto(f"{browser_tabs.instance.url}/api/docs")
    await page.wait_until("document.querySelectorAll('.opblock-tag').length > 20")
    await page.click("#operations-tag-messages")
    await page.wait_for_text("Send a message", "#reference")
    await page.screenshot(SCREENSHOTS / "reference.png")
    assert page.errors == []
