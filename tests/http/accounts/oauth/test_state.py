"""The cookie and the state that bind a login to a browser."""

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.http.accounts.oauth.conftest import SITE, one_provider
from tests.support.oauth_provider import (
    OAuthBrowser,
)


@one_provider()
async def test_the_cookie_is_restricted_to_the_host_and_to_https(instance, browser):
    await browser.authorize("test")

    ((name, value),) = browser.cookies.items()
    assert name == "__Host-hubbub_oauth"
    words = {word.strip().lower() for word in browser.set_cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/", "max-age=600"} <= words
    assert not any(word.startswith("domain") for word in words)
    assert len(value) < 3000


@one_provider()
async def test_the_authorization_request_has_the_required_parameters(instance, browser, other):
    _, form, _ = await browser.get("/api/v1/auth/oauth/test/authorize")

    asked = {name: values[0] for name, values in parse_qs(urlsplit(form).query).items()}
    assert form.startswith(f"{other.url}/authorize?")
    assert asked["redirect_uri"] == f"{SITE}/api/v1/auth/oauth/test/callback"
    assert asked["scope"] == "openid email profile"
    assert len(asked["state"]) == len(asked["nonce"]) == len(asked["code_challenge"]) == 43
    kept = next(iter(browser.cookies.values()))
    assert asked["state"] not in kept
    assert asked["nonce"] not in kept


async def test_a_state_of_another_browser_is_refused(instance, browser):
    back = await browser.authorize("test")
    stranger = OAuthBrowser(instance.http, instance.url)
    refusals = [await stranger.get(back)]
    await stranger.authorize("test")
    refusals.append(await stranger.get(back))

    for status, _, answer in refusals:
        assert (status, answer["code"]) == (400, "invalid_token")
        assert "Start again" in answer["detail"]
    assert (await browser.get(back))[0] == 200  # the browser that began it can continue


async def test_a_state_is_valid_once(instance, browser, other):
    back = await browser.authorize("test")
    twin = browser.clone()
    assert (await browser.get(back))[0] == 200
    assert browser.cookies == {}

    assert (await twin.get(back))[0] == 400
    assert other.requested_paths.count("/token") == 1


async def test_concurrent_callbacks_with_one_state_log_in_once(instance, browser, other):
    back = await browser.authorize("test")

    answers = await asyncio.gather(*(browser.clone().get(back) for _ in range(5)))

    assert sorted(status for status, _, _ in answers) == [200, 400, 400, 400, 400]
    assert other.requested_paths.count("/token") == 1


@one_provider()
@pytest.mark.parametrize(("seconds", "status"), [(-300, 400), (-61, 400), (-59, 200), (-30, 200)])
async def test_a_login_that_took_too_long_is_refused(instance, browser, monkeypatch, seconds, status):
    monkeypatch.setattr("hubbub.services.accounts.oauth_login.STATE_LIFETIME", timedelta(seconds=seconds))

    assert (await browser.log_in())[0] == status  # another instance's clock may be 60 s late


@one_provider()
async def test_a_login_with_one_provider_does_not_end_at_another(instance, browser):
    back = await browser.authorize("test")

    assert (await browser.get(back.replace("/test/", "/github/")))[0] == 400
    assert (await browser.get(f"{back}&iss=https://evil.example"))[0] == 400


@one_provider()
@pytest.mark.parametrize("change", ["", "x", "s1.", "é"])
async def test_a_changed_cookie_is_refused(instance, browser, change):
    back = await browser.authorize("test")
    name, value = next(iter(browser.cookies.items()))
    browser.cookies[name] = change and f"{value}{change}"

    assert (await browser.get(back))[0] == 400


@one_provider()
async def test_a_callback_without_a_code_is_refused(instance, browser):
    for query in ("", "?state=x", "?code=x", "?state=x&code=x", "?error=server_error"):
        assert (await browser.get(f"/api/v1/auth/oauth/test/callback{query}"))[0] == 400
    back = await browser.authorize("test")
    assert (await browser.get(back.partition("code=")[0] + back.partition("&")[2]))[0] == 400
