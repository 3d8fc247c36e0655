"""Ended rows are kept for a limited time."""

from datetime import timedelta

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.request_info import RequestInfo
from hubbub.schemas.accounts.accounts import Register
from hubbub.schemas.base import parse
from hubbub.services.accounts import registration
from hubbub.services.jobs import retention
from hubbub.services.mail import one_time_tokens


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def test_old_sessions_and_tokens_are_deleted(container):
    given = {"name": "Ada", "email": "ada@example.org", "password": "long enough"}
    login = await registration.register(container, parse(Register, given), RequestInfo("192.0.2.1", "tests"))
    await one_time_tokens.create(login.user.id, "verify_email", "ada@example.org")
    await models.Session.all().update(revoked_at=clock.now() - timedelta(days=29))

    await retention.purge(30, 365)
    assert await models.Session.exists()
    assert await models.OneTimeToken.exists()

    await models.Session.all().update(revoked_at=clock.now() - timedelta(days=31))
    await models.OneTimeToken.all().update(expires_at=clock.now() - 3 * clock.MAX_CLOCK_SKEW)
    await retention.purge(30, 365)
    assert not await models.Session.exists()
    assert not await models.OneTimeToken.exists()
    assert await models.User.exists()


async def test_oauth_handoffs_are_deleted_after_their_state_expires(container):
    for state, seconds in (("a", -121), ("b", -60)):  # "b" is accepted where the clock is late
        await models.OAuthHandoff.create(
            state_digest=state, expires_at=clock.now() + timedelta(seconds=seconds)
        )

    await retention.purge(30, 365)

    assert [row.state_digest for row in await models.OAuthHandoff.all()] == ["b"]
