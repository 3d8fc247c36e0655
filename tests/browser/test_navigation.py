"""The playground: read marks, URLs of rooms and messages, drafts, directions of text."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.browser.conftest import BrowserTabs, ChatTab
from tests.support.live_instance import Client

MANY = 121
OPEN = "document.querySelector('.heading h1').innerText"
# The seqs of messages whose end is visible.
VIEW = """(() => {
  const edge = document.querySelector('.scroller').getBoundingClientRect();
  return [...document.querySelectorAll('.message[data-seq]')].filter((each) => {
    const { top, bottom } = each.getBoundingClientRect();
    return bottom <= edge.bottom + 1 && bottom > edge.top;
  }).map((each) => Number(each.dataset.seq));
})()"""


async def room_of(client: Client, name: str) -> dict[str, Any]:
    rooms = (await client.call("room:list", limit=100))["rooms"]
    found: dict[str, Any] = next(room for room in rooms if room["name"] == name)
    return found


async def bob_client(browser_tabs: BrowserTabs) -> Client:
    """Connect a user without a tab who is a member of `general`."""
    return await (await browser_tabs.instance.register("bob")).connect_client()


async def device_of(browser_tabs: BrowserTabs, tab: ChatTab, namespace: str = "/chat") -> Client:
    """Connect another client of the tab's user, to inspect the state of the server."""
    token = await tab.page.evaluate("JSON.parse(sessionStorage.getItem('hubbub:session')).access_token")
    client = Client(browser_tabs.instance.url, {"token": token}, ["websocket"], namespace)
    browser_tabs.instance.clients.append(client)
    return await client.connect()


async def send_many(bob: Client, room_id: str, ada: ChatTab) -> list[dict[str, Any]]:
    """Send MANY messages to a room that the tab does not display; return once the tab counts all of them."""
    sent = [await bob.send(room_id, f"number {number}") for number in range(MANY)]
    await ada.page.wait_until(f"document.title === '({MANY}) hubbub playground'")
    return sent


@pytest.mark.parametrize("shape", [{}, {"width": 390, "height": 844}], ids=["desktop", "phone"])
async def test_a_room_opens_at_the_first_unread_message_and_marks_visible_ones_read(
    browser_tabs: BrowserTabs, shape: dict[str, int]
) -> None:
    ada = await browser_tabs.open_tab("Ada", **shape)
    bob = await bob_client(browser_tabs)
    watcher = await device_of(browser_tabs, ada)
    if shape:
        await ada.page.click(".heading .menu")
    await ada.create_room("elsewhere")
    general = await room_of(bob, "general")
    sent = await send_many(bob, general["id"], ada)

    if shape:
        await ada.page.click(".heading .menu")
    await ada.open_room("general")
    await ada.page.wait_until(f"{VIEW}.includes({sent[0]['seq']})")
    read = await watcher.next_event("read", lambda it: it["room_id"] == general["id"])
    await watcher.synchronize()
    in_view = await ada.page.evaluate(VIEW)
    marks = [it["seq"] for name, it in watcher.events if name == "read"]

    assert await ada.page.texts(".divider") == ["New"]
    assert read["unread"] > MANY // 2
    assert max(marks) <= max(in_view) < sent[50]["seq"]
    await ada.screenshot(f"first-unread-{'phone' if shape else 'desktop'}")

    # The newest are displayed. Those between stay unread until they are marked as read.
    await ada.page.click(".down")
    await ada.page.wait_until(f"{VIEW}.includes({sent[-1]['seq']})")
    await ada.page.wait_for_text("unread", ".unread-bar:not([hidden])")
    await watcher.synchronize()
    assert (await room_of(watcher, "general"))["my"]["unread"] > MANY // 2
    await ada.page.click(".unread-bar button")
    await watcher.next_event("read", lambda it: it["unread"] == 0)
    assert browser_tabs.errors() == []


async def test_scrolling_through_reads_everything_with_few_requests(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await bob_client(browser_tabs)
    watcher = await device_of(browser_tabs, ada)
    await ada.create_room("elsewhere")
    general = await room_of(bob, "general")
    sent = await send_many(bob, general["id"], ada)
    await ada.open_room("general")
    await ada.page.wait_until(f"{VIEW}.includes({sent[0]['seq']})")

    await ada.page.evaluate(
        "window.scrolling = setInterval(() => { document.querySelector('.scroller').scrollTop += 120; }, 16)"
    )
    await watcher.next_event("read", lambda it: it["unread"] == 0, 20.0)
    await ada.page.evaluate("clearInterval(window.scrolling)")

    marks = [it["seq"] for name, it in watcher.events if name == "read"]
    assert marks == sorted(marks)
    assert len(marks) < 30
    assert await ada.page.evaluate(f"{VIEW}.includes({sent[-1]['seq']})")
    bodies = await ada.page.texts(".message .body")
    assert bodies == [f"number {number}" for number in range(MANY)]


async def test_a_room_url_opens_the_room_again(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await bob_client(browser_tabs)
    general = await room_of(bob, "general")
    await ada.create_room("first")
    await ada.create_room("second")
    await ada.page.type("not sent yet", "#composer")

    await ada.page.call("Page.reload")
    await ada.page.wait_for_text("Connected", ".strip")
    await ada.page.wait_for_text("second", ".heading h1")
    assert await ada.page.evaluate("document.querySelector('#composer').value") == "not sent yet"
    await ada.page.evaluate("history.back()")
    await ada.page.wait_for_text("first", ".heading h1")
    assert await ada.page.evaluate("document.querySelector('#composer').value") == ""
    await ada.page.evaluate("history.back()")
    await ada.page.wait_for_text("general", ".heading h1")
    assert await ada.page.evaluate("location.hash") == f"#room={general['id']}"
    await ada.page.evaluate("history.forward()")
    await ada.page.wait_for_text("first", ".heading h1")
    await ada.open_room("second")
    assert await ada.page.evaluate("document.querySelector('#composer').value") == "not sent yet"


async def test_a_message_has_a_url(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await bob_client(browser_tabs)
    general = await room_of(bob, "general")
    sent = [await bob.send(general["id"], f"number {number}") for number in range(MANY)]
    await ada.wait_for_messages(f"number {MANY - 1}")
    target = sent[20]
    await ada.create_room("elsewhere")

    await ada.page.evaluate(f"location.hash = '#room={general['id']}&message={target['seq']}'")
    await ada.page.call("Page.reload")
    await ada.page.wait_until(f"document.activeElement.id === 'm-{target['id']}'")
    assert target["seq"] in await ada.page.evaluate(VIEW)
    asked = await ada.page.texts(".message .body")
    assert len(asked) <= 60

    # Down from there without a gap, and a new message is displayed at the end.
    await ada.page.wait_until(
        "(document.querySelector('.scroller').scrollTop += 400, document.querySelector('.down').hidden)"
    )
    bodies = await ada.page.texts(".message .body")
    assert bodies == [f"number {number}" for number in range(MANY)][-len(bodies) :]
    await ada.page.evaluate(f"location.hash = '#room={general['id']}&message={sent[2]['seq']}'")
    await ada.page.wait_until(f"document.activeElement.id === 'm-{sent[2]['id']}'")
    await ada.send("and here I am")
    await ada.wait_for_messages(f"number {MANY - 1}", "and here I am")

    await ada.page.evaluate(f"location.hash = '#room={uuid4()}'")
    await ada.page.wait_for_text("You are not a member of that room.", "#toasts")
    assert browser_tabs.errors() == []


HEBREW = "שלום עולם, this is mixed"


async def test_text_of_users_has_its_own_direction(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await bob_client(browser_tabs)
    made = (await bob.call("room:create", kind="public", name="חדר", topic=HEBREW))["room"]
    await bob.call(
        "room:invite", room_id=made["id"], user_id=(await device_of(browser_tabs, ada)).ready["user"]["id"]
    )
    await ada.open_room("חדר")
    first = await bob.send(made["id"], HEBREW)
    await bob.send(made["id"], "left to right", reply_to=first["id"])
    await ada.wait_for_messages(HEBREW, "left to right")
    await ada.page.type(HEBREW, "#composer")

    directions = await ada.page.evaluate(
        """Object.fromEntries(['.heading h1', '.heading .topic', '.room[aria-current] .name', '#composer',
        '.message .body', '.message:last-of-type .body', '.message header strong'].map((each) =>
        [each, getComputedStyle(document.querySelector(each)).direction]))"""
    )

    assert directions == {
        ".heading h1": "rtl",
        ".heading .topic": "ltr",  # it begins with the count of members
        ".room[aria-current] .name": "rtl",
        "#composer": "rtl",
        ".message .body": "rtl",
        ".message:last-of-type .body": "ltr",
        ".message header strong": "ltr",
    }
    assert await ada.page.evaluate("document.querySelector('.quote bdi:last-child').matches(':dir(rtl)')")
    unset = await ada.page.evaluate(
        """[...document.querySelectorAll('input:not([type=checkbox], [type=file]), textarea')]
        .filter((each) => each.dir !== 'auto').map((each) => each.outerHTML)"""
    )
    assert unset == []
    await ada.screenshot("right-to-left")
    assert json.loads(await ada.page.evaluate("sessionStorage.getItem('hubbub:drafts')")) == {
        made["id"]: HEBREW
    }
