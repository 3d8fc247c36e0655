"""Signing in with a provider from the playground."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pyotp
import pytest

from hubbub import models
from hubbub.config import oauth_providers
from tests.browser.conftest import SCREENSHOTS, Town
from tests.support.issuer import CLIENT, SECRET, Issuer, issuer
from tests.support.servers import free_port
from tests.support.world import Person


@pytest.fixture
async def other() -> AsyncIterator[Issuer]:
    async with issuer() as made:
        yield made


@pytest.fixture
def settings(settings: Any, other: Issuer) -> Any:
    address = other.url.replace("://", f"://{CLIENT}:{quote(SECRET, safe='')}@")
    port = free_port()
    return settings.model_copy(
        update={
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "oauth_issuers": oauth_providers.issuers(f"test={address}"),
        }
    )


async def test_somebody_comes_in_with_a_provider(town: Town, other: Issuer) -> None:
    page = await town.browser.page()
    await page.goto(f"{town.world.url}/")
    await page.shows("Sign in with Test", ".providers")
    await page.picture(SCREENSHOTS / "playground-providers.png")
    await page.click(".providers button")

    await page.shows("Connected", ".strip")
    await page.shows("Ada Lovelace")

    # The parameters of the redirect are gone; a room that was opened has an address.
    assert re.fullmatch(r"(#room=[0-9a-f-]{36})?", await page.run("location.hash"))
    assert await page.run("document.cookie") == ""
    assert page.problems == []


async def test_a_refusal_is_told(town: Town, other: Issuer) -> None:
    other.allows = False
    page = await town.browser.page()
    await page.goto(f"{town.world.url}/")
    await page.click(".providers button")

    await page.shows("Test was not allowed to say who you are", ".problem")
    assert await page.run("location.hash") == ""


async def test_a_code_is_asked_for_besides(town: Town, other: Issuer) -> None:
    ada = await town.world.person("ada")
    await models.User.filter(id=UUID(ada.id)).update(email_verified_at="2026-01-01T00:00:00Z")
    secret = await two_factor(ada)
    page = await town.browser.page()
    await page.goto(f"{town.world.url}/")
    await page.click(".providers button")
    await page.shows("Code of your authenticator app", ".sign-in")
    await models.TwoFactor.all().update(last_step=0)

    await page.type(pyotp.TOTP(secret).now(), "[name=code]")
    await page.press("Enter")

    await page.shows("Connected", ".strip")
    assert page.problems == []


async def two_factor(person: Person) -> str:
    """Switch it on; the secret of the app."""
    await person.confirmed()
    _, answer = await person.rest("POST", "/auth/2fa/setup", json={})
    secret: str = answer["data"]["secret"]
    code = {"code": pyotp.TOTP(secret).now()}
    assert (await person.rest("POST", "/auth/2fa/enable", json=code))[0] == 200
    return secret
