"""Who may come in, how tokens are renewed, how a session ends."""

import asyncio
from datetime import timedelta

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.errors import InvalidToken, SessionRevoked, Suspended, Unauthenticated
from hubbub.core.request_info import RequestInfo
from hubbub.schemas.accounts.accounts import Refresh, Register
from hubbub.services.accounts import registration
from hubbub.services.auth import login, sessions
from hubbub.services.context import Context


@pytest.fixture
async def parts(settings):
    async with services_context.open_container(settings) as parts:
        yield parts


@pytest.fixture
async def signed(parts):
    command = Register(name="Ada", email="ada@example.org", password="long enough")
    return await registration.register(parts, command, RequestInfo("192.0.2.1", "tests"))


@pytest.fixture
def told(parts):
    """What the bus said of sessions that ended."""
    heard = []
    parts.bus.add_handler(lambda signal: heard.append(signal) if hasattr(signal, "reason") else None)
    return heard


def refresh(parts, token):
    return sessions.refresh(parts, Refresh(refresh_token=token), RequestInfo("192.0.2.1", "tests"))


async def test_an_access_token_admits(parts, signed):
    admitted = await sessions.authenticate(parts, signed.access_token)

    assert admitted.user.id == signed.user.id
    assert admitted.role == "user"
    assert clock.now() < admitted.expires_at


async def test_a_refresh_gives_a_new_pair(parts, signed):
    again = await refresh(parts, signed.refresh_token)

    assert again.user == signed.user
    assert again.refresh_token != signed.refresh_token
    before, after = [await sessions.authenticate(parts, each.access_token) for each in (signed, again)]
    assert before.session_id == after.session_id
    await refresh(parts, again.refresh_token)


async def test_a_refresh_prolongs_the_session(parts, signed):
    await models.Session.all().update(expires_at=clock.now() + timedelta(seconds=5))

    await refresh(parts, signed.refresh_token)

    session = await models.Session.get()
    assert session.expires_at > clock.now() + timedelta(days=6)


async def test_a_spent_refresh_token_ends_the_session(parts, signed, told):
    again = await refresh(parts, signed.refresh_token)

    with pytest.raises(InvalidToken):
        await refresh(parts, signed.refresh_token)

    for each in (signed, again):
        with pytest.raises(SessionRevoked):
            await sessions.authenticate(parts, each.access_token)
        with pytest.raises(InvalidToken):
            await refresh(parts, each.refresh_token)
    assert [signal.reason for signal in told] == ["refresh_token_reused"]


async def test_of_many_who_use_one_at_once_one_gets_the_pair_and_the_session_ends(parts, signed):
    results = await asyncio.gather(
        *(refresh(parts, signed.refresh_token) for _ in range(10)), return_exceptions=True
    )

    pairs = [each for each in results if not isinstance(each, BaseException)]
    assert len(pairs) == 1
    assert all(isinstance(each, InvalidToken) for each in results if each not in pairs)
    with pytest.raises(SessionRevoked):
        await sessions.authenticate(parts, pairs[0].access_token)


async def test_only_refresh_tokens_refresh(parts, signed):
    with pytest.raises(InvalidToken):
        await refresh(parts, signed.access_token)
    with pytest.raises(Unauthenticated):
        await sessions.authenticate(parts, signed.refresh_token)


async def test_a_session_that_nobody_used_has_run_out(parts, signed):
    await models.Session.all().update(expires_at=clock.now())

    with pytest.raises(SessionRevoked):
        await sessions.authenticate(parts, signed.access_token)
    with pytest.raises(InvalidToken):
        await refresh(parts, signed.refresh_token)


async def test_logging_out_ends_one_session(parts, signed, told):
    command = registration.wire.Login(email="ada@example.org", password="long enough")
    other = await login.login(parts, command, RequestInfo("", ""))
    admitted = await sessions.authenticate(parts, signed.access_token)

    ctx = Context(parts, signed.user.id, admitted.session_id)
    await sessions.logout(ctx)
    await sessions.logout(ctx)

    with pytest.raises(SessionRevoked):
        await sessions.authenticate(parts, signed.access_token)
    with pytest.raises(InvalidToken):
        await refresh(parts, signed.refresh_token)
    await sessions.authenticate(parts, other.access_token)
    await refresh(parts, other.refresh_token)
    assert {(signal.session_id, signal.reason) for signal in told} == {(admitted.session_id, "logged_out")}


async def test_the_suspended_come_in_nowhere(parts, signed):
    await models.User.all().update(suspended_at=clock.now())

    with pytest.raises(Suspended):
        await sessions.authenticate(parts, signed.access_token)
    with pytest.raises(Suspended):
        await refresh(parts, signed.refresh_token)


async def test_a_suspension_ends(parts, signed):
    now = clock.now()
    await models.User.all().update(suspended_at=now - timedelta(days=2), suspended_until=now)

    await sessions.authenticate(parts, signed.access_token)
    await refresh(parts, signed.refresh_token)


async def test_the_deleted_come_in_nowhere(parts, signed):
    await models.User.all().update(deleted_at=clock.now())

    with pytest.raises(Unauthenticated):
        await sessions.authenticate(parts, signed.access_token)
    with pytest.raises(InvalidToken):
        await refresh(parts, signed.refresh_token)


async def test_a_session_that_is_gone_admits_nobody(parts, signed):
    await models.Session.all().delete()

    with pytest.raises(Unauthenticated):
        await sessions.authenticate(parts, signed.access_token)
    with pytest.raises(InvalidToken):
        await refresh(parts, signed.refresh_token)
