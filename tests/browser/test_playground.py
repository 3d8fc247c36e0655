"""The playground in headless Chromium: people at their pages, talking through a running instance."""

from tests.browser.conftest import Tab, Town

BADGES = (
    """[...document.querySelectorAll('.room[aria-label^="general"] .badge')].map((b) => b.innerText).join()"""
)


async def test_two_people_talk(town: Town) -> None:
    ada = await town.come("Ada")
    await ada.page.shows("Nothing here yet", ".log-frame")
    bob = await town.come("Bob")

    # Each knows that the other is there.
    await ada.page.shows("Bob joined", ".log")
    await ada.page.click("[aria-label=Members]")
    await ada.page.until("document.querySelectorAll('.members .dot[data-status=online]').length === 2")
    await bob.choose(".self select", "busy")
    await ada.page.until("document.querySelector('.members .dot[data-status=busy]')")

    # Typing is seen, and gone with the message.
    await bob.page.type("Hello, Ada", "#composer")
    await ada.page.shows("Bob is typing", ".typing")
    await bob.page.press("Enter")
    await ada.sees("Hello, Ada")
    await bob.sees("Hello, Ada")
    await ada.page.until("document.querySelector('.typing').innerText === ''")
    await bob.page.shows("Seen by Ada", ".log")

    # A reaction, an answer, an edit.
    await ada.act(1, "React")
    await ada.page.click(".emoji:not([hidden]) [aria-label='React with 👍']")
    await bob.page.shows("1", ".reaction")
    await bob.page.click(".reaction")
    await ada.page.until("document.querySelector('.reaction[aria-pressed=true]')?.innerText.includes('2')")
    await ada.act(1, "Reply")
    await ada.say("Hello yourself")
    await bob.page.shows("Bob: Hello, Ada", ".quote")
    await bob.act(2, "Edit")
    await bob.page.run("document.querySelector('.editor textarea').select()")
    await bob.page.type("Hello, dear Ada")
    await bob.page.press("Enter")
    await ada.sees("Hello, dear Ada (edited)", "Hello yourself")
    await ada.page.shows("Bob: Hello, dear Ada", ".quote")
    await ada.picture("desktop-light")

    # And a delete, asked for twice.
    await ada.act(1, "Delete")
    await ada.page.click(".actions .sure")
    await bob.sees("Hello, dear Ada (edited)", "This message was deleted.")
    assert await ada.bodies() == await bob.bodies()
    assert town.problems() == []


async def test_what_happens_in_another_room_is_counted(town: Town) -> None:
    ada, bob = await town.come("Ada"), await town.come("Bob")
    await bob.page.click("[aria-label='New room']")
    await bob.page.type("garden", "dialog input")
    await bob.page.press("Enter")
    await bob.page.shows("garden", ".heading h1")
    await ada.page.click("[aria-label='Browse rooms']")
    await ada.page.click("[aria-label='Join garden']")
    await ada.page.shows("garden", ".heading h1")
    await ada.open("general")

    for text in ("one", "two", "and you, @bob."):
        await ada.say(text)
    await bob.page.until(f"{BADGES} === '@1,3'")
    assert await bob.page.run("document.title") == "(3) hubbub playground"
    await bob.open("general")
    await bob.sees("one", "two", "and you, @bob.")
    assert await bob.page.texts(".divider") == ["New"]
    assert await bob.page.texts(".message[data-named] .mention[data-own]") == ["@bob"]
    await bob.page.until(f"{BADGES} === ''")
    await ada.page.shows("Seen by Bob", ".log")

    await bob.act(2, "Mark unread from here")
    await bob.open("garden")
    await bob.page.until(f"{BADGES} === '@1,2'")
    assert town.problems() == []


async def test_a_dropped_connection_catches_up_and_loses_nothing(town: Town) -> None:
    ada, bob = await town.come("Ada"), await town.come("Bob")
    await bob.say("before")
    await ada.sees("before")

    await bob.page.click(".strip button")
    await bob.page.shows("Offline", ".strip")
    for text in ("one", "two", "three"):
        await ada.say(text)
    await ada.sees("before", "one", "two", "three")
    await bob.say("from the tunnel")
    await bob.page.shows("Offline, 1 message queued", ".strip")
    assert await bob.bodies() == ["before", "from the tunnel"]
    await bob.picture("desktop-offline")

    await bob.page.click(".strip button")
    await bob.page.until(
        "/Caught up: \\d+ entries by sync in \\d+ ms/.test(document.querySelector('.strip').innerText)"
    )
    for tab in (ada, bob):
        await tab.sees("before", "one", "two", "three", "from the tunnel")
        assert await tab.bodies() == ["before", "one", "two", "three", "from the tunnel"]
    await bob.picture("desktop-caught-up")
    assert town.problems() == []


async def test_messages_written_offline_survive_a_reload(town: Town) -> None:
    ada, bob = await town.come("Ada"), await town.come("Bob")
    await bob.page.click(".strip button")
    await bob.page.shows("Offline", ".strip")
    await bob.say("kept")
    await bob.page.shows("1 message queued", ".strip")
    await bob.page.call("Page.reload")
    await ada.sees("kept")
    await bob.sees("kept")
    assert await bob.bodies() == ["kept"]


async def test_everything_can_be_done_by_keyboard(town: Town) -> None:
    ada = Tab(await town.browser.page(), "Ada")
    town.tabs.append(ada)
    page = ada.page
    await page.goto(f"{town.world.url}/")
    for value in ("Ada", "ada", "ada@example.org", "correct horse battery"):
        await page.type(value)
        await page.press("Tab")
    await page.press("Enter")
    await page.shows("general", ".heading h1")

    # The box has the focus: Enter sends, Shift+Enter breaks the line, Up edits.
    await page.until("document.activeElement.id === 'composer'")
    await page.type("first line")
    await page.press("Enter", shift=True)
    await page.type("second line")
    await page.press("Enter")
    await ada.sees("first line\nsecond line")
    await page.press("ArrowUp")
    await page.until("document.activeElement.closest('.editor')")
    await page.press("Escape")
    await page.until("document.activeElement.id === 'composer' && !document.querySelector('.editor')")

    # Backwards from the box lie the messages, one stop for all of them, and their buttons within reach.
    await page.run("document.querySelector('.message[tabindex=\"0\"]').focus()")
    await page.press("Tab")
    assert await page.run("document.activeElement.getAttribute('aria-label')") == "React"
    await page.press("Enter")
    await page.until("document.activeElement.closest('.emoji')")
    await page.press("Enter")
    await page.shows("👍", ".reactions")

    # A dialog takes the focus, Esc gives it back; arrows walk the rooms.
    await page.run("document.querySelector('[aria-label=\"New room\"]').focus()")
    await page.press("Enter")
    await page.until("document.activeElement.closest('dialog')")
    await page.press("Escape")
    await page.until("document.activeElement.ariaLabel === 'New room' && !document.querySelector('dialog')")
    await page.press("Enter")
    await page.type("attic")
    await page.press("Enter")
    await page.shows("attic", ".heading h1")
    await page.run("document.querySelector('.room[aria-current]').focus()")
    await page.press("ArrowDown")
    await page.press("Enter")
    await page.shows("general", ".heading h1")
    assert town.problems() == []


async def test_a_phone_in_the_dark(town: Town) -> None:
    ada = await town.come("Ada", width=390, height=780, touch=True, dark=True)
    await ada.say("Written with a thumb")
    await ada.sees("Written with a thumb")
    assert await ada.page.run("document.documentElement.scrollWidth") == 390
    await ada.picture("phone-dark")
    assert not await ada.page.run(
        "document.querySelector('.sidebar').checkVisibility({ visibilityProperty: true })"
    )
    await ada.page.click("button.menu")
    await ada.page.until("document.activeElement.matches('.room')")
    await ada.picture("phone-dark-rooms")
    await ada.page.press("Escape")
    await ada.page.until("!document.querySelector('.sidebar').checkVisibility({ visibilityProperty: true })")
    await ada.page.click("[aria-label=Members]")
    await ada.page.shows("@ada · online", ".panel")
    assert await ada.page.run("getComputedStyle(document.body).colorScheme !== 'light'")
    assert town.problems() == []


async def test_the_theme_can_be_switched(town: Town) -> None:
    ada = await town.come("Ada", dark=True)
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = await ada.page.run(paper)
    await ada.page.click("[aria-label='Switch between light and dark']")
    light = await ada.page.run(paper)
    assert dark != light
    await ada.page.call("Page.reload")
    await ada.page.shows("Connected", ".strip")
    assert await ada.page.run(paper) == light


async def test_what_people_write_stays_text(town: Town) -> None:
    ada, bob = await town.come("Ada"), await town.come("Bob")
    texts = [
        '<img src=x onerror="document.title=1">',
        "`<b>code</b>` &amp;",
        "javascript:alert(1) https://example.org/a?b=c.",
    ]
    for text in texts:
        await ada.say(text)
    await bob.sees(texts[0], "<b>code</b> &amp;", texts[2])
    assert await bob.page.run("[...document.querySelectorAll('.body a')].map((a) => a.href)") == [
        "https://example.org/a?b=c"
    ]
    assert await bob.page.texts(".body code") == ["<b>code</b>"]
    assert await bob.page.run("document.querySelectorAll('.log img, .log b').length") == 0
    assert town.problems() == []


async def test_direct_messages_find_their_way(town: Town) -> None:
    ada, bob = await town.come("Ada"), await town.come("Bob")
    await ada.page.click("[aria-label='New direct message']")
    await ada.page.click("dialog .person")
    await ada.page.shows("Bob", ".heading h1")
    await ada.say("Just between us")
    await bob.page.until("document.querySelector('.room[aria-label=\"Ada, 1 unread\"]')")
    await bob.open("Ada")
    await bob.sees("Just between us")
    await ada.page.shows("Seen", ".seen")
    assert town.problems() == []


async def test_history_is_paged_and_search_leads_into_it(town: Town) -> None:
    carl = await (await town.world.person("carl")).client()
    room_id = carl.ready["rooms"][0]["id"]
    await carl.send(room_id, "The needle is here")
    for number in range(120):
        await carl.send(room_id, f"hay {number}")
    ada = await town.come("Ada")
    await ada.page.shows("hay 119", ".log")
    assert await ada.bodies() == [f"hay {number}" for number in range(70, 120)]

    await ada.page.click("[aria-label=Search]")
    await ada.page.type("need")
    await ada.page.press("Enter")
    await ada.page.click(".result")
    await ada.page.until("document.activeElement.matches('.message.found')")
    assert await ada.bodies() == ["The needle is here", *(f"hay {number}" for number in range(49))]
    assert town.problems() == []


async def test_members_are_invited_given_roles_and_removed(town: Town) -> None:
    ada, bob = await town.come("Ada"), await town.come("Bob")
    await ada.page.click("[aria-label='New room']")
    await ada.choose("dialog select", "private")
    await ada.page.type("attic", "dialog input")
    await ada.page.press("Enter")
    await ada.page.shows("attic", ".heading h1")
    await ada.page.click("[aria-label=Members]")
    await ada.page.until("document.querySelector('.tools button')?.innerText === 'Invite'")
    await ada.page.click(".tools button")
    await ada.page.click("dialog .person")
    await bob.open("attic")
    await bob.page.click("[aria-label=Members]")
    await ada.choose("[aria-label='Role of Bob']", "moderator")
    await bob.page.shows("Bob is moderator now", ".log")
    await bob.page.until("document.querySelector('.tools button').innerText === 'Invite'")
    await ada.page.click("[aria-label='Remove Bob']")
    await ada.page.click(".members .sure")
    await bob.page.shows("You are no longer in attic.", "#toasts")
    await bob.page.until("!document.querySelector('.room[aria-label=attic]')")
    await ada.page.shows("Bob left", ".log")
    assert town.problems() == []
