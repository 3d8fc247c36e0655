"""The driver of the test browser."""

import asyncio

from tests.support.browser import launch_browser


async def test_a_wait_continues_in_the_next_document() -> None:
    async with launch_browser() as started:
        page = await started.new_page()
        waiting = asyncio.ensure_future(page.wait_for_text("the second document"))
        await asyncio.sleep(0)
        assert await page.evaluate("document.title") == ""  # by now Chromium waits in the first document

        await page.goto("data:text/html,the second document")

        await waiting
