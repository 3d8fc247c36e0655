"""Ended rows are kept for a limited time."""

from datetime import timedelta

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.request_info import RequestInfo
from hubbub.db import locking
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

    await retention.remove_ended_sessions(30)
    await retention.remove_used_tokens()
    assert await models.Session.exists()
    assert await models.OneTimeToken.exists()

    await models.Session.all().update(revoked_at=clock.now() - timedelta(days=31))
    await models.OneTimeToken.all().update(expires_at=clock.now() - 3 * clock.MAX_CLOCK_SKEW)
    await retention.remove_ended_sessions(30)
    await retention.remove_used_tokens()
    assert not await models.Session.exists()
    assert not await models.OneTimeToken.exists()
    assert await models.User.exists()


async def test_jobs_are_deleted_a_while_after_their_end(container, monkeypatch):
    monkeypatch.setattr(locking, "MAX_LOCKED_ROWS", 2)
    days = {"done": (0.9, 1.1, 1.2, 1.3), "dead": (29, 31), "ready": (99,), "running": (99,)}
    for state, ages in days.items():
        for age in ages:
            at = clock.now() - timedelta(days=age)
            await models.Job.create(
                queue="mail",
                kind="x",
                payload="{}",
                state=state,
                run_at=at,
                created_at=at,
                ended_at=at,
            )

    await retention.remove_old_rows(30, 365)

    assert sorted([job.state for job in await models.Job.all()]) == ["dead", "done", "ready", "running"]


async def test_oauth_handoffs_are_deleted_after_their_state_expires(container):
    for state, seconds in (("a", -121), ("b", -60)):  # "b" is accepted where the clock is late
        await models.OAuthHandoff.create(
            state_digest=state, expires_at=clock.now() + timedelta(seconds=seconds)
        )

    await retention.remove_ended_sessions(30)

    assert [row.state_digest for row in await models.OAuthHandoff.all()] == ["b"]
