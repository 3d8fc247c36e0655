"""The account page, which the links of e-mails open."""

from uuid import UUID

import pyotp

from hubbub import models
from hubbub.services.mail import one_time_tokens
from tests.browser.conftest import BrowserTabs
from tests.support.browser import Page

NEW = "staple of another kind"


async def _open(page: Page, url: str) -> None:
    """Follow a link. The URL loses its fragment."""
    await page.call("Page.navigate", url=url)
    await page.wait_until("!document.querySelector('#form').hidden")


async def test_a_password_is_reset_and_the_account_deleted(browser_tabs: BrowserTabs) -> None:
    ada = await browser_tabs.instance.register("ada")
    reset = await one_time_tokens.create(UUID(ada.id), "reset_password", "ada@example.com")
    page = await browser_tabs.browser.new_page()
    await _open(page, f"{browser_tabs.instance.url}/account#reset_password:{reset}")
    await page.type(NEW, "#password")
    await page.click("#button")
    await page.wait_for_text("The password is changed", "#says")

    delete = await one_time_tokens.create(UUID(ada.id), "delete_account", "ada@example.com")
    other = await browser_tabs.browser.new_page()
    await _open(other, f"{browser_tabs.instance.url}/account#delete_account:{delete}")
    await other.type("ada@example.com", "#email")
    await other.type(NEW, "#password")
    await other.click("#button")
    await other.wait_for_text("The account is deleted", "#says")

    assert await other.evaluate("location.hash") == ""
    assert page.errors == other.errors == []


async def test_a_change_is_undone_and_api_keys_stay_on_request(browser_tabs: BrowserTabs) -> None:
    ada = await (await browser_tabs.instance.register("ada")).mark_sessions_confirmed()
    made = [
        (await ada.rest("POST", "/api-keys", json={"name": "k", "scopes": ["read"]}))[1]["data"] for _ in "ab"
    ]
    row = await models.OneTimeToken.filter(purpose=one_time_tokens.UNDO_API_KEY).order_by("id").first()
    undo = await one_time_tokens.create_stored_token(str(row.id if row else ""))
    page = await browser_tabs.browser.new_page()
    await _open(page, f"{browser_tabs.instance.url}/account#undo:{undo}")
    await page.click("#button")
    await page.wait_for_text("The change is undone", "#says")

    reset = await one_time_tokens.create(UUID(ada.id), "reset_password", "ada@example.com")
    other = await browser_tabs.browser.new_page()
    await _open(other, f"{browser_tabs.instance.url}/account#reset_password:{reset}")
    await other.type(NEW, "#password")
    await other.click("#keys")
    await other.click("#button")
    await other.wait_for_text("The password is changed", "#says")

    assert [str(each.id) for each in await models.ApiKey.all()] == [made[1]["id"]]
    assert page.errors == other.errors == []


async def test_an_email_address_is_changed_and_restored(browser_tabs: BrowserTabs) -> None:
    ada = await (await browser_tabs.instance.register("ada")).mark_sessions_confirmed()
    await ada.rest("POST", "/auth/change-email", json={"email": "new@example.com"})
    page = await browser_tabs.browser.new_page()
    await _open(page, await _stored_link(browser_tabs, "change_email", one_time_tokens.CHANGE_EMAIL))
    await page.click("#button")
    await page.wait_for_text("The e-mail address is changed", "#says")
    assert (await models.User.get(id=ada.id)).email == "new@example.com"

    other = await browser_tabs.browser.new_page()
    await _open(other, await _stored_link(browser_tabs, "undo", one_time_tokens.UNDO_EMAIL))
    await other.click("#button")
    await other.wait_for_text("The change is undone", "#says")

    assert (await models.User.get(id=ada.id)).email == "ada@example.com"
    assert await page.evaluate("location.hash") == ""
    assert page.errors == other.errors == []


async def _stored_link(browser_tabs: BrowserTabs, name: str, purpose: str) -> str:
    """A link as the e-mail has it."""
    row = await models.OneTimeToken.filter(purpose=purpose).first()
    token = await one_time_tokens.create_stored_token(str(row.id if row else ""))
    return f"{browser_tabs.instance.url}/account#{name}:{token}"


async def test_a_used_link_shows_an_error(browser_tabs: BrowserTabs) -> None:
    page = await browser_tabs.browser.new_page()
    await _open(page, f"{browser_tabs.instance.url}/account#verify_email:spent")
    await page.click("#button")
    await page.wait_for_text("This token is used", "#says")


async def test_an_account_with_two_factor_is_deleted(browser_tabs: BrowserTabs) -> None:
    ada = await (await browser_tabs.instance.register("ada")).mark_sessions_confirmed()
    _, answer = await ada.rest("POST", "/auth/2fa/setup", json={})
    code = pyotp.TOTP(answer["data"]["secret"]).now()
    _, answer = await ada.rest("POST", "/auth/2fa/enable", json={"code": code})
    delete = await one_time_tokens.create(UUID(ada.id), "delete_account", "ada@example.com")
    page = await browser_tabs.browser.new_page()
    await _open(page, f"{browser_tabs.instance.url}/account#delete_account:{delete}")
    await page.type("ada@example.com", "#email")
    await page.type("correct horse battery", "#password")
    await page.click("#button")
    await page.wait_for_text("a code of your authenticator app", "#says")
    await page.type(answer["data"]["recovery_codes"][0], "#code")
    await page.click("#button")
    await page.wait_for_text("The account is deleted", "#says")

    assert page.errors == []
