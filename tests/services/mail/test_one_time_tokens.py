"""Tokens that one instance stores and another one reads, when their clocks differ."""

from datetime import timedelta

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.errors import InvalidToken
from hubbub.db import database
from hubbub.services.auth import mfa_challenges
from hubbub.services.mail import one_time_tokens

EMAIL = "ada@example.com"


@pytest.fixture
async def user(settings):
    async with services_context.open_container(settings):
        yield await models.User.create(username="ada", display_name="Ada", email=EMAIL, password_digest="")


async def peeked(user):
    return await one_time_tokens.create(user.id, "reset_password", EMAIL), lambda token: one_time_tokens.peek(
        "reset_password", token
    )


async def spent(user):
    async def use(token):
        async with database.transaction() as tx:
            return await one_time_tokens.consume(tx, "verify_email", token)

    return await one_time_tokens.create(user.id, "verify_email", EMAIL), use


async def undone(user):
    async def use(token):
        async with database.transaction():
            return await one_time_tokens.consume_undo(await one_time_tokens.create_stored_token(token) or "")

    return await one_time_tokens.create_undo(user, one_time_tokens.UNDO_API_KEY, {}), use


async def second_step(user):
    async def use(token):
        pending = await mfa_challenges.find(token)
        async with database.transaction() as tx:
            await mfa_challenges.count_attempt(tx, pending)
        return pending

    return await mfa_challenges.create(user.id, None), use


KINDS = {
    peeked: timedelta(hours=1),
    spent: timedelta(hours=24),
    undone: timedelta(days=7),
    second_step: timedelta(minutes=5),
}


def elsewhere(monkeypatch, difference):
    """The clock of another machine."""
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + difference)


@pytest.mark.parametrize("seconds", [-60, -0.1, 1, 60])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_of_an_instance_with_another_clock_is_valid_for_its_lifetime(
    user, monkeypatch, kind, seconds
):
    with monkeypatch.context() as there:
        elsewhere(there, timedelta(seconds=seconds))
        token, use = await kind(user)
    elsewhere(monkeypatch, KINDS[kind] - timedelta(seconds=1))  # the last second of its time

    assert await use(token)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_is_refused_when_it_has_expired_by_every_clock(user, monkeypatch, kind):
    token, use = await kind(user)
    elsewhere(monkeypatch, KINDS[kind] + clock.MAX_CLOCK_SKEW + timedelta(seconds=1))

    with pytest.raises(InvalidToken):
        await use(token)
