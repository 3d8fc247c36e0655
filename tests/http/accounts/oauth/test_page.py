"""The page that started a login exchanges its code for tokens."""

import asyncio
import re
from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.gateways.oauth.authorization_code import code_challenge
from tests.http.accounts.oauth.conftest import APP, SITE, exchange, one_provider, received


@pytest.mark.parametrize(
    ("redirect", "reached"),
    [("/", f"{SITE}/"), ("/rooms?a=b%20c", f"{SITE}/rooms?a=b%20c"), (f"{APP}/in?x=1", f"{APP}/in?x=1")],
)
async def test_a_page_exchanges_a_code_for_tokens(instance, browser, redirect, reached):
    status, location, _ = await browser.log_in(redirect=redirect)

    assert status == 302
    assert location.partition("#")[0] == reached
    assert re.fullmatch(r"oauth_code=[A-Za-z0-9_-]{43}", location.partition("#")[2])
    assert received(location)["oauth_code"] not in str(await models.OAuthHandoff.all().values())
    status, answer = await exchange(instance, location, device_name="phone")
    assert status == 200
    assert answer["data"]["user"]["email"] == "ada@example.com"
    assert await models.Session.filter(device_name="phone").exists()
    status, answer = await exchange(instance, location)
    assert (status, answer["code"]) == (400, "invalid_token")


async def test_concurrent_exchanges_of_a_code_give_tokens_once(instance, browser):
    _, location, _ = await browser.log_in(redirect="/")

    answers = await asyncio.gather(*(exchange(instance, location) for _ in range(4)))

    assert sorted(status for status, _ in answers) == [200, 400, 400, 400]


async def test_a_code_is_valid_for_a_minute(instance, browser):
    _, location, _ = await browser.log_in(redirect="/")
    (row,) = await models.OAuthHandoff.all()
    assert row.code_until is not None
    assert row.code_until <= clock.now() + timedelta(seconds=60)
    await models.OAuthHandoff.all().update(code_until=clock.expiry_cutoff())

    assert (await exchange(instance, location))[0] == 400


async def test_a_code_is_refused_for_a_suspended_or_deleted_user(instance, browser):
    for field, code in (("suspended_at", "suspended"), ("deleted_at", "invalid_token")):
        _, location, _ = await browser.log_in(redirect="/")
        await models.User.all().update(**{field: clock.now()})

        assert (await exchange(instance, location))[1]["code"] == code
        await models.User.all().update(**{field: None})


@one_provider()
async def test_a_code_is_refused_without_the_verifier_of_the_page(instance, browser):
    """Otherwise an attacker's code on a page would log its visitor in to the attacker's account."""
    verifier = "v" * 43
    asked = {"redirect": "/", "challenge": code_challenge(verifier)}
    for given in ({}, {"verifier": "w" * 43}):
        _, location, _ = await browser.log_in(**asked)
        assert (await exchange(instance, location, **given))[0] == 400
        assert (await exchange(instance, location, verifier=verifier))[0] == 400  # it was used

    _, location, _ = await browser.log_in(**asked)
    assert (await exchange(instance, location, verifier=verifier))[0] == 200
    _, location, _ = await browser.log_in(redirect="/")
    assert (await exchange(instance, location, verifier=verifier))[0] == 400


async def test_a_refusal_is_passed_to_the_page(instance, browser):
    await instance.register("ada")

    status, location, _ = await browser.log_in(redirect=f"{APP}/in")

    assert status == 302
    assert location.startswith(f"{APP}/in#")
    assert received(location)["oauth_error"] == "conflict"
    assert "never confirmed" in received(location)["oauth_message"]


@one_provider()
@pytest.mark.parametrize(
    "redirect",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%5Cevil.example",
        "/%255cevil.example/..",
        "%2F%2Fevil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https://evil.example",
        "http://chat.example/",
        "https://chat.example@evil.example/",
        "https://chat.example:443@evil.example/",
        "https://chat.example.evil.example/",
        "https://chat.example%2eevil.example/",
        "https://chat.example\\.evil.example/",
        "https://app.example:8443/",
        "https://evil.example#https://app.example",
        "https://evil.example?https://app.example",
        "javascript:alert(1)//https://app.example",
        "data:text/html,hello",
        "/\tevil",
        "/a\r\nSet-Cookie: a=b",
        " /",
        "\u3000//evil.example",
        "/#fragment",
        "",
        "evil",
        "/" + "a" * 600,
    ],
)
async def test_no_redirect_leads_to_another_site(instance, redirect):
    asked = {"params": {"redirect": redirect}, "allow_redirects": False}
    status, answer = await instance.rest("GET", "/auth/oauth/test/authorize", **asked)

    assert (status, answer["code"]) == (422, "invalid_payload")
    assert answer["errors"][0]["field"] == "redirect"
