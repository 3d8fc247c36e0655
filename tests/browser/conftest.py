"""A browser with one tab for each user, in front of a running instance."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from hubbub.config import Settings
from hubbub.http import playground
from tests.support.browser import Browser, Page, launch_browser
from tests.support.live_instance import LiveInstance

SCREENSHOTS = Path(__file__).parents[1] / "shots"


class ChatTab:
    """A browser tab and its user."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.name = name

    async def register(self, url: str) -> None:
        """Fill in the form and wait for the first room."""
        await self.page.goto(f"{url}/")
        fields = {
            "name": self.name,
            "username": self.name.lower(),
            "email": f"{self.name.lower()}@example.org",
            "password": "correct horse battery",
        }
        for field, value in fields.items():
            await self.page.type(value, f"[name={field}]")
        await self.page.press("Enter")
        await self.page.wait_for_text("Connected", ".strip")
        await self.page.wait_for_text("general", ".heading h1")

    async def send(self, text: str) -> None:
        """Write into the box and press Enter."""
        await self.page.type(text, "#composer")
        await self.page.press("Enter")

    async def wait_for_messages(self, *bodies: str) -> None:
        """Wait until the log ends with these messages, all of them stored, in this order."""
        bodies_script = (
            "[...document.querySelectorAll('.message:not(.pending) .body')].map((each) => each.innerText)"
        )
        expected = json.dumps(list(bodies))
        await self.page.wait_until(
            f"JSON.stringify({bodies_script}.slice(-{len(bodies)})) === JSON.stringify({expected})"
        )

    async def bodies(self) -> list[str]:
        """Every displayed message, oldest first."""
        return await self.page.texts(".message .body")

    async def open_room(self, room: str) -> None:
        """Choose a room on the left."""
        await self.page.click(f'.room[aria-label^="{room}"]')
        await self.page.wait_for_text(room, ".heading h1")

    async def create_room(self, name: str) -> None:
        """Create a public room, which is opened."""
        await self.page.click("[aria-label='New room']")
        await self.page.type(name, "dialog input")
        await self.page.press("Enter")
        await self.page.wait_for_text(name, ".heading h1")

    async def select_option(self, selector: str, value: str) -> None:
        """Choose from a list, as its own menu would."""
        element = f"document.querySelector({json.dumps(selector)})"
        await self.page.wait_until(element)
        await self.page.evaluate(
            f"{element}.value = {json.dumps(value)}; {element}.dispatchEvent(new Event('change'))"
        )

    async def press_message_button(self, nth_from_end: int, button: str) -> None:
        """Point at a message and press one of its buttons, also when it is drawn again meanwhile."""
        message_id = await self.page.wait_until(
            f"[...document.querySelectorAll('.message[data-seq]')].at(-{nth_from_end})?.id"
        )
        await self.page.hover(f"#{message_id} .content")
        await self.page.click(f'#{message_id} [aria-label="{button}"]')

    async def wait_until_stored(self) -> None:
        """Wait for the ack and the entry of the message that this tab has sent: each draws it anew."""
        frames = "[...document.querySelectorAll('.frame')]"
        for way, event in (("ack", "message:send"), ("in", "message:new")):
            await self.page.wait_until(
                f"{frames}.some((each) => each.dataset.way === '{way}'"
                f" && each.querySelector('b').textContent === '{event}')"
            )

    async def screenshot(self, name: str) -> None:
        """Keep what the page looks like."""
        await self.page.screenshot(SCREENSHOTS / f"{name}.png")


class BrowserTabs:
    """The instance and its browser tabs."""

    def __init__(self, instance: LiveInstance, browser: Browser) -> None:
        self.instance = instance
        self.browser = browser
        self.tabs: list[ChatTab] = []

    async def open_tab(self, name: str, **viewport: Any) -> ChatTab:
        """Register a new user in a new tab. The earlier tabs, which display `general`, have received that."""
        tab = ChatTab(await self.browser.new_page(**viewport), name)
        await tab.register(self.instance.url)
        for earlier in self.tabs:
            await earlier.page.wait_for_text(f"{name} joined", ".log")
        self.tabs.append(tab)
        return tab

    def errors(self) -> list[str]:
        """Errors and warnings of all consoles, broken content policies among them."""
        return [f"{tab.name}: {problem}" for tab in self.tabs for problem in tab.page.errors]


@pytest.fixture
def database_kind() -> str:
    """The page does not depend on the database."""
    return "sqlite"


@pytest.fixture
def settings(settings: Any) -> Any:
    return settings.model_copy(update={"playground": True, "limit_message_send": None})


@pytest.fixture
async def browser_tabs(instance: LiveInstance) -> AsyncIterator[BrowserTabs]:
    """An instance and a browser without open tabs."""
    async with launch_browser() as chromium:
        yield BrowserTabs(instance, chromium)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    """The playground without an instance behind it, for tests of its modules; one for a file."""
    app = web.Application()
    app.add_routes(playground.routes(Settings.for_tests()))
    async with TestServer(app) as server, launch_browser() as chromium:
        page = await chromium.new_page()
        await page.goto(str(server.make_url("/")))
        yield page
