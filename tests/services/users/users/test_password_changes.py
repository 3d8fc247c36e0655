"""Logins during a change of the password: no session of the old one survives."""

import asyncio
import contextlib

import pytest

from hubbub import models
from hubbub.core.errors import HubbubError
from hubbub.db import database
from hubbub.schemas.accounts import accounts as wire
from hubbub.services.accounts import registration
from hubbub.services.auth import passwords, sessions
from tests.services.users.users.race_user import NEW, OLD, RaceUser


async def test_a_password_and_the_sessions_of_the_old_one_end_together(container, monkeypatch):
    user = await RaceUser(container, "ada").begin()
    thief = await user.login()
    real, begun = database.transaction, 0

    @contextlib.asynccontextmanager
    async def killed_after_the_first():
        nonlocal begun
        begun += 1
        if begun > 1:
            raise asyncio.CancelledError
        async with real() as tx:
            yield tx

    monkeypatch.setattr(database, "transaction", killed_after_the_first)
    with contextlib.suppress(asyncio.CancelledError):
        await passwords.change(user.ctx, wire.ChangePassword(current_password=OLD, new_password=NEW))
    monkeypatch.setattr(database, "transaction", real)

    with pytest.raises(HubbubError):
        await sessions.authenticate(container, thief.access_token)
    await sessions.authenticate(container, user.signed.access_token)


async def test_many_logins_around_a_change_leave_no_session_of_the_old_password(container):
    user = await RaceUser(container, "ada").begin()
    change = wire.ChangePassword(current_password=OLD, new_password=NEW)

    *logins, _ = await asyncio.gather(
        *(user.login() for _ in range(10)), passwords.change(user.ctx, change), return_exceptions=True
    )

    alive = await models.Session.filter(user_id=user.id, revoked_at__isnull=True).values_list("id", flat=True)
    assert alive == [user.ctx.session_id]
    assert all(isinstance(each, wire.TokenPair | HubbubError) for each in logins)


async def test_a_digest_replaced_during_an_operation_refuses_no_valid_password(container, gate):
    user = await RaceUser(container, "ada").begin()
    digest = (await models.User.get(id=user.id)).password_digest

    async def renewed():
        await models.User.filter(id=user.id).update(
            password_digest=await registration.passwords.digest(OLD, 4)
        )

    signed = await gate.race(user.login(), renewed())

    assert isinstance(signed, wire.TokenPair)
    assert (await models.User.get(id=user.id)).password_digest != digest
