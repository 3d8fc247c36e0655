"""The lock file beside a SQLite database."""

import subprocess
import sys

import pytest

from hubbub.config import Settings
from hubbub.db.database import DatabaseProblem
from hubbub.db.database_lock import DatabaseLock, lock_path


def test_one_process_holds_the_lock(tmp_path):
    settings = Settings.for_tests(data_dir=tmp_path)

    with DatabaseLock(settings, "hubbub serve"), pytest.raises(DatabaseProblem) as caught:
        DatabaseLock(settings, "hubbub worker").acquire()

    assert "hubbub.db is in use by hubbub serve, process" in str(caught.value)
    assert "\n" not in str(caught.value)
    with DatabaseLock(settings, "hubbub worker"):
        pass


def test_the_lock_ends_with_its_process(tmp_path):
    settings = Settings.for_tests(data_dir=tmp_path)
    code = (
        "import os, sys\n"
        "from hubbub.config import Settings\n"
        "from hubbub.db.database_lock import DatabaseLock\n"
        "DatabaseLock(Settings.for_tests(data_dir=sys.argv[1]), 'one').acquire()\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DatabaseProblem, match=f"in use by one, process {holder.pid}"):
            DatabaseLock(settings, "two").acquire()
        holder.kill()
        holder.wait()

    with DatabaseLock(settings, "two"):
        pass


@pytest.mark.parametrize("url", ["sqlite://:memory:", "postgres://u@127.0.0.1/hubbub"])
def test_a_database_without_a_file_has_no_lock(url):
    settings = Settings.for_tests(database_url=url)

    with DatabaseLock(settings, "one"), DatabaseLock(settings, "two"):
        assert lock_path(settings) is None


def test_a_folder_that_cannot_be_created_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings.for_tests(database_url=f"sqlite://{tmp_path}/file/hubbub.db")

    with pytest.raises(DatabaseProblem, match=r"hubbub\.db can't be used: .*file: "):
        DatabaseLock(settings, "one").acquire()


def test_the_file_is_private(tmp_path):
    settings = Settings.for_tests(data_dir=tmp_path)

    with DatabaseLock(settings, "one"):
        assert lock_path(settings).stat().st_mode & 0o777 == 0o600
