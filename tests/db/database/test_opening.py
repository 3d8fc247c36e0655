"""Opening and closing the database, and errors while opening it."""

import os
import sqlite3
from pathlib import Path

import pytest

from hubbub import models
from hubbub.config import Settings
from hubbub.db import database, migrations
from hubbub.db.engines import pool
from tests.db.database.conftest import only_postgres, stored_keys


async def _problem(**fields):
    with pytest.raises(database.DatabaseProblem) as caught:
        await migrations.open_current(Settings.for_tests(**fields))
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_several_databases_are_used_in_sequence(databases, tmp_path):
    urls = [databases.create_migrated(kind, tmp_path) for kind in ("sqlite", "postgres", "postgres")]
    for number, url in enumerate([*urls, *urls]):
        await migrations.open_current(Settings.for_tests(database_url=url, data_dir=tmp_path))
        await models.DatabaseMeta.create(key=f"{number}", value="")
        assert await stored_keys() == [str(each) for each in (number - 3, number) if each >= 0]
        await database.close()
    for url in urls[1:]:
        databases.release(url)


async def test_closing_twice_or_without_opening_is_no_error(settings):
    await database.close()
    await migrations.open_current(settings)
    await database.close()
    await database.close()


async def test_a_database_in_memory_needs_no_migration():
    await migrations.open_current(Settings.for_tests())
    await models.DatabaseMeta.create(key="a", value="")

    assert await stored_keys() == ["a"]
    await database.close()


async def test_a_relative_path_starts_at_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.for_tests(database_url="sqlite://some/where/hub%20bub.db")
    await migrations.up(settings)

    assert (tmp_path / "some" / "where" / "hub bub.db").is_file()


async def test_a_file_that_is_not_a_database_is_reported(tmp_path):
    (tmp_path / "hubbub.db").write_text("Dear Ada,\n" * 1000)

    assert "hubbub.db is not an SQLite database" in await _problem(data_dir=tmp_path)


async def test_a_damaged_file_is_reported(tmp_path):
    settings = Settings.for_tests(data_dir=tmp_path)
    await migrations.up(settings)
    with (tmp_path / "hubbub.db").open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(3000))

    assert "hubbub.db is damaged" in await _problem(data_dir=tmp_path)


async def test_a_file_held_by_another_program_is_reported(tmp_path, short_timeouts):
    settings = Settings.for_tests(data_dir=tmp_path)
    await migrations.up(settings)
    other = sqlite3.connect(tmp_path / "hubbub.db", isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")

    assert "hubbub.db is locked by another program" in await _problem(data_dir=tmp_path)
    other.close()


async def test_a_folder_in_place_of_the_file_is_reported(tmp_path):
    (tmp_path / "hubbub.db").mkdir()

    assert "hubbub.db can't be opened" in await _problem(data_dir=tmp_path)


async def test_a_path_through_a_file_is_reported(tmp_path):
    (tmp_path / "file").write_text("")

    assert "can't be" in await _problem(data_dir=tmp_path / "file" / "folder")


@pytest.fixture
def unprivileged():
    """Without the rights of root, for as long as the test lasts."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


async def test_a_read_only_folder_is_reported(tmp_path_factory, unprivileged):
    folder = Path("/proc/1") if os.getuid() == 0 else tmp_path_factory.mktemp("closed", numbered=True)
    if os.getuid() != 0:
        folder.chmod(0o500)

    assert "can't be" in await _problem(data_dir=folder / "data")


async def test_an_unknown_user_is_reported(postgres_url):
    url = postgres_url.replace("//postgres@", "//stranger:s3cret@")

    line = await _problem(database_url=url)

    assert "refuses the user or the password" in line
    assert "s3cret" not in line


async def test_a_missing_database_is_reported(postgres_url):
    assert "no such database" in await _problem(database_url=f"{postgres_url.rpartition('/')[0]}/nowhere")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://u:s3cret@127.0.0.1:1/hub", "PostgreSQL at 127.0.0.1:1/hub can't be reached"),
        ("postgres://u:s3cret@nowhere.invalid/hub", "PostgreSQL at nowhere.invalid/hub "),
        ("postgres://u:s3cret@127.0.0.1/hub?sslmode=perhaps", "HUBBUB_DATABASE_URL is not valid"),
        ("postgres://u:s3cret@127.0.0.1/hub?sslmode=verify-full&sslrootcert=/no/file", "a certificate"),
        ("postgres://u:s3cret@127.0.0.1/hub?sslmode=require&sslcert=/no/file", "a certificate"),
        ("postgres://u:s3cret@/hub?host=127.0.0.1&port=x", "HUBBUB_DATABASE_URL is not valid"),
    ],
)
async def test_an_unreachable_server_is_reported(url, said):
    line = await _problem(database_url=url)

    assert said in line
    assert "s3cret" not in line


@only_postgres
async def test_a_frozen_server_at_the_start_is_reported(proxy, monkeypatch):
    monkeypatch.setattr(database, "CONNECT_S", 0.3)
    monkeypatch.setattr(pool, "ACQUIRE_S", 0.3)
    proxy.freeze()

    assert "does not respond" in await _problem(database_url=proxy.url)


@only_postgres
async def test_the_parameters_of_the_url_reach_the_server(database_url):
    options = "?application_name=hub-7&statement_cache_size=0&search_path=public"
    await migrations.open_current(Settings.for_tests(database_url=database_url + options))
    rows = await database.connection().fetch("SELECT current_setting('application_name') AS name")
    await database.close()

    assert rows[0]["name"] == "hub-7"
