"""Logging in with a provider from the playground."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pyotp
import pytest

from hubbub import models
from hubbub.config import oauth_providers
from tests.browser.conftest import SCREENSHOTS, BrowserTabs
from tests.support.live_instance import ApiUser
from tests.support.oauth_provider import CLIENT_ID, CLIENT_SECRET, Issuer, run_issuer
from tests.support.servers import free_port


@pytest.fixture
async def other() -> AsyncIterator[Issuer]:
    async with run_issuer() as made:
        yield made


@pytest.fixture
def settings(settings: Any, other: Issuer) -> Any:
    address = other.url.replace("://", f"://{CLIENT_ID}:{quote(CLIENT_SECRET, safe='')}@")
    port = free_port()
    return settings.model_copy(
        update={
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "oauth_issuers": oauth_providers.parse_issuers(f"test={address}"),
        }
    )


async def test_a_user_logs_in_with_a_provider(browser_tabs: BrowserTabs, other: Issuer) -> None:
    page = await browser_tabs.browser.new_page()
    await page.goto(f"{browser_tabs.instance.url}/")
    await page.wait_for_text("Log in with Test", ".providers")
    await page.screenshot(SCREENSHOTS / "playground-providers.png")
    await page.click(".providers button")

    await page.wait_for_text("Connected", ".strip")
    await page.wait_for_text("Ada Lovelace")

    # The parameters of the redirect are removed. An open room has a URL.
    assert re.fullmatch(r"(#room=[0-9a-f-]{36})?", await page.evaluate("location.hash"))
    assert await page.evaluate("document.cookie") == ""
    assert page.errors == []


async def test_a_refusal_of_the_provider_is_displayed(browser_tabs: BrowserTabs, other: Issuer) -> None:
    other.consents = False
    page = await browser_tabs.browser.new_page()
    await page.goto(f"{browser_tabs.instance.url}/")
    await page.click(".providers button")

    await page.wait_for_text("You did not allow the login with Test", ".problem")
    assert await page.evaluate("location.hash") == ""


async def test_an_account_with_two_factor_also_needs_its_code(
    browser_tabs: BrowserTabs, other: Issuer
) -> None:
    ada = await browser_tabs.instance.register("ada")
    await models.User.filter(id=UUID(ada.id)).update(email_verified_at="2026-01-01T00:00:00Z")
    secret = await two_factor(ada)
    page = await browser_tabs.browser.new_page()
    await page.goto(f"{browser_tabs.instance.url}/")
    await page.click(".providers button")
    await page.wait_for_text("Code of your authenticator app", ".login-form")
    await models.TwoFactor.all().update(last_step=0)

    await page.type(pyotp.TOTP(secret).now(), "[name=code]")
    await page.press("Enter")

    await page.wait_for_text("Connected", ".strip")
    assert page.errors == []


async def two_factor(user: ApiUser) -> str:
    """Switch it on; the secret of the app."""
    await user.mark_sessions_confirmed()
    _, answer = await user.rest("POST", "/auth/2fa/setup", json={})
    secret: str = answer["data"]["secret"]
    code = {"code": pyotp.TOTP(secret).now()}
    assert (await user.rest("POST", "/auth/2fa/enable", json=code))[0] == 200
    return secret
