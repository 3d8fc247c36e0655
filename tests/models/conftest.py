"""The open database, for tests below the services."""

import pytest

from hubbub.services import database, migrations


@pytest.fixture
async def sql(settings):
    """SQL on a fresh, migrated database; models work too."""
    await migrations.open_current(settings)
    yield database.connection()
    await database.close()
