"""Logging in with a provider: new and existing accounts, and refusals."""

import asyncio

import pyotp
import pytest
from aiohttp import web

from hubbub import models
from hubbub.core import clock
from hubbub.gateways.oauth.oidc import OpenId
from tests.http.accounts.oauth.conftest import exchange, one_provider, verified
from tests.support.live_instance import ApiUser
from tests.support.oauth_provider import (
    OAuthBrowser,
    ProviderUser,
)

# --- logging in ---


@pytest.mark.parametrize("provider", ["test", "github"])
async def test_a_new_user_gets_an_account(instance, browser, mailbox, provider):
    status, _, answer = await browser.log_in(provider)

    assert status == 200, answer
    assert set(answer["data"]) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    user = answer["data"]["user"]
    assert (user["username"], user["display_name"]) == ("ada-lovelace", "Ada Lovelace")
    assert (user["email"], user["email_verified"]) == ("ada@example.com", True)
    ada = ApiUser(instance, answer["data"])
    client = await ada.connect_client()
    assert [room["name"] for room in client.ready["rooms"]] == ["general"]
    (identity,) = (await ada.rest("GET", "/auth/identities"))[1]["data"]
    assert (identity["provider"], identity["email"]) == (provider, "ada@example.com")
    assert await models.Job.filter(payload__contains='"welcome"').count() == 1


@pytest.mark.parametrize("provider", ["test", "github"])
async def test_the_same_user_logs_in_with_another_email_address(instance, browser, other, provider):
    _, _, first = await browser.log_in(provider)
    other.user = ProviderUser(email="ada@elsewhere.example", name="Countess")

    _, _, second = await browser.log_in(provider)

    assert second["data"]["user"] == first["data"]["user"]
    assert await models.User.all().count() == 1


async def test_two_users_of_one_name_are_two_accounts(instance, browser, other):
    await browser.log_in()
    other.user = ProviderUser(subject="1002", email="ada@elsewhere.example")

    status, _, answer = await browser.log_in()

    assert (status, answer["data"]["user"]["username"]) == (200, "ada-lovelace-2")


@pytest.mark.parametrize("name", ["Admin", "Support", "deleted-ada", "Ａｄｍｉｎ", "r00t"])
async def test_no_login_with_a_provider_generates_a_reserved_username(browser, other, name):
    other.user = ProviderUser(email="ada@elsewhere.example", name=name)

    status, _, answer = await browser.log_in()

    assert status == 200
    assert answer["data"]["user"]["username"] == "ada"


async def test_concurrent_logins_of_one_user_create_one_account(instance):
    browsers = [OAuthBrowser(instance.http, instance.url) for _ in range(4)]

    answers = await asyncio.gather(*(each.log_in() for each in browsers))

    assert [status for status, _, _ in answers] == [200] * 4, answers
    assert len({answer["data"]["user"]["id"] for _, _, answer in answers}) == 1
    assert await models.Identity.all().count() == 1


@one_provider()
async def test_an_email_address_from_userinfo_is_used(instance, browser, other):
    other.minimal_id_token = True

    _, _, answer = await browser.log_in()

    assert answer["data"]["user"]["email"] == "ada@example.com"


@one_provider()
async def test_userinfo_of_another_subject_is_ignored(instance, browser, other):
    other.minimal_id_token = True

    async def of_another_subject(_: web.Request) -> web.Response:
        return web.json_response({"sub": "1", "email": "eve@example.com", "email_verified": True})

    other.overrides["/userinfo"] = of_another_subject
    status, _, answer = await browser.log_in()

    assert (status, answer["code"]) == (403, "forbidden")


@one_provider()
async def test_an_issuer_may_require_the_secret_in_a_header(instance, browser, other):
    other.accepts_secret_in_form = False

    assert (await browser.log_in())[0] == 200


@one_provider()
async def test_an_issuer_may_change_its_keys(instance, browser, other):
    assert (await browser.log_in())[0] == 200
    other.signing_key_id, other.published_key_ids = "two", ["one", "two"]
    provider = instance.app.container.identity_providers["test"]
    assert isinstance(provider, OpenId)

    # Keys are not fetched again at once, so that logins cannot cause a request each.
    assert (await browser.log_in())[0] == 400
    provider.key_refresh_interval_s = 0

    assert (await browser.log_in())[0] == 200
    assert other.requested_paths.count("/.well-known/openid-configuration") == 1


@one_provider()
async def test_the_configured_providers_are_listed(instance):
    assert await instance.rest("GET", "/auth/oauth") == (
        200,
        {"data": [{"name": "github", "title": "GitHub"}, {"name": "test", "title": "Test"}]},
    )
    assert (await instance.rest("GET", "/auth/oauth/nobody/authorize"))[0] == 404
    assert (await instance.rest("GET", "/auth/oauth/nobody/callback"))[0] == 404


# --- refusals ---


async def test_a_suspended_user_cannot_log_in(instance, browser, other):
    await instance.register("ada")
    await verified("ada")
    await models.User.all().update(suspended_at=clock.now())

    status, _, answer = await browser.log_in()
    assert (status, answer["code"]) == (403, "suspended")
    assert await models.Identity.all().count() == 0

    await models.User.all().update(suspended_at=None)
    assert (await browser.log_in())[0] == 200
    await models.User.all().update(suspended_at=clock.now())
    status, _, answer = await browser.log_in()
    assert (status, answer["code"]) == (403, "suspended")


async def test_a_deleted_account_is_not_restored(instance, browser, mailbox):
    _, _, answer = await browser.log_in()
    ada = ApiUser(instance, answer["data"])
    await (await ada.mark_sessions_confirmed()).rest("POST", "/users/account/request-deletion", json={})
    token = await mailbox.next_code("ada@example.com", "Delete your account")
    assert (await ada.rest("DELETE", "/users/account", json={"token": token}))[0] == 204
    assert await models.Identity.all().count() == 0

    _, _, answer = await browser.log_in()

    assert answer["data"]["user"]["id"] != ada.id


@one_provider()
async def test_a_refusal_at_the_provider_is_reported(instance, browser, other):
    other.consents = False

    status, _, answer = await browser.log_in()

    assert (status, answer["code"]) == (403, "forbidden")


@pytest.mark.parametrize("redirect", [None, "/"])
async def test_an_account_with_two_factor_needs_its_code(instance, browser, redirect):
    """A provider proves as much as a password does, and no more."""
    ada = await instance.register("ada")
    await verified("ada")
    await ada.mark_sessions_confirmed()
    secret = (await ada.rest("POST", "/auth/2fa/setup", json={}))[1]["data"]["secret"]
    enabled = await ada.rest("POST", "/auth/2fa/enable", json={"code": pyotp.TOTP(secret).now()})
    recovery = enabled[1]["data"]["recovery_codes"][0]

    status, location, answer = await browser.log_in(**({"redirect": redirect} if redirect else {}))
    if redirect:
        status, answer = await exchange(instance, location)

    assert status == 200
    assert set(answer["data"]) == {"mfa_required", "mfa_token"}
    owed = {"mfa_token": answer["data"]["mfa_token"], "code": recovery}
    status, answer = await instance.rest("POST", "/auth/2fa/verify", json=owed)
    assert (status, answer["data"]["user"]["id"]) == (200, ada.id)
