"""The page that the links of e-mails open."""

from uuid import UUID

import pyotp

from hubbub.services import tokens
from tests.browser.conftest import Town
from tests.support.browser import Page

NEW = "staple of another kind"


async def _open(page: Page, url: str) -> None:
    """Follow a link; what is behind its # does not stay in the address."""
    await page.call("Page.navigate", url=url)
    await page.until("!document.querySelector('#form').hidden")


async def test_a_new_password_is_chosen_and_the_account_deleted(town: Town) -> None:
    ada = await town.world.person("ada")
    reset = await tokens.make(UUID(ada.id), "reset_password", "ada@example.com")
    page = await town.browser.page()
    await _open(page, f"{town.world.url}/account#reset_password:{reset}")
    await page.type(NEW, "#password")
    await page.click("#button")
    await page.shows("The password is changed", "#says")

    delete = await tokens.make(UUID(ada.id), "delete_account", "ada@example.com")
    other = await town.browser.page()
    await _open(other, f"{town.world.url}/account#delete_account:{delete}")
    await other.type("ada@example.com", "#email")
    await other.type(NEW, "#password")
    await other.click("#button")
    await other.shows("The account is deleted", "#says")

    assert await other.run("location.hash") == ""
    assert page.problems == other.problems == []


async def test_a_spent_link_says_so(town: Town) -> None:
    page = await town.browser.page()
    await _open(page, f"{town.world.url}/account#verify_email:spent")
    await page.click("#button")
    await page.shows("This token is spent", "#says")


async def test_an_account_with_two_factor_is_deleted(town: Town) -> None:
    ada = await town.world.person("ada")
    _, answer = await ada.rest("POST", "/auth/2fa/setup", json={})
    code = pyotp.TOTP(answer["data"]["secret"]).now()
    _, answer = await ada.rest("POST", "/auth/2fa/enable", json={"code": code})
    delete = await tokens.make(UUID(ada.id), "delete_account", "ada@example.com")
    page = await town.browser.page()
    await _open(page, f"{town.world.url}/account#delete_account:{delete}")
    await page.type("ada@example.com", "#email")
    await page.type("correct horse battery", "#password")
    await page.click("#button")
    await page.shows("a code of your authenticator app", "#says")
    await page.type(answer["data"]["recovery_codes"][0], "#code")
    await page.click("#button")
    await page.shows("The account is deleted", "#says")

    assert page.problems == []
