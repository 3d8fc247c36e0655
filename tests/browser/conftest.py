"""A browser with people in it, each on a page of their own, in front of a running instance."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from hubbub.http import playground
from tests.support.browser import Browser, Page, browser
from tests.support.world import World

SCREENSHOTS = Path(__file__).parents[1] / "shots"


class Tab:
    """A page and the person at it."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.name = name

    async def register(self, url: str) -> None:
        """Fill in the form and wait for the first room."""
        await self.page.goto(f"{url}/")
        given = {
            "name": self.name,
            "username": self.name.lower(),
            "email": f"{self.name.lower()}@example.org",
            "password": "correct horse battery",
        }
        for field, value in given.items():
            await self.page.type(value, f"[name={field}]")
        await self.page.press("Enter")
        await self.page.shows("Connected", ".strip")
        await self.page.shows("general", ".heading h1")

    async def say(self, text: str) -> None:
        """Write into the box and press Enter."""
        await self.page.type(text, "#composer")
        await self.page.press("Enter")

    async def sees(self, *bodies: str) -> None:
        """Wait until the log ends with these messages, all of them stored, in this order."""
        shown = "[...document.querySelectorAll('.message:not(.pending) .body')].map((each) => each.innerText)"
        wanted = json.dumps(list(bodies))
        await self.page.until(f"JSON.stringify({shown}.slice(-{len(bodies)})) === JSON.stringify({wanted})")

    async def bodies(self) -> list[str]:
        """Every message shown, oldest first."""
        return await self.page.texts(".message .body")

    async def open(self, room: str) -> None:
        """Choose a room on the left."""
        await self.page.click(f'.room[aria-label^="{room}"]')
        await self.page.shows(room, ".heading h1")

    async def choose(self, selector: str, value: str) -> None:
        """Choose from a list, as its own menu would."""
        found = f"document.querySelector({json.dumps(selector)})"
        await self.page.until(found)
        await self.page.run(
            f"{found}.value = {json.dumps(value)}; {found}.dispatchEvent(new Event('change'))"
        )

    async def act(self, nth_from_end: int, button: str) -> None:
        """Point at a message and press one of its buttons."""
        mark = f"pointed-{button}".replace(" ", "-")
        await self.page.run(
            f"[...document.querySelectorAll('.message')].at(-{nth_from_end}).dataset.test = '{mark}'"
        )
        await self.page.hover(f'[data-test="{mark}"] .content')
        await self.page.click(f'[data-test="{mark}"] [aria-label="{button}"]')
        await self.page.run(
            "for (const each of document.querySelectorAll('[data-test]')) delete each.dataset.test"
        )

    async def picture(self, name: str) -> None:
        """Keep what the page looks like."""
        await self.page.picture(SCREENSHOTS / f"{name}.png")


class Town:
    """The instance and the pages that look at it."""

    def __init__(self, world: World, browser: Browser) -> None:
        self.world = world
        self.browser = browser
        self.tabs: list[Tab] = []

    async def come(self, name: str, **shape: Any) -> Tab:
        """Somebody new, at a page of their own."""
        tab = Tab(await self.browser.page(**shape), name)
        self.tabs.append(tab)
        await tab.register(self.world.url)
        return tab

    def problems(self) -> list[str]:
        """Errors and warnings of all consoles, broken content policies among them."""
        return [f"{tab.name}: {problem}" for tab in self.tabs for problem in tab.page.problems]


@pytest.fixture
def database_kind() -> str:
    """What the page shows does not depend on the database."""
    return "sqlite"


@pytest.fixture
def settings(settings: Any) -> Any:
    return settings.model_copy(update={"playground": True, "limit_message_send": None})


@pytest.fixture
async def town(world: World) -> AsyncIterator[Town]:
    """An instance and a browser, without anybody yet."""
    async with browser() as made:
        yield Town(world, made)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    """The playground without an instance behind it, for tests of its modules; one for a file."""
    app = web.Application()
    app.add_routes(playground.routes())
    async with TestServer(app) as server, browser() as made:
        page = await made.page()
        await page.goto(str(server.make_url("/")))
        yield page
