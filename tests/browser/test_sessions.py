"""The playground when its login expires or is revoked, the server is unavailable, or a rate limit applies."""

import time
from typing import Any

import pyotp
import pytest

from hubbub.app import App
from hubbub.ratelimit.rate import Rate
from tests.browser.conftest import BrowserTabs, ChatTab

SHORT_S = 20  # less than a minute: the server emits `auth:expiring` at once

# Set before the page loads: the first refresh happens as soon as the socket is connected.
HOLD_RENEWALS = """
    window.renewed = new Promise((answer) => { window.letGo = answer; });
    const fetched = window.fetch;
    window.fetch = async (url, options) => {
        const answer = await fetched(url, options);
        if (url.endsWith("/refresh")) { window.waiting = true; await window.renewed; }
        return answer;
    };
"""


@pytest.fixture
def settings(settings: Any) -> Any:
    changed = {"access_token_ttl_s": SHORT_S, "drain_s": 1, "limit_message_send": Rate(2, 4)}
    return settings.model_copy(update=changed)


async def test_access_tokens_are_refreshed_while_the_socket_stays_open(browser_tabs: BrowserTabs) -> None:
    ada = await browser_tabs.open_tab("Ada")
    await ada.page.click(".wire summary")
    for event in ("auth:refresh", "/notifications auth:refresh"):
        await ada.page.wait_until(
            f"[...document.querySelectorAll('.frame[data-way=ack] b')].some((b) => b.innerText === '{event}')"
        )
    frames = await ada.page.texts(".frame b")
    assert frames.index("auth:expiring") < frames.index("auth:refresh")
    assert "disconnect" not in frames
    assert await ada.page.texts(".frame[data-bad]") == []
    assert browser_tabs.errors() == []


async def test_a_revoked_session_returns_to_the_login_page(browser_tabs: BrowserTabs) -> None:
    ada = await browser_tabs.open_tab("Ada")
    token = await ada.page.evaluate("JSON.parse(sessionStorage['hubbub:session']).access_token")
    status, _ = await browser_tabs.instance.rest(
        "POST", "/auth/logout", headers={"Authorization": f"Bearer {token}"}
    )
    assert status == 204
    await ada.page.wait_until("document.querySelector('.login-form')")
    assert await ada.page.texts(".toast") != []
    assert await ada.page.evaluate("sessionStorage['hubbub:session']") is None


async def test_a_refresh_after_the_logout_does_not_log_in_again(browser_tabs: BrowserTabs) -> None:
    page = await browser_tabs.browser.new_page()
    await page.call("Page.addScriptToEvaluateOnNewDocument", source=HOLD_RENEWALS)
    ada = ChatTab(page, "Ada")
    await ada.register(browser_tabs.instance.url)
    await ada.page.wait_until("window.waiting")
    token = await ada.page.evaluate("JSON.parse(sessionStorage['hubbub:session']).access_token")
    status, _ = await browser_tabs.instance.rest(
        "POST", "/auth/logout", headers={"Authorization": f"Bearer {token}"}
    )
    assert status == 204
    await ada.page.wait_until("document.querySelector('.login-form')")
    await ada.page.evaluate(
        "window.letGo(); window.renewed.then(() => new Promise((done) => setTimeout(done, 50)))"
    )
    assert await ada.page.evaluate("sessionStorage['hubbub:session']") is None


async def test_the_page_reconnects_after_a_server_restart(browser_tabs: BrowserTabs) -> None:
    ada, bob = await browser_tabs.open_tab("Ada"), await browser_tabs.open_tab("Bob")
    await ada.send("before")
    for tab in (ada, bob):
        await tab.wait_for_messages("before")
    instance = browser_tabs.instance
    settings = instance.settings.model_copy(update={"port": instance.app.port})
    await instance.app.drain()
    await instance.app.stop()
    await ada.page.wait_until("document.querySelector('.strip').dataset.status === 'offline'")
    await ada.send("while it was away")
    await ada.page.wait_for_text("1 message queued", ".strip")
    instance.app = await App(settings).start()
    for tab in (ada, bob):
        await tab.wait_for_messages("before", "while it was away")
        await tab.page.wait_until("document.querySelector('.strip').dataset.status === 'online'")


async def test_a_user_over_the_rate_limit_is_slowed_down_and_loses_nothing(browser_tabs: BrowserTabs) -> None:
    ada = await browser_tabs.open_tab("Ada")
    await ada.page.click(".wire summary")
    texts = [f"message {number}" for number in range(8)]
    await ada.page.click(".strip button")
    await ada.page.wait_for_text("Offline", ".strip")
    for text in texts:
        await ada.send(text)
    await ada.page.click(".strip button")  # all are sent at once, however slow the machine is
    await ada.wait_for_messages(*texts)
    assert await ada.bodies() == texts
    refused = [text for text in await ada.page.texts(".frame[data-bad] code") if "rate_limited" in text]
    assert refused
    await ada.page.wait_until("document.querySelector('.strip').dataset.status === 'online'")
    assert browser_tabs.errors() == []


async def test_a_login_with_two_factor_requires_the_code(browser_tabs: BrowserTabs) -> None:
    ada = await (await browser_tabs.instance.register("ada")).mark_sessions_confirmed()
    _, answer = await ada.rest("POST", "/auth/2fa/setup", json={})
    app = pyotp.TOTP(answer["data"]["secret"])
    await ada.rest("POST", "/auth/2fa/enable", json={"code": app.now()})
    page = await browser_tabs.browser.new_page()
    await page.goto(f"{browser_tabs.instance.url}/")
    await page.click(".tab:last-child")
    await page.type("ada@example.com", "[name=email]")
    await page.type("correct horse battery", "[name=password]")
    await page.press("Enter")
    await page.wait_until("!document.querySelector('[name=code]').closest('label').hidden")
    assert await page.evaluate("document.querySelector('[name=password]').closest('label').hidden")
    await page.type(app.at(int(time.time()), counter_offset=1), "[name=code]")
    await page.press("Enter")
    await page.wait_for_text("Connected", ".strip")

    assert page.errors == []
