"""The page of the API document."""

from tests.browser.conftest import SCREENSHOTS, Town


async def test_the_reference_shows_every_operation_and_needs_no_other_host(town: Town) -> None:
    page = await town.browser.page()
    await page.goto(f"{town.world.url}/api/docs")
    await page.until("document.querySelectorAll('.opblock').length > 20")
    await page.shows("Send a message", "#reference")
    await page.picture(SCREENSHOTS / "reference.png")
    assert page.problems == []
