"""Operations without an instance."""

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.config import Settings
from tests.support.postgres_tools import path_with_postgres_tools


async def test_a_new_sqlite_database_is_migrated_and_open(tmp_path):
    async with services_context.open_container(Settings.for_tests(data_dir=tmp_path)) as container:
        assert await models.User.all().count() == 0
        assert container.epoch_watch.epoch


async def test_the_context_can_be_opened_again(settings):
    async with services_context.open_container(settings) as container:
        first = container.epoch_watch.epoch
    async with services_context.open_container(settings) as container:
        assert container.epoch_watch.epoch == first


@pytest.mark.parametrize("database_kind", ["postgres"])
@pytest.mark.parametrize(
    "words",
    [
        ["migrate"],
        ["seed", "--no-pictures", "--users", "3", "--rooms", "1", "--messages", "5"],
        ["doctor"],
        ["epoch", "new"],
        ["backup", "--to", "backups"],
    ],
    ids=lambda words: words[0],
)
def test_a_command_finds_the_host_that_accepts_writes(run, database_url, words, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", path_with_postgres_tools())
    monkeypatch.chdir(tmp_path)
    head, _, place = database_url.rpartition("@")
    url = f"{head}@127.0.0.1:1,{place}"

    result = run(*words, HUBBUB_DATABASE_URL=url, HUBBUB_DATA_DIR=str(tmp_path))

    assert result.exit_code == 0, result.output
