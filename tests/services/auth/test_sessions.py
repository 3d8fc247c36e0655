"""Authentication, renewal of tokens, and the end of a session."""

import asyncio
from datetime import timedelta

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.errors import InvalidToken, SessionRevoked, Suspended, Unauthenticated
from hubbub.core.request_info import RequestInfo
from hubbub.schemas.accounts.accounts import Login, Refresh, Register
from hubbub.schemas.auth.sessions import SessionRef
from hubbub.schemas.sync.connection import SessionEndReason
from hubbub.services.accounts import registration
from hubbub.services.auth import login, session_list, sessions
from hubbub.services.context import Context


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
async def signed(container):
    command = Register(name="Ada", email="ada@example.org", password="long enough")
    return await registration.register(container, command, RequestInfo("192.0.2.1", "tests"))


@pytest.fixture
def end_signals(container):
    """The signals of ended sessions."""
    received = []
    container.bus.add_handler(lambda signal: received.append(signal) if hasattr(signal, "reason") else None)
    return received


def refresh(container, token):
    return sessions.refresh(container, Refresh(refresh_token=token), RequestInfo("192.0.2.1", "tests"))


async def test_an_access_token_authenticates(container, signed):
    admitted = await sessions.authenticate(container, signed.access_token)

    assert admitted.user.id == signed.user.id
    assert admitted.role == "user"
    assert clock.now() < admitted.expires_at


async def test_a_refresh_returns_a_new_pair(container, signed):
    again = await refresh(container, signed.refresh_token)

    assert again.user == signed.user
    assert again.refresh_token != signed.refresh_token
    before, after = [await sessions.authenticate(container, each.access_token) for each in (signed, again)]
    assert before.session_id == after.session_id
    await refresh(container, again.refresh_token)


async def test_a_refresh_extends_the_session(container, signed):
    await models.Session.all().update(expires_at=clock.now() + timedelta(seconds=5))

    await refresh(container, signed.refresh_token)

    session = await models.Session.get()
    assert session.expires_at > clock.now() + timedelta(days=6)


async def test_a_reused_refresh_token_ends_the_session(container, signed, end_signals):
    again = await refresh(container, signed.refresh_token)

    with pytest.raises(InvalidToken):
        await refresh(container, signed.refresh_token)

    for each in (signed, again):
        with pytest.raises(SessionRevoked):
            await sessions.authenticate(container, each.access_token)
        with pytest.raises(InvalidToken):
            await refresh(container, each.refresh_token)
    assert [signal.reason for signal in end_signals] == ["refresh_token_reused"]


async def test_concurrent_uses_of_a_refresh_token_give_one_pair_and_end_the_session(container, signed):
    results = await asyncio.gather(
        *(refresh(container, signed.refresh_token) for _ in range(10)), return_exceptions=True
    )

    pairs = [each for each in results if not isinstance(each, BaseException)]
    assert len(pairs) == 1
    assert all(isinstance(each, InvalidToken) for each in results if each not in pairs)
    with pytest.raises(SessionRevoked):
        await sessions.authenticate(container, pairs[0].access_token)


async def test_only_refresh_tokens_can_refresh(container, signed):
    with pytest.raises(InvalidToken):
        await refresh(container, signed.access_token)
    with pytest.raises(Unauthenticated):
        await sessions.authenticate(container, signed.refresh_token)


async def test_an_unused_session_expires(container, signed):
    await models.Session.all().update(expires_at=clock.now())

    with pytest.raises(SessionRevoked):
        await sessions.authenticate(container, signed.access_token)
    with pytest.raises(InvalidToken):
        await refresh(container, signed.refresh_token)


async def test_logging_out_ends_one_session(container, signed, end_signals):
    command = registration.wire.Login(email="ada@example.org", password="long enough")
    other = await login.login(container, command, RequestInfo("", ""))
    admitted = await sessions.authenticate(container, signed.access_token)

    ctx = Context(container, signed.user.id, admitted.session_id)
    await sessions.logout(ctx)
    await sessions.logout(ctx)

    with pytest.raises(SessionRevoked):
        await sessions.authenticate(container, signed.access_token)
    with pytest.raises(InvalidToken):
        await refresh(container, signed.refresh_token)
    await sessions.authenticate(container, other.access_token)
    await refresh(container, other.refresh_token)
    assert {(signal.session_id, signal.reason) for signal in end_signals} == {
        (admitted.session_id, "logged_out")
    }


async def test_a_session_that_has_just_ended_ends_no_other(container, signed):
    command = Login(email="ada@example.org", password="long enough")
    other = await login.login(container, command, RequestInfo("192.0.2.1", "tests"))
    kept, ended = [await sessions.authenticate(container, each.access_token) for each in (signed, other)]
    ctx = Context(container, signed.user.id, ended.session_id)  # authenticated before its end
    await sessions.revoke(container, signed.user.id, ended.session_id, SessionEndReason.ENDED_BY_USER)

    for call in (
        session_list.revoke_others(ctx),
        session_list.revoke(ctx, SessionRef(session_id=kept.session_id)),
    ):
        with pytest.raises(SessionRevoked):
            await call

    await sessions.authenticate(container, signed.access_token)


async def test_a_suspended_user_is_refused_everywhere(container, signed):
    await models.User.all().update(suspended_at=clock.now())

    with pytest.raises(Suspended):
        await sessions.authenticate(container, signed.access_token)
    with pytest.raises(Suspended):
        await refresh(container, signed.refresh_token)


async def test_a_suspension_ends(container, signed):
    now = clock.now()
    await models.User.all().update(suspended_at=now - timedelta(days=2), suspended_until=now)

    await sessions.authenticate(container, signed.access_token)
    await refresh(container, signed.refresh_token)


async def test_a_deleted_user_is_refused_everywhere(container, signed):
    await models.User.all().update(deleted_at=clock.now())

    with pytest.raises(Unauthenticated):
        await sessions.authenticate(container, signed.access_token)
    with pytest.raises(InvalidToken):
        await refresh(container, signed.refresh_token)


async def test_a_missing_session_is_refused(container, signed):
    await models.Session.all().delete()

    with pytest.raises(Unauthenticated):
        await sessions.authenticate(container, signed.access_token)
    with pytest.raises(InvalidToken):
        await refresh(container, signed.refresh_token)
