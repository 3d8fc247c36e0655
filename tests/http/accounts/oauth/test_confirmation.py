"""Confirming a session with a provider."""

import pyotp

from hubbub import models
from tests.http.accounts.oauth.conftest import received, verified
from tests.support.live_instance import ApiUser, LiveInstance
from tests.support.oauth_provider import (
    OAuthBrowser,
    ProviderUser,
)


async def confirmed(user: ApiUser) -> bool:
    return (await user.rest("POST", "/api-keys", json={"name": "k", "scopes": ["read"]}))[0] == 201


async def test_an_account_without_a_password_confirms_its_session_by_its_provider(instance, browser):
    _, _, answer = await browser.log_in()
    ada = ApiUser(instance, answer["data"])
    other = await login_again(instance, browser)
    assert not await confirmed(ada)

    browser.token = ada.token
    status, location, _ = await browser.log_in(confirm="true")

    assert (status, location) == (204, "")
    assert await confirmed(ada)
    assert not await confirmed(other)


async def login_again(instance: LiveInstance, browser: OAuthBrowser) -> ApiUser:
    _, _, answer = await browser.log_in()
    return ApiUser(instance, answer["data"])


async def test_a_page_confirms_its_session_by_a_code(instance, browser):
    ada = await login_again(instance, browser)
    _, location, _ = await browser.log_in(confirm="true", redirect="/")
    body = {"code": received(location)["oauth_code"], "confirm": True}

    assert (await instance.rest("POST", "/auth/oauth/exchange", json=body))[0] == 401
    assert (await ada.rest("POST", "/auth/oauth/exchange", json=body))[0] == 204
    assert await confirmed(ada)
    assert (await ada.rest("POST", "/auth/oauth/exchange", json=body))[0] == 400


async def test_an_unlinked_identity_confirms_no_session(instance, browser, other):
    ada = await login_again(instance, browser)
    bob = await instance.register("bob")

    for who in (ProviderUser(), ProviderUser(subject="1009", email="new@example.com")):
        other.user, browser.token = who, bob.token
        status, _, answer = await browser.log_in(confirm="true")
        assert (status, answer["code"]) == (403, "forbidden")
    browser.token = None
    assert (await browser.get("/api/v1/auth/oauth/test/authorize?confirm=true"))[0] == 401

    other.user = ProviderUser()
    _, location, _ = await browser.log_in(confirm="true", redirect="/")
    body = {"code": received(location)["oauth_code"], "confirm": True}
    assert (await bob.rest("POST", "/auth/oauth/exchange", json=body))[0] == 403
    assert not await confirmed(bob)
    assert not await confirmed(ada)
    assert await models.User.filter(email="new@example.com").count() == 0


async def test_a_login_with_a_provider_does_not_replace_the_second_factor(instance, browser):
    await instance.register("ada")
    await verified("ada")
    ada = await login_again(instance, browser)
    await ada.mark_sessions_confirmed()
    secret = (await ada.rest("POST", "/auth/2fa/setup", json={}))[1]["data"]["secret"]
    await ada.rest("POST", "/auth/2fa/enable", json={"code": pyotp.TOTP(secret).now()})
    await models.Session.filter(user_id=ada.id).update(confirmed_at=None)

    browser.token = ada.token

    assert (await browser.log_in(confirm="true"))[0] == 403
    assert not await confirmed(ada)
