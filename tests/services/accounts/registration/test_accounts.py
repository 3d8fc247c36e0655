"""Registration: the account, its default rooms, and what is taken already."""

import asyncio
import logging

import pytest

from hubbub import models
from hubbub.core.errors import Conflict, Unavailable
from hubbub.services.accounts import registration
from hubbub.services.chat import members
from hubbub.services.context import Context
from tests.services.accounts.registration.operations import login, register


async def test_registration_returns_the_account(container):
    signed = await register(container, name="  Ada Lovelace ", email=" Ada@Example.ORG ")

    assert signed.token_type == "Bearer"
    assert signed.expires_in == container.settings.access_token_ttl_s
    assert signed.user.display_name == "Ada Lovelace"
    assert signed.user.username == "ada-lovelace"
    assert signed.user.email == "ada@example.org"
    assert signed.user.role == "user"
    assert not signed.user.email_verified
    assert await registration.me(Context(container, signed.user.id)) == signed.user


async def test_the_password_is_not_stored(container):
    signed = await register(container)

    user = await models.User.get(id=signed.user.id)
    assert user.password_digest.startswith("$2b$04$")


async def test_the_default_rooms_are_joined(container):
    signed = await register(container)

    assert await models.Membership.filter(user_id=signed.user.id, room__name="general").exists()


async def test_an_account_is_created_although_a_room_cannot_be_joined(container, monkeypatch, caplog):
    async def unavailable(_ctx, _command):
        raise Unavailable

    monkeypatch.setattr(members, "join", unavailable)
    with caplog.at_level(logging.WARNING):
        signed = await register(container)

    assert (await login(container)).user == signed.user
    assert "default room not joined" in caplog.text


async def test_an_email_address_or_username_in_use_is_a_conflict(container):
    await register(container, username="ada")

    with pytest.raises(Conflict) as refusal:
        await register(container, email="ADA@example.org", username="another")
    assert refusal.value.fields[0][0] == "email"
    with pytest.raises(Conflict) as refusal:
        await register(container, email="another@example.org", username="Ada")
    assert refusal.value.fields[0][0] == "username"
    assert await models.User.all().count() == 1
    assert await models.Session.all().count() == 1


@pytest.mark.parametrize("differing", ["email", "username"])
async def test_one_of_two_concurrent_registrations_succeeds(container, differing):
    def attempt(number):
        fields = {"email": "ada@example.org", "username": "ada"}
        other = {"email": f"another{number}@example.org", "username": f"another{number}"}
        return register(container, **{**fields, differing: other[differing]})

    results = await asyncio.gather(*(attempt(number) for number in range(4)), return_exceptions=True)

    refusals = [each for each in results if isinstance(each, BaseException)]
    assert len(refusals) == 3
    assert all(isinstance(each, Conflict) for each in refusals), refusals


async def test_concurrent_registrations_with_one_name_all_get_usernames(container):
    signed = await asyncio.gather(
        *(register(container, name="Ada Lovelace", email=f"ada{number}@example.org") for number in range(20))
    )

    names = {each.user.username for each in signed}
    assert len(names) == 20
    assert all(name.startswith("ada-lovelace") and len(name) <= 32 for name in names)
