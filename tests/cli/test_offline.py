"""Operations without an instance."""

from hubbub import models
from hubbub.cli import offline
from hubbub.config import Settings


async def test_a_new_sqlite_database_is_migrated_and_open(tmp_path):
    async with offline.opened(Settings.for_tests(data_dir=tmp_path)) as parts:
        assert await models.User.all().count() == 0
        assert parts.epoch


async def test_it_can_be_opened_again(settings):
    async with offline.opened(settings) as parts:
        first = parts.epoch
    async with offline.opened(settings) as parts:
        assert parts.epoch == first
