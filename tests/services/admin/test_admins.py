"""Creating admins."""

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import passwords
from hubbub.core.errors import Conflict, InvalidPayload
from hubbub.services.admin import admins


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def test_an_admin_is_a_member_of_the_default_rooms_and_has_no_session(container):
    await admins.create(container, "Root@Example.org ", "long enough")

    user = await models.User.get(email="root@example.org")
    assert (user.role, user.username) == ("admin", "root")
    assert user.email_verified_at is not None
    assert await passwords.matches("long enough", user.password_digest, 4)
    assert await models.Membership.filter(user_id=user.id, room__name="general").exists()
    assert not await models.Session.exists()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # refused for its form
@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("root@example.org", "short"),
        ("root@example.org", ""),
        ("nonsense", "long enough"),
        ("", "long enough"),
    ],
)
async def test_invalid_account_data_is_refused(container, email, password):
    with pytest.raises(InvalidPayload):
        await admins.create(container, email, password)

    assert not await models.User.exists()


async def test_an_existing_account_becomes_an_admin_and_keeps_its_password(container):
    await models.User.create(username="ada", email="ada@example.org", display_name="Ada", password_digest="x")

    assert await admins.exists("ADA@example.org")
    await admins.promote(container, "ADA@example.org")

    user = await models.User.get(username="ada")
    assert (user.role, user.password_digest) == ("admin", "x")
    assert user.version > 0  # by which instances find it
    row = await models.AuditRecord.get(action="admin.create")
    assert (row.outcome, row.target_id, row.facts) == ("ok", str(user.id), '{"before":"user"}')


async def test_an_unknown_account_is_not_promoted(container):
    assert not await admins.exists("nobody@example.org")
    with pytest.raises(Conflict):
        await admins.promote(container, "nobody@example.org")


async def test_an_account_is_not_created_twice(container):
    await admins.create(container, "root@example.org", "long enough")

    with pytest.raises(Conflict):
        await admins.create(container, "root@example.org", "another one")
