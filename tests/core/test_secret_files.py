"""Secrets that are generated once and stored."""

import pytest

from hubbub.core import secret_files


def test_a_secret_is_generated_once(tmp_path):
    first = secret_files.load_or_create(tmp_path / "new", "key")

    assert secret_files.load_or_create(tmp_path / "new", "key") == first
    assert secret_files.load_or_create(tmp_path / "new", "other") != first
    assert len(first) >= 32


def test_a_secret_is_readable_by_its_owner_alone(tmp_path):
    secret_files.load_or_create(tmp_path / "new", "key")

    assert (tmp_path / "new" / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_an_existing_secret_is_used(tmp_path):
    (tmp_path / "key").write_text("mine\n")

    assert secret_files.load_or_create(tmp_path, "key") == "mine"


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "key").touch()

    with pytest.raises(OSError, match="delete it"):
        secret_files.load_or_create(tmp_path, "key")


def test_the_second_process_uses_the_secret_of_the_first(tmp_path):
    secret_files._write_once(tmp_path / "key", "first")
    secret_files._write_once(tmp_path / "key", "second")

    assert secret_files.load_or_create(tmp_path, "key") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
