"""The playground in headless Chromium: several users exchange messages through a running instance."""

from tests.browser.conftest import BrowserTabs, ChatTab

BADGES = (
    """[...document.querySelectorAll('.room[aria-label^="general"] .badge')].map((b) => b.innerText).join()"""
)


async def test_two_users_exchange_messages(browser_tabs: BrowserTabs) -> None:
    ada = await browser_tabs.open_tab("Ada")
    await ada.page.wait_for_text("Nothing here yet", ".log-frame")
    bob = await browser_tabs.open_tab("Bob")

    # Each user sees the other online.
    await ada.page.click("[aria-label=Members]")
    await ada.page.wait_until("document.querySelectorAll('.members .dot[data-status=online]').length === 2")
    await bob.select_option(".self select", "busy")
    await ada.page.wait_until("document.querySelector('.members .dot[data-status=busy]')")

    # Typing is displayed, and ends with the message.
    await bob.page.type("Hello, Ada", "#composer")
    await ada.page.wait_for_text("Bob is typing", ".typing")
    await bob.page.press("Enter")
    await ada.wait_for_messages("Hello, Ada")
    await bob.wait_for_messages("Hello, Ada")
    await ada.page.wait_until("document.querySelector('.typing').innerText === ''")
    await bob.page.wait_for_text("Seen by Ada", ".log")

    # A reaction, a reply, an edit.
    await ada.press_message_button(1, "React")
    await ada.page.click(".emoji:not([hidden]) [aria-label='React with 👍']")
    await bob.page.wait_for_text("1", ".reaction")
    await bob.page.click(".reaction")
    await ada.page.wait_until(
        "document.querySelector('.reaction[aria-pressed=true]')?.innerText.includes('2')"
    )
    await ada.press_message_button(1, "Reply")
    await ada.send("Hello yourself")
    for tab in (ada, bob):
        await tab.page.wait_for_text("Bob: Hello, Ada", ".quote")
    await bob.press_message_button(2, "Edit")
    await bob.page.evaluate("document.querySelector('.editor textarea').select()")
    await bob.page.type("Hello, dear Ada")
    await bob.page.press("Enter")
    await ada.wait_for_messages("Hello, dear Ada (edited)", "Hello yourself")
    await ada.page.wait_for_text("Bob: Hello, dear Ada", ".quote")
    await ada.screenshot("desktop-light")

    # And a deletion, with a confirmation. The read mark moves the messages.
    await ada.page.wait_for_text("Seen by Bob", ".message:last-of-type")
    await ada.press_message_button(1, "Delete")
    await ada.page.click(".actions .sure")
    for tab in (ada, bob):
        await tab.wait_for_messages("Hello, dear Ada (edited)", "This message was deleted.")
        assert len(await tab.bodies()) == 2
    assert browser_tabs.errors() == []


async def test_messages_in_another_room_are_counted(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await browser_tabs.open_tab("Bob")
    await bob.create_room("garden")
    await ada.page.click("[aria-label='Browse rooms']")
    await ada.page.click("[aria-label='Join garden']")
    await ada.page.wait_for_text("garden", ".heading h1")
    await ada.open_room("general")

    for text in ("one", "two", "and you, @bob."):
        await ada.send(text)
    await bob.page.wait_until(f"{BADGES} === '@1,3'")
    await bob.page.wait_until("document.title === '(3, 🔔 1) hubbub playground'")
    await bob.open_room("general")
    await bob.wait_for_messages("one", "two", "and you, @bob.")
    assert await bob.page.texts(".divider") == ["New"]
    assert await bob.page.texts(".message[data-named] .mention[data-own]") == ["@bob"]
    await bob.page.wait_until(f"{BADGES} === ''")
    await ada.page.wait_for_text("Seen by Bob", ".log")

    await bob.press_message_button(2, "Mark unread from here")
    await bob.open_room("garden")
    await bob.page.wait_until(f"{BADGES} === '@1,2'")
    assert browser_tabs.errors() == []


async def test_a_dropped_connection_catches_up_and_loses_nothing(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await browser_tabs.open_tab("Bob")
    await bob.send("before")
    for tab in (ada, bob):
        await tab.wait_for_messages("before")

    await bob.page.click(".strip button")
    await bob.page.wait_for_text("Offline", ".strip")
    for text in ("one", "two", "three"):
        await ada.send(text)
    await ada.wait_for_messages("before", "one", "two", "three")
    await bob.send("from the tunnel")
    await bob.page.wait_for_text("Offline, 1 message queued", ".strip")
    assert await bob.bodies() == ["before", "from the tunnel"]
    await bob.screenshot("desktop-offline")

    await bob.page.click(".strip button")
    await bob.page.wait_until(
        "/Caught up: \\d+ entries by sync in \\d+ ms/.test(document.querySelector('.strip').innerText)"
    )
    for tab in (ada, bob):
        await tab.wait_for_messages("before", "one", "two", "three", "from the tunnel")
        assert await tab.bodies() == ["before", "one", "two", "three", "from the tunnel"]
    await bob.screenshot("desktop-caught-up")
    assert browser_tabs.errors() == []


async def test_messages_written_offline_survive_a_reload(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await browser_tabs.open_tab("Bob")
    await bob.page.click(".strip button")
    await bob.page.wait_for_text("Offline", ".strip")
    await bob.send("kept")
    await bob.page.wait_for_text("1 message queued", ".strip")
    await bob.page.call("Page.reload")
    await ada.wait_for_messages("kept")
    await bob.wait_for_messages("kept")
    assert await bob.bodies() == ["kept"]


async def test_a_button_that_changes_while_it_is_pressed_is_clicked(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await browser_tabs.open_tab("Bob")
    await bob.create_room("garden")
    general = '.room[aria-label^="general"]'

    await bob.page.click(".wire summary")
    at = await bob.page.hover(general)
    press = {"button": "left", "clickCount": 1, **at}
    await bob.page.call("Input.dispatchMouseEvent", type="mousePressed", **press)
    await ada.send("meanwhile")
    await bob.page.wait_for_text("message:new", ".wire")
    assert await bob.page.texts(f"{general} .badge") == []
    await bob.page.call("Input.dispatchMouseEvent", type="mouseReleased", **press)

    await bob.page.wait_for_text("general", ".heading h1")
    await bob.wait_for_messages("meanwhile")

    # A press that never ends defers nothing for long.
    await bob.page.hover(general)
    await bob.page.call("Input.dispatchMouseEvent", type="mousePressed", **press)
    await ada.send("and later")
    await bob.wait_for_messages("meanwhile", "and later")
    assert browser_tabs.errors() == []


async def test_a_question_and_a_choice_stay_when_others_change_the_message(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await browser_tabs.open_tab("Bob")
    await ada.send("Hello")
    for tab in (ada, bob):
        await tab.wait_for_messages("Hello")
    await ada.page.wait_for_text("Seen by Bob", ".log")
    await ada.press_message_button(1, "React")
    await ada.page.wait_until("document.activeElement.closest('.emoji')")
    await ada.press_message_button(1, "Delete")

    await bob.press_message_button(1, "React")
    await bob.page.click(".emoji:not([hidden]) [aria-label='React with 👍']")
    await ada.page.wait_for_text("1", ".reaction")

    assert await ada.page.texts(".actions .sure") == ["Delete?"]
    assert await ada.page.evaluate("document.querySelector('.emoji').hidden") is False
    await ada.page.click(".actions .sure")
    for tab in (ada, bob):
        await tab.wait_for_messages("This message was deleted.")
    assert browser_tabs.errors() == []


async def test_all_functions_work_by_keyboard(browser_tabs: BrowserTabs) -> None:
    ada = ChatTab(await browser_tabs.browser.new_page(), "Ada")
    browser_tabs.tabs.append(ada)
    page = ada.page
    await page.goto(f"{browser_tabs.instance.url}/")
    for value in ("Ada", "ada", "ada@example.org", "correct horse battery"):
        await page.type(value)
        await page.press("Tab")
    await page.press("Enter")
    await page.wait_for_text("general", ".heading h1")

    # The box has the focus: Enter sends, Shift+Enter breaks the line, Up edits.
    await page.wait_until("document.activeElement.id === 'composer'")
    await page.type("first line")
    await page.press("Enter", shift=True)
    await page.type("second line")
    await page.press("Enter")
    await ada.wait_for_messages("first line\nsecond line")
    await page.press("ArrowUp")
    await page.wait_until("document.activeElement.closest('.editor')")
    await page.press("Escape")
    await page.wait_until("document.activeElement.id === 'composer' && !document.querySelector('.editor')")

    # Backwards from the box come the messages, one stop for all of them, with their buttons within reach.
    await page.evaluate("document.querySelector('.message[tabindex=\"0\"]').focus()")
    await page.press("Tab")
    assert await page.evaluate("document.activeElement.getAttribute('aria-label')") == "React"
    await page.press("Enter")
    await page.wait_until("document.activeElement.closest('.emoji')")
    await page.press("Enter")
    await page.wait_for_text("👍", ".reactions")

    # A dialog takes the focus and Esc returns it. Arrow keys move between rooms.
    await page.evaluate("document.querySelector('[aria-label=\"New room\"]').focus()")
    await page.press("Enter")
    await page.wait_until("document.activeElement.closest('dialog')")
    await page.press("Escape")
    await page.wait_until(
        "document.activeElement.ariaLabel === 'New room' && !document.querySelector('dialog')"
    )
    await page.press("Enter")
    await page.type("attic")
    await page.press("Enter")
    await page.wait_for_text("attic", ".heading h1")
    await page.evaluate("document.querySelector('.room[aria-current]').focus()")
    await page.press("ArrowDown")
    await page.press("Enter")
    await page.wait_for_text("general", ".heading h1")
    assert browser_tabs.errors() == []


async def test_the_page_fits_a_phone_in_dark_mode(browser_tabs: BrowserTabs) -> None:
    ada = await browser_tabs.open_tab("Ada", width=390, height=780, touch=True, dark=True)
    await ada.send("Written with a thumb")
    await ada.wait_for_messages("Written with a thumb")
    assert await ada.page.evaluate("document.documentElement.scrollWidth") == 390
    await ada.screenshot("phone-dark")
    assert not await ada.page.evaluate(
        "document.querySelector('.sidebar').checkVisibility({ visibilityProperty: true })"
    )
    await ada.page.click("button.menu")
    await ada.page.wait_until("document.activeElement.matches('.room')")
    await ada.screenshot("phone-dark-rooms")
    await ada.page.press("Escape")
    await ada.page.wait_until(
        "!document.querySelector('.sidebar').checkVisibility({ visibilityProperty: true })"
    )
    await ada.page.click("[aria-label=Members]")
    await ada.page.wait_for_text("@ada · online", ".panel")
    assert await ada.page.evaluate("getComputedStyle(document.body).colorScheme !== 'light'")
    assert browser_tabs.errors() == []


async def test_the_theme_can_be_switched(browser_tabs: BrowserTabs) -> None:
    ada = await browser_tabs.open_tab("Ada", dark=True)
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = await ada.page.evaluate(paper)
    await ada.page.click("[aria-label='Switch between light and dark']")
    light = await ada.page.evaluate(paper)
    assert dark != light
    await ada.page.call("Page.reload")
    await ada.page.wait_for_text("Connected", ".strip")
    assert await ada.page.evaluate(paper) == light


async def test_user_text_is_never_interpreted_as_html(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await browser_tabs.open_tab("Bob")
    texts = [
        '<img src=x onerror="document.title=1">',
        "`<b>code</b>` &amp;",
        "javascript:alert(1) https://example.org/a?b=c.",
    ]
    for text in texts:
        await ada.send(text)
    await bob.wait_for_messages(texts[0], "<b>code</b> &amp;", texts[2])
    assert await bob.page.evaluate("[...document.querySelectorAll('.body a')].map((a) => a.href)") == [
        "https://example.org/a?b=c"
    ]
    assert await bob.page.texts(".body code") == ["<b>code</b>"]
    assert await bob.page.evaluate("document.querySelectorAll('.log img, .log b').length") == 0
    assert browser_tabs.errors() == []


async def test_direct_messages_are_delivered(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await browser_tabs.open_tab("Bob")
    await ada.page.click("[aria-label='New direct message']")
    await ada.page.click("dialog .person")
    await ada.page.wait_for_text("Bob", ".heading h1")
    await ada.send("Just between us")
    await bob.page.wait_until("document.querySelector('.room[aria-label=\"Ada, 1 unread\"]')")
    await bob.open_room("Ada")
    await bob.wait_for_messages("Just between us")
    await ada.page.wait_for_text("Seen", ".seen")
    assert browser_tabs.errors() == []


async def test_history_is_paged_and_search_results_open_in_it(browser_tabs: BrowserTabs) -> None:
    carl = await (await browser_tabs.instance.register("carl")).connect_client()
    room_id = carl.ready["rooms"][0]["id"]
    await carl.send(room_id, "The needle is here")
    for number in range(120):
        await carl.send(room_id, f"hay {number}")
    ada = await browser_tabs.open_tab("Ada")
    await ada.page.wait_for_text("hay 119", ".log")
    assert await ada.bodies() == [f"hay {number}" for number in range(70, 120)]

    await ada.page.click("[aria-label=Search]")
    await ada.page.type("need")
    await ada.page.press("Enter")
    await ada.page.click(".result")
    await ada.page.wait_until("document.activeElement.matches('.message.found')")
    assert await ada.bodies() == ["The needle is here", *(f"hay {number}" for number in range(49))]
    assert browser_tabs.errors() == []


async def test_members_are_invited_given_roles_and_removed(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await browser_tabs.open_tab("Bob")
    await ada.page.click("[aria-label='New room']")
    await ada.select_option("dialog select", "private")
    await ada.page.type("attic", "dialog input")
    await ada.page.press("Enter")
    await ada.page.wait_for_text("attic", ".heading h1")
    await ada.page.click("[aria-label=Members]")
    await ada.page.wait_until("document.querySelector('.tools button')?.innerText === 'Invite'")
    await ada.page.click(".tools button")
    await ada.page.click("dialog .person")
    await bob.open_room("attic")
    await bob.page.click("[aria-label=Members]")
    await ada.select_option("[aria-label='Role of Bob']", "moderator")
    await bob.page.wait_for_text("Bob is moderator now", ".log")
    await bob.page.wait_until("document.querySelector('.tools button').innerText === 'Invite'")
    await ada.page.click("[aria-label='Remove Bob']")
    await ada.page.click(".members .sure")
    await bob.page.wait_for_text("You are no longer in attic.", "#toasts")
    await bob.page.wait_until("!document.querySelector('.room[aria-label=attic]')")
    await ada.page.wait_for_text("Bob left", ".log")
    assert browser_tabs.errors() == []
