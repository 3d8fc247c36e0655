"""The databases of tests: emptied ones are used again, changed ones are not."""

import asyncpg
import pytest
from tortoise import Tortoise

from hubbub.config import Settings
from hubbub.db import database
from tests.support import orm_setup
from tests.support.databases import Databases

NEXT_NUMBERS = """
SELECT nextval(oid) FROM pg_class WHERE relkind = 'S' AND relname <> 'aerich_id_seq'
AND relnamespace = 'public'::regnamespace
"""


async def test_a_database_is_emptied_and_used_again_several_times(databases: Databases, tmp_path):
    urls = []
    for _ in range(4):
        url = databases.create_migrated("postgres", tmp_path)
        urls.append(url)
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT count(*) FROM jobs") == 0
        numbers = await connection.fetch(NEXT_NUMBERS)
        assert numbers
        assert {number for (number,) in numbers} == {1}
        await connection.execute("INSERT INTO state (key, value) VALUES ('a', 'b')")
        await connection.close()
        databases.release(url)

    assert set(urls) == {urls[0]}


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE further (id int)",
        "ALTER TABLE state ADD COLUMN further int",
        "ANALYZE state",
        "INSERT INTO aerich (version, app, content) VALUES ('99', 'hubbub', '{}')",
    ],
)
async def test_a_changed_database_is_not_used_again(databases, tmp_path, change):
    url = databases.create_migrated("postgres", tmp_path)
    connection = await asyncpg.connect(url)
    await connection.execute("INSERT INTO state (key, value) VALUES ('a', 'b')")
    await connection.execute(change)
    await connection.close()
    databases.release(url)
    other = databases.create_migrated("postgres", tmp_path)
    databases.release(other)

    assert other != url


async def test_tortoise_sets_up_the_models_of_each_dialect_as_without_kept_results(databases, tmp_path):
    sqlite, postgres = (
        Settings.for_tests(database_url=databases.create_migrated(kind, tmp_path), data_dir=tmp_path)
        for kind in ("sqlite", "postgres")
    )
    for settings in (sqlite, postgres, sqlite, postgres):
        await database.connect(settings)
        apps = Tortoise.apps
        assert apps is not None
        kept = described(apps)
        orm_setup._set_up(apps)

        assert kept == described(apps)
        await database.close()
    databases.release(postgres.database_url)


def described(apps):
    """What the set-up wrote, as text: a filter may hold a partial, which equals only itself."""
    return {
        model: {name: str(getattr(model._meta, name)) for name in orm_setup._ATTRIBUTES}
        for app in apps.apps.values()
        for model in app.values()
    }
