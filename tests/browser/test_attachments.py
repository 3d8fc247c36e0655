"""Attachments in the playground: pasting, dropping, cancelling, repeating, and what is displayed."""

import base64
import json

from tests.browser.conftest import BrowserTabs, ChatTab
from tests.support.pictures import PDF, form, picture


async def offer(tab: ChatTab, event: str, *files: tuple[str, str, bytes]) -> None:
    """Paste or drop files: name, type and content."""
    given = json.dumps([[name, kind, base64.b64encode(content).decode()] for name, kind, content in files])
    await tab.page.evaluate(
        f"""(() => {{
        const data = new DataTransfer();
        for (const [name, type, content] of {given}) {{
            const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
            data.items.add(new File([bytes], name, {{ type }}));
        }}
        const options = {{ bubbles: true, cancelable: true }};
        const event = "{event}" === "paste"
            ? new ClipboardEvent("paste", {{ ...options, clipboardData: data }})
            : new DragEvent("{event}", {{ ...options, dataTransfer: data }});
        document.getElementById("composer").dispatchEvent(event);
        }})()"""
    )


async def uploaded(tab: ChatTab, count: int) -> None:
    """Wait until as many files are uploaded and the message can be sent."""
    done = "[...document.querySelectorAll('.tray progress')].filter((each) => each.hidden).length"
    await tab.page.wait_until(f"{done} === {count} && !document.querySelector('.send').disabled")


async def test_files_are_pasted_dropped_sent_and_displayed(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await browser_tabs.open_tab("Bob")
    await offer(ada, "paste", ("red.png", "image/png", picture(900, 500)))
    await offer(ada, "drop", ("plan.pdf", "application/pdf", PDF), ("x.svg", "image/svg+xml", b"<svg/>"))
    await ada.page.wait_for_text("Try again", ".tray li[data-problem]")
    assert await ada.page.evaluate("document.querySelector('.send').disabled") is True
    await ada.page.press("Enter")
    await ada.screenshot("desktop-tray")
    await ada.page.click("[aria-label='Remove x.svg']")
    await uploaded(ada, 2)

    await ada.page.press("Enter")

    for tab in (ada, bob):
        await tab.page.wait_until(
            "document.querySelector('.message:not(.pending) .picture img')?.naturalWidth === 320"
        )
        assert await tab.page.texts(".message .file span") == ["plan.pdf"]
    assert await ada.page.texts(".tray li") == []
    assert "/plan.pdf?e=" in await bob.page.evaluate("document.querySelector('.file').href")

    # The picture opens large by keyboard, and Esc closes it.
    await bob.page.evaluate("document.querySelector('.picture').focus()")
    await bob.page.press("Enter")
    await bob.page.wait_until("document.querySelector('dialog.viewer img')?.naturalWidth === 900")
    assert await bob.page.evaluate("document.querySelector('dialog.viewer').ariaLabel") == "Picture red.png"
    await bob.screenshot("desktop-picture")
    await bob.page.press("Escape")
    await bob.page.wait_until("!document.querySelector('dialog.viewer')")
    await ada.page.wait_for_text("Seen by Bob", ".log")  # moves the messages
    await ada.press_message_button(1, "Delete")
    await ada.page.click(".actions .sure")
    await bob.page.wait_until("!document.querySelector('.attachments')")
    errors = [each for each in browser_tabs.errors() if "415" not in each]
    assert errors == []


async def test_a_failed_upload_is_repeated_and_a_broken_picture_is_named(browser_tabs: BrowserTabs) -> None:
    ada = await browser_tabs.open_tab("Ada")
    await ada.page.evaluate(
        """(() => {
        const { open } = XMLHttpRequest.prototype;
        window.restore = () => { XMLHttpRequest.prototype.open = open; };
        XMLHttpRequest.prototype.open = function (method) { open.call(this, method, "/none"); };
        })()"""
    )
    await offer(ada, "paste", ("red.png", "image/png", picture(900, 500)))
    await ada.page.wait_for_text("This URL does not exist", ".tray li[data-problem]")
    await ada.page.evaluate("restore()")
    await ada.page.click(".tray li button:not(.icon-button)")
    await uploaded(ada, 1)
    await ada.page.press("Enter")
    await ada.wait_until_stored()
    await ada.page.wait_until(
        "document.querySelector('.message:not(.pending) .picture img')?.naturalWidth === 320"
    )

    # The first failure is repaired by a new URL, as when the URL has expired. The second one is final.
    broken = "document.querySelector('.picture img').src = '/uploads/none/none.webp'"
    await ada.page.evaluate(broken)
    await ada.page.wait_until("document.querySelector('.picture img')?.src.includes('/320.webp?e=')")
    await ada.page.wait_until("document.querySelector('.picture img').naturalWidth === 320")
    await ada.page.evaluate(broken)

    await ada.page.wait_for_text("red.png", ".picture")
    await ada.page.wait_for_text("can't be loaded", ".picture")


async def test_a_document_whose_url_has_expired_is_saved_by_a_new_one(browser_tabs: BrowserTabs) -> None:
    ada = await browser_tabs.open_tab("Ada")
    await offer(ada, "drop", ("plan.pdf", "application/pdf", PDF))
    await uploaded(ada, 1)
    await ada.page.press("Enter")
    await ada.wait_until_stored()
    await ada.page.wait_until("document.querySelector('.message:not(.pending) .file')")
    await ada.page.evaluate(
        """(() => {
        window.loaded = [];
        const { fetch } = window;
        window.fetch = (...given) => { loaded.push(String(given[0])); return fetch(...given); };
        window.saved = [];
        const { click } = HTMLElement.prototype;
        HTMLElement.prototype.click = function () {
            const save = (event) => {
                if (!event.defaultPrevented) saved.push(this.href);
                event.preventDefault();
            };
            this.addEventListener("click", save, { once: true });
            click.call(this);
        };
        })()"""
    )

    await ada.page.evaluate("document.querySelector('.file').click()")
    await ada.page.evaluate("{ const hours = Date.now() + 3 * 3600e3; Date.now = () => hours; }")
    await ada.page.evaluate("document.querySelector('.file').click()")
    await ada.page.wait_until("saved.length === 2")

    assert await ada.page.evaluate("loaded.filter((url) => url.includes('/messages/')).length") == 1
    assert await ada.page.evaluate("saved.every((url) => url.includes('/plan.pdf?e='))") is True


async def test_avatars_are_displayed(browser_tabs: BrowserTabs) -> None:
    ada = await browser_tabs.open_tab("Ada")
    token = await ada.page.evaluate("JSON.parse(sessionStorage.getItem('hubbub:session')).access_token")
    status, _ = await browser_tabs.instance.rest(
        "POST",
        "/users/profile/avatar",
        headers={"Authorization": f"Bearer {token}"},
        data=form(("me.png", picture(300, 300))),
    )
    assert status == 201

    await ada.send("after")

    await ada.page.wait_until("document.querySelector('.log .avatar .face')?.naturalWidth === 64")
    assert browser_tabs.errors() == []
