"""The playground's bell: the count, the list, reading here and elsewhere, reconnects."""

import json
from typing import Any

import pytest

from tests.browser.conftest import BrowserTabs, ChatTab
from tests.browser.test_navigation import MANY, VIEW, bob_client, device_of, room_of

MARKUP = "<img src=x onerror=alert(1)> שלום"
ROWS = ".notifications .notification"


async def wait_for_count(tab: ChatTab, count: str) -> None:
    """Wait until the bell displays a count; an empty one is hidden."""
    shown = "document.querySelector('.bell .badge:not([hidden])')?.innerText ?? ''"
    await tab.page.wait_until(f"({shown}) === {json.dumps(count)}")


@pytest.mark.parametrize(
    "shape",
    [{}, {"width": 390, "height": 844, "touch": True, "dark": True}],
    ids=["desktop", "phone"],
)
async def test_a_mention_is_counted_and_opens_its_message(
    browser_tabs: BrowserTabs, shape: dict[str, Any]
) -> None:
    ada = await browser_tabs.open_tab("Ada", **shape)
    bob = await bob_client(browser_tabs)
    if shape:
        await ada.page.click(".heading .menu")
    await ada.create_room("elsewhere")
    general = (await room_of(bob, "general"))["id"]
    target = await bob.send(general, f"@ada {MARKUP}")
    for number in range(MANY):
        await bob.send(general, f"number {number}")
    await bob.send(general, "@ada again")

    await wait_for_count(ada, "2")
    await ada.page.wait_until(f"document.title === '({MANY + 2}, 🔔 2) hubbub playground'")
    assert await ada.page.evaluate("document.querySelector('.bell').ariaLabel") == "Notifications, 2 unread"
    await ada.page.wait_for_text("mentioned you in general", "#live")

    # The keyboard opens and closes the list. The focus moves into it, and back to the bell.
    await ada.page.evaluate("document.querySelector('.bell').focus()")
    await ada.page.press("Enter")
    await ada.page.wait_until("document.activeElement.closest('.panel')")
    assert await ada.page.evaluate("document.querySelector('.bell').ariaExpanded") == "true"
    await ada.page.press("Escape")
    await ada.page.wait_until("document.activeElement.matches('.bell[aria-expanded=false]')")
    await ada.page.press("Enter")
    await ada.page.wait_until(f"document.querySelectorAll('{ROWS}').length === 2")
    texts = await ada.page.texts(f"{ROWS} .text")
    assert texts == ["@ada again", f"@ada {MARKUP}"]
    assert await ada.page.evaluate(f"document.querySelectorAll('{ROWS} img').length") == 0
    undirected = (
        f"""[...document.querySelectorAll('{ROWS} :is(strong, .text)')].filter((it) => it.dir !== 'auto')"""
    )
    assert await ada.page.evaluate(f"{undirected}.length") == 0
    assert await ada.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await ada.screenshot(f"bell-{'phone' if shape else 'desktop'}")

    await ada.page.click(".notifications li:last-child .notification")
    await ada.page.wait_until(f"document.activeElement.id === 'm-{target['id']}'")
    assert target["seq"] in await ada.page.evaluate(VIEW)
    await wait_for_count(ada, "1")
    assert not await ada.page.evaluate("document.querySelector('.panel').checkVisibility()")
    assert browser_tabs.errors() == []


async def test_notifications_are_marked_as_read_here_and_on_another_device(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await bob_client(browser_tabs)
    inbox = await device_of(browser_tabs, ada, "/notifications")
    await ada.create_room("elsewhere")
    general = (await room_of(bob, "general"))["id"]
    for number in range(3):
        await bob.send(general, f"@ada {number}")
    await wait_for_count(ada, "3")
    await ada.page.click(".bell")

    await ada.page.wait_until(f"document.querySelectorAll('{ROWS}').length === 3")
    await ada.page.evaluate("document.querySelector('[aria-label=\"Mark as read\"]').focus()")
    await ada.page.press("Enter")
    await wait_for_count(ada, "2")
    await ada.page.wait_until(f"document.activeElement === document.querySelector('{ROWS}')")
    assert (await inbox.next_event("notification:read"))["unread"] == 2

    oldest = (await inbox.call("notification:list"))["notifications"][-1]
    await inbox.call("notification:read", id=oldest["id"])
    await wait_for_count(ada, "1")
    await ada.page.wait_until(
        "!document.querySelector('.notifications li:last-child').matches('[data-unread]')"
    )

    await ada.page.click(".panel .tools button:not([disabled])")
    await wait_for_count(ada, "")
    assert await ada.page.evaluate("document.querySelectorAll('.notifications [data-unread]').length") == 0
    assert (await inbox.call("notification:list"))["unread"] == 0
    assert browser_tabs.errors() == []


async def test_what_happened_during_a_disconnect_is_displayed_afterwards(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await bob_client(browser_tabs)
    inbox = await device_of(browser_tabs, ada, "/notifications")
    await ada.create_room("elsewhere")
    general = (await room_of(bob, "general"))["id"]
    await bob.send(general, "@ada before")
    await wait_for_count(ada, "1")
    await ada.page.click(".bell")
    await ada.page.wait_for_text("@ada before", ".notifications")
    first = await inbox.next_event("notification:new")

    # One is read and two arrive: only their sum is in the count.
    await ada.page.click(".strip button")
    await ada.page.wait_for_text("Offline", ".strip")
    await inbox.call("notification:read", id=first["notification"]["id"])
    for number in range(2):
        await bob.send(general, f"@ada missed {number}")
        await inbox.next_event("notification:new")
    await ada.page.click(".strip button")

    await wait_for_count(ada, "2")
    await ada.page.wait_until("document.querySelectorAll('.notifications [data-unread]').length === 2")
    assert await ada.page.texts(f"{ROWS} .text") == ["@ada missed 1", "@ada missed 0", "@ada before"]
    await bob.send(general, "@ada after")
    await wait_for_count(ada, "3")
    assert browser_tabs.errors() == []
