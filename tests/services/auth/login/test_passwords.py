"""Logins with a registered account."""

import pytest

from hubbub import models
from hubbub.core import clock, passwords
from hubbub.core.errors import Suspended, Unauthenticated, Unavailable
from tests.services.accounts.registration.operations import login, register


async def test_a_login_creates_a_new_session(container):
    registered = await register(container)

    signed = await login(container, email=" ADA@example.org")

    assert signed.user == registered.user
    assert signed.refresh_token != registered.refresh_token
    rows = await models.Session.filter(user_id=signed.user.id)
    assert [(row.ip, row.user_agent) for row in rows] == [("192.0.2.1", "tests")] * 2


@pytest.mark.parametrize("password", ["пароль и ещё", "密码密码密码密码", "po" * 36 + "p", "🐎" * 300])
async def test_any_registered_password_logs_in(container, password):
    await register(container, password=password)

    await login(container, password=password)
    with pytest.raises(Unauthenticated):
        await login(container, password=password[:-1])


async def test_an_unknown_account_and_a_wrong_password_get_the_same_error(container):
    await register(container)

    refusals = []
    for email, password in [
        ("ada@example.org", "wrong password"),
        ("eve@example.org", "wrong password"),
        ("nonsense", "wrong password"),
    ]:
        with pytest.raises(Unauthenticated) as refusal:
            await login(container, email, password)
        refusals.append((refusal.value.code, refusal.value.message, refusal.value.fields))
    assert len(set(refusals)) == 1


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_unknown_account_takes_the_same_work(container, monkeypatch):
    await register(container)
    compared = []

    def watched(password, digest):
        compared.append(digest[:7])
        return False

    monkeypatch.setattr(passwords.bcrypt, "checkpw", watched)
    for email in ("ada@example.org", "eve@example.org", "nonsense"):
        with pytest.raises(Unauthenticated):
            await login(container, email)

    assert compared == [b"$2b$04$"] * 3


async def test_suspension_is_reported_only_with_the_password(container):
    signed = await register(container)
    await models.User.filter(id=signed.user.id).update(suspended_at=clock.now(), suspend_reason="spam")

    with pytest.raises(Suspended):
        await login(container)
    with pytest.raises(Unauthenticated):
        await login(container, password="wrong password")


async def test_a_deleted_account_cannot_log_in(container):
    signed = await register(container)
    await models.User.filter(id=signed.user.id).update(deleted_at=clock.now())

    with pytest.raises(Unauthenticated):
        await login(container)


async def test_a_digest_with_other_rounds_is_replaced(container):
    signed = await register(container)
    old = await passwords.digest("long enough", 5)
    await models.User.filter(id=signed.user.id).update(password_digest=old)

    await login(container)

    stored = (await models.User.get(id=signed.user.id)).password_digest
    assert passwords.rounds_of(stored) == 4
    await login(container)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_replacing_a_digest_does_not_restore_an_old_password(container, monkeypatch):
    signed = await register(container)
    mine = models.User.filter(id=signed.user.id)
    await mine.update(password_digest=await passwords.digest("long enough", 5))
    another = await passwords.digest("another password", 4)
    make = passwords.digest

    async def slow(password, rounds):
        await mine.update(password_digest=another)  # the password is changed in this moment
        return await make(password, rounds)

    monkeypatch.setattr(passwords, "digest", slow)
    await login(container)

    assert (await mine.get()).password_digest == another


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_login_succeeds_although_its_digest_cannot_be_replaced(container, monkeypatch):
    signed = await register(container)
    old = await passwords.digest("long enough", 5)
    await models.User.filter(id=signed.user.id).update(password_digest=old)

    async def busy(_password, _rounds):
        raise Unavailable

    monkeypatch.setattr(passwords, "digest", busy)
    await login(container)

    assert (await models.User.get(id=signed.user.id)).password_digest == old
