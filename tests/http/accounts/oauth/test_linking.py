"""Linking an identity to an account with the same verified e-mail address."""

import pytest

from hubbub import models
from hubbub.services.mail import one_time_tokens
from tests.http.accounts.oauth.conftest import PASSWORD, one_provider, verified
from tests.support.mailbox import plain_text
from tests.support.oauth_provider import (
    ProviderUser,
)


async def test_an_account_with_the_same_verified_email_address_is_linked(instance, browser, mailbox):
    ada = await instance.register("ada")
    await verified("ada")

    status, _, answer = await browser.log_in()

    assert (status, answer["data"]["user"]["id"]) == (200, ada.id)
    assert "log in to your account with Test" in plain_text(
        await mailbox.next_message("ada@example.com", "Login with Test")
    )
    assert not await models.Job.filter(payload__contains='"welcome"').exists()  # it followed the verification
    login = {"email": "ada@example.com", "password": PASSWORD}
    assert (await instance.rest("POST", "/auth/login", json=login))[0] == 200


async def test_an_account_with_an_unverified_email_address_is_not_linked(instance, browser):
    """Registering the e-mail address of another user does not capture that user's login."""
    await instance.register("ada")

    status, _, answer = await browser.log_in()

    assert (status, answer["code"]) == (409, "conflict")
    assert "never confirmed" in answer["detail"]
    assert await models.Identity.all().count() == 0
    await verified("ada")
    assert (await browser.log_in())[0] == 200


async def test_an_address_that_an_account_may_restore_creates_no_account(instance, browser):
    """A new account with it would make the undo of the change fail."""
    ada = await instance.register("ada")
    user = await models.User.get(id=ada.id)
    await one_time_tokens.create_undo(user, one_time_tokens.UNDO_EMAIL, {})
    await models.User.filter(id=ada.id).update(email="new@example.com")

    status, _, answer = await browser.log_in()

    assert (status, answer["code"]) == (409, "conflict")
    assert "restore" in answer["detail"]
    assert await models.User.all().count() == 1


@pytest.mark.parametrize("provider", ["test", "github"])
async def test_an_email_address_unverified_by_the_provider_links_nothing(instance, browser, other, provider):
    await instance.register("ada")
    await verified("ada")
    for who in (
        ProviderUser(email_verified=False),
        ProviderUser(email_verified=False, email="new@example.com"),
    ):
        other.user = who

        status, _, answer = await browser.log_in(provider)

        assert (status, answer["code"]) == (403, "forbidden")
    assert await models.Identity.all().count() == 0
    assert await models.User.all().count() == 1


@one_provider()
@pytest.mark.parametrize("claim", [None, "false", 1, "yes", {"ada@example.com": True}])
async def test_only_the_boolean_true_means_verified(instance, browser, other, claim):
    other.alter_claims = lambda claims: {**claims, "email_verified": claim}

    assert (await browser.log_in())[0] == 403


@one_provider()
@pytest.mark.parametrize(
    "email", ["ａda@example.com", "\u212ada@example.com", "ada@example.com\n", "ada", "ada@exam ple.com"]
)
async def test_a_changed_email_address_that_becomes_anothers_is_not_linked(instance, browser, other, email):
    """Full-width letters and the kelvin sign equal other letters when e-mail addresses are compared."""
    for name in ("ada", "kda"):
        await instance.register(name)
        await verified(name)
    other.user = ProviderUser(email=email)

    assert (await browser.log_in())[0] == 403


async def test_email_addresses_are_compared_without_case(instance, browser, other):
    ada = await instance.register("ada")
    await verified("ada")
    other.user = ProviderUser(email="Ada@Example.com")

    assert (await browser.log_in())[2]["data"]["user"]["id"] == ada.id


@one_provider()
async def test_one_subject_of_two_issuers_is_two_users(instance, browser, other):
    """GitHub's number 1001 and the issuer's are different users, although one server is both providers."""
    await browser.log_in("test")
    other.user = ProviderUser(email="new@example.com")

    _, _, answer = await browser.log_in("github")

    assert answer["data"]["user"]["email"] == "new@example.com"


@one_provider()
@pytest.mark.parametrize(
    "name", ["", "a\nb", "\u202e", "\u200b", "\u3164", "x" * 500, "\ufdfa" * 80, 7], ids=ascii
)
async def test_an_undisplayable_name_is_replaced(instance, browser, other, name):
    other.user = ProviderUser(name=name)

    status, _, answer = await browser.log_in()

    assert status == 200
    assert answer["data"]["user"]["display_name"] in ("ada", "x" * 80, "\ufdfa" * 4)
