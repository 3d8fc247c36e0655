"""Files of hubbub are private to their owner with any umask."""

import os
import stat

import pytest

from hubbub.core import file_modes, secret_files
from hubbub.db import database, migrations
from hubbub.services.seed import dev_admin, seed


@pytest.fixture(autouse=True)
def open_umask():
    """The most generous umask there is."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder):
    found = {path.relative_to(folder): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    return {str(path): oct(mode) for path, mode in found.items()}


def test_a_folder_and_its_missing_parents_are_private(tmp_path):
    (tmp_path / "there").mkdir(mode=0o755)

    file_modes.create_folder(tmp_path / "there" / "a" / "b")
    file_modes.create_folder(tmp_path / "there" / "a" / "b")

    assert modes(tmp_path) == {"there": "0o755", "there/a": "0o700", "there/a/b": "0o700"}


def test_a_new_file_is_private_and_an_existing_one_unchanged(tmp_path):
    (tmp_path / "old").write_text("text")

    for name in ("new", "old"):
        file_modes.create_file(tmp_path / name)

    assert modes(tmp_path) == {"new": "0o600", "old": "0o666"}
    assert (tmp_path / "old").read_text() == "text"
    assert file_modes.accessible_to_others(tmp_path.iterdir()) == [f"{tmp_path / 'old'} (0666)"]
    assert file_modes.accessible_to_others([tmp_path, tmp_path / "nothing"]) == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_database_and_its_folder_are_private(settings, tmp_path):
    path = tmp_path / "data" / "deep" / "hubbub.db"
    settings = settings.model_copy(update={"database_url": f"sqlite://{path}"})

    await migrations.up(settings)
    await migrations.open_current(settings)
    await database.connection().execute("INSERT INTO state (key, value) VALUES ('a', 'b')")
    found = modes(tmp_path / "data")
    await database.close()

    assert set(found.items()) >= {
        ("deep", "0o700"),
        ("deep/hubbub.db", "0o600"),
        ("deep/hubbub.db-wal", "0o600"),
    }
    assert {mode for name, mode in found.items() if name != "deep"} == {"0o600"}


def test_the_names_of_the_secret_files_are_listed():
    assert set(secret_files.FILE_NAMES) == {"secret_key", dev_admin.PASSWORD_FILE, seed.PASSWORD_FILE}
