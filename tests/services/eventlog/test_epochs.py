"""The epoch: generated once, raised once, each time a later one."""

import asyncio
from uuid import UUID

import pytest

from hubbub.db import database, migrations
from hubbub.services.eventlog import epochs


@pytest.fixture
async def opened(settings):
    """The database of the test, open."""
    await migrations.open_current(settings)
    yield settings
    await database.close()


async def test_the_epoch_is_generated_once(opened, databases, database_kind, tmp_path_factory):
    known = {*(await asyncio.gather(epochs.current(), epochs.current())), await epochs.current()}
    await database.close()
    other = databases.create_migrated(database_kind, tmp_path_factory.mktemp("other"))
    await migrations.open_current(opened.model_copy(update={"database_url": other}))

    assert len(known) == 1
    assert await epochs.current() not in known
    await database.close()
    databases.release(other)


@pytest.mark.parametrize("known", ["", str(UUID(int=0)), "ffffffff-ffff-7fff-bfff-000000000000"])
def test_a_new_epoch_is_later_than_the_known_ones(known):
    new = epochs.generate_after(known, None, "")

    assert new > known
