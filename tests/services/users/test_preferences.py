"""Preferences and the deletion of their account."""

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.errors import NotFound
from hubbub.schemas.users.preferences import AppPreferences, UpdateApp
from hubbub.services.context import Context
from hubbub.services.users import preferences


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def test_a_change_after_the_deletion_of_the_account_stores_nothing(container):
    ada = await models.User.create(
        username="ada", email="ada@example.org", display_name="Ada", deleted_at=clock.now()
    )

    with pytest.raises(NotFound):
        await preferences.update(Context(container, ada.id), AppPreferences, UpdateApp(theme="dark"))

    assert not await models.Preference.exists()
