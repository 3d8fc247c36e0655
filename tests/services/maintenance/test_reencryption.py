"""Encrypted secrets after the secret key was replaced."""

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.request_info import RequestInfo
from hubbub.core.sealing import DecryptionError, Sealing
from hubbub.schemas.accounts.accounts import Register
from hubbub.schemas.base import parse
from hubbub.services.accounts import registration
from hubbub.services.auth import two_factor
from hubbub.services.context import Context
from hubbub.services.maintenance import reencryption

NEXT = "the-secret-key-that-comes-after-it"


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def confirmed(container, login):
    await models.Session.filter(user_id=login.user.id).update(confirmed_at=clock.now())
    session = await models.Session.get(user_id=login.user.id)
    return Context(container, login.user.id, session.id)


async def test_the_previous_key_is_no_longer_needed(container, monkeypatch):
    monkeypatch.setattr(reencryption, "REENCRYPT_BATCH_ROWS", 2)
    secrets = {}
    for number in range(5):
        given = {"name": "Ada", "email": f"ada{number}@example.org", "password": "long enough"}
        login = await registration.register(
            container, parse(Register, given), RequestInfo("192.0.2.1", "tests")
        )
        secrets[login.user.id] = (await two_factor.setup(await confirmed(container, login))).secret
    container.sealing = Sealing([NEXT, container.settings.secret_key])
    assert await reencryption.run(container) == (5, 0)
    assert await reencryption.run(container) == (0, 0)

    alone = Sealing([NEXT])
    for row in await models.TwoFactor.all():
        assert (
            alone.unseal(two_factor.sealing_purpose(row.user_id), row.secret).decode() == secrets[row.user_id]
        )
        with pytest.raises(DecryptionError):  # a secret of one user does not open for another
            alone.unseal(two_factor.sealing_purpose(row.id), row.secret)


async def test_unreadable_secrets_are_counted_and_kept(container):
    given = {"name": "Ada", "email": "ada@example.org", "password": "long enough"}
    login = await registration.register(container, parse(Register, given), RequestInfo("192.0.2.1", "tests"))
    await two_factor.setup(await confirmed(container, login))
    sealed = (await models.TwoFactor.get()).secret
    container.sealing = Sealing([NEXT])

    assert await reencryption.run(container) == (0, 1)

    assert (await models.TwoFactor.get()).secret == sealed
