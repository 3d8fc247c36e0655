"""`hubbub restore`: the whole backup or nothing."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import asyncpg
import pytest

from hubbub.config import Settings
from hubbub.db.database_lock import DatabaseLock
from tests.support.database_dump import read_rows
from tests.support.postgres_tools import path_with_postgres_tools
from tests.support.waiting import until

KEY, OTHER_KEY = "ab" * 32, "cd" * 32


class Backup:
    """A database, and a backup of what it held before more was added."""

    def __init__(self, run, url: str, folder: Path) -> None:
        self._run = run
        self.url = url
        self.folder = folder

    def command(self, *arguments, **variables):
        return self._run(*arguments, HUBBUB_DATABASE_URL=self.url, **variables)

    def restore(self, *options, **variables):
        return self.command("restore", str(self.folder), *options, **variables)

    def rows(self):
        return asyncio.run(read_rows(self.url))


@pytest.fixture
def backed_up(run, database_url, tmp_path, monkeypatch):
    """Create a backup, with the content of the database at that time."""
    monkeypatch.setenv("PATH", path_with_postgres_tools())

    def backed_up(pictures="--no-pictures", **variables):
        made = Backup(run, database_url, tmp_path)
        made.command("seed", pictures, "--users", "3", "--rooms", "3", "--messages", "30")
        made.before = made.rows()
        written = made.command("backup", "--to", str(tmp_path / "backups"), **variables)
        made.folder = Path(written.stdout.strip())
        made.command("seed", "--no-pictures", "--users", "5", "--rooms", "5", "--messages", "60")
        return made

    return backed_up


def _epoch(folder: Path) -> str:
    return str(json.loads((folder / "manifest.json").read_text())["epoch"])


@pytest.mark.parametrize("key", ["", KEY])
def test_a_restored_database_equals_the_backup_with_a_later_epoch(backed_up, tmp_path, key):
    backup = backed_up("--no-pictures" if key else "--pictures", HUBBUB_BACKUP_KEY=key)

    result = backup.restore("--yes", HUBBUB_BACKUP_KEY=key)

    assert (result.exit_code, backup.rows()) == (0, backup.before)
    assert len(result.stdout.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir() if "restore" in path.name] == []
    again = backup.restore("--yes", HUBBUB_BACKUP_KEY=key)
    assert again.stdout > result.stdout


def test_a_backup_is_restored_into_an_empty_database(backed_up, run, bare_database_url):
    backup = backed_up()
    backup.url = bare_database_url

    result = backup.restore("--yes")

    assert (result.exit_code, backup.rows()) == (0, backup.before)
    assert _epoch(backup.folder) < result.stdout.split()[-1]


def _cut(folder, database):
    database.write_bytes(database.read_bytes()[:-100])


def _change(folder, database):
    data = bytearray(database.read_bytes())
    data[len(data) // 2] ^= 1
    database.write_bytes(data)


def _rename(folder, database):
    database.rename(folder / "another")


def _no_manifest(folder, database):
    (folder / "manifest.json").unlink()


def _manifest(**changes):
    def change(folder, database):
        path = folder / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def _cut_manifest(folder, database):
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:-30])


def _another_database(folder, database):
    names = {"database.dump": "database.sqlite", "database.sqlite": "database.dump"}
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace(database.name, names[database.name]))
    database.rename(folder / names[database.name])


def _foreign(folder, database):
    """A file that is no database, with the SHA-256 that the manifest names."""
    import hashlib

    database.write_bytes(b"no database" * 1000)
    _manifest(files={database.name: hashlib.sha256(database.read_bytes()).hexdigest()})(folder, database)


def _other_counts(folder, database):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "row_counts": {**manifest["row_counts"], "messages": 7}}))


def _said(stderr):
    """Return the output without the progress steps."""
    return [line for line in stderr.splitlines() if line not in ("Checking", "Restoring")]


DAMAGES = {
    "cut": _cut,
    "changed": _change,
    "missing": _rename,
    "no manifest": _no_manifest,
    "manifest cut": _cut_manifest,
    "newer": _manifest(migrations=["9999_tomorrow.py"]),
    "another database": _another_database,
    "foreign": _foreign,
    "other counts": _other_counts,
    "no file named": _manifest(files={}),
    "path in a name": _manifest(files={"../database.sqlite": ""}),
    "sql in a name": _manifest(row_counts={'users"; DROP TABLE users; --': 0}),
}


def test_an_incomplete_backup_changes_nothing(backed_up, tmp_path):
    backup = backed_up()
    whole, now = backup.folder, backup.rows()
    database = next(path.name for path in whole.iterdir() if path.name != "manifest.json")
    results = {}

    for name, damage in DAMAGES.items():
        backup.folder = tmp_path / "damaged" / whole.name
        shutil.copytree(whole, backup.folder)
        damage(backup.folder, backup.folder / database)
        results[name] = backup.restore("--yes")
        shutil.rmtree(backup.folder)
    backup.folder = whole.parent
    results["its parent"] = backup.restore("--yes")

    assert {name: result.exit_code for name, result in results.items()} == dict.fromkeys(results, 1)
    lines = {name: _said(result.stderr) for name, result in results.items()}
    assert {name: said for name, said in lines.items() if len(said) != 1} == {}
    assert backup.rows() == now


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("key", "said"), [("", "Set HUBBUB_BACKUP_KEY"), (OTHER_KEY, "is not its key")], ids=["none", "other"]
)
def test_an_encrypted_backup_is_refused_without_its_key(backed_up, key, said):
    backup = backed_up(HUBBUB_BACKUP_KEY=KEY)
    now = backup.rows()

    result = backup.restore("--yes", HUBBUB_BACKUP_KEY=key)

    assert (result.exit_code, backup.rows()) == (1, now)
    assert said in result.stderr


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_backup_of_another_secret_key_is_restored_with_a_warning(backed_up):
    backup = backed_up()

    result = backup.restore("--yes", HUBBUB_SECRET_KEY="another secret key, of forty characters")

    assert result.exit_code == 0
    assert "HUBBUB_SECRET_KEY_PREVIOUS" in result.stderr


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_no_question_is_asked_without_a_terminal(backed_up):
    backup = backed_up()
    now = backup.rows()

    result = backup.restore(stdin="y\n")

    assert (result.exit_code, backup.rows()) == (1, now)
    assert "--yes" in result.stderr


@pytest.mark.parametrize("database_kind", ["postgres"])
def test_registered_processes_are_refused_unless_forced(backed_up):
    async def register():
        connection = await asyncpg.connect(backup.url)
        await connection.execute(
            "INSERT INTO processes (run, id, kind, key_fingerprint, version, started_at, seen_at, "
            "inline_workers, uses_redis) "
            "VALUES (gen_random_uuid(), 'chat-1', 'serve', '', '', now(), now(), false, false)"
        )
        await connection.close()

    backup = backed_up()
    asyncio.run(register())
    now = backup.rows()

    refused = backup.restore("--yes")
    between = backup.rows()
    forced = backup.restore("--yes", "--force")

    assert (refused.exit_code, between, forced.exit_code) == (1, now, 0)
    assert "serve chat-1" in refused.stderr
    assert backup.rows() == backup.before


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("options", [[], ["--force"]])
def test_a_database_in_use_is_not_replaced(backed_up, options):
    backup = backed_up()
    now = backup.rows()

    with DatabaseLock(Settings.for_tests(database_url=backup.url, data_dir=backup.folder), "hubbub serve"):
        result = backup.restore("--yes", *options)

    assert (result.exit_code, backup.rows()) == (1, now)
    assert "hubbub serve" in result.stderr


def test_a_backup_of_an_older_schema_is_restored_and_the_steps_are_named(backed_up, tmp_path):
    backup = backed_up()
    backup.command("migrate", "down")
    backup.folder = Path(backup.command("backup", "--to", str(tmp_path / "older")).stdout.strip())
    backup.command("migrate", "up")

    result = backup.restore("--yes")

    assert result.exit_code == 0
    assert "older version" in result.stdout
    assert backup.command("migrate", "status").stdout.splitlines()[-1].startswith("pending")
    assert backup.command("migrate", "up").exit_code == 0


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_damaged_database_is_replaced_and_a_copy_kept(backed_up, tmp_path):
    backup = backed_up()
    path = Path(backup.url.removeprefix("sqlite://"))
    path.write_bytes(b"this was a database " * 1000)

    result = backup.restore("--yes")

    assert (result.exit_code, backup.rows()) == (0, backup.before)
    assert [each.read_bytes()[:8] for each in tmp_path.glob("*.damaged-*")] == [b"this was"]
    with suppress(FileNotFoundError):
        assert (path.with_name(path.name + "-wal").stat().st_size) == 0


def _command(backup, *arguments):
    environment = {**os.environ, "HUBBUB_DATABASE_URL": backup.url, "HUBBUB_DATA_DIR": str(backup.folder)}
    return subprocess.Popen(
        [sys.executable, "-m", "hubbub", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _kill(process):
    process.kill()
    process.wait()


# Locks of other tests on the same server are no news.
LOCK_AWAITED = (
    "SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
    "WHERE datname = current_database() AND NOT granted"
)


@pytest.mark.parametrize("database_kind", ["postgres"])
def test_a_restore_killed_halfway_leaves_the_old_data(backed_up):
    async def kill_while_it_waits():
        holder, looker = await asyncpg.connect(backup.url), await asyncpg.connect(backup.url)
        async with holder.transaction():
            await holder.execute("LOCK TABLE users IN ACCESS SHARE MODE")
            process = _command(backup, "restore", str(backup.folder), "--yes")
            try:
                await _until(looker, LOCK_AWAITED, process)
            finally:
                _kill(process)
        await _until(
            looker,
            "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE application_name = 'psql' "
            "AND datname = current_database())",
        )
        await holder.close()
        await looker.close()

    backup = backed_up()
    now = backup.rows()

    asyncio.run(kill_while_it_waits())

    assert backup.rows() == now
    assert backup.restore("--yes").exit_code == 0
    assert backup.rows() == backup.before


async def _until(connection, query, process=None):
    """Wait until a query has a row."""

    async def found():
        rows = await connection.fetch(query)
        assert rows or process is None or process.poll() is None
        return rows

    await until(found, 20)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_restore_killed_before_the_rename_leaves_the_old_data(backed_up, tmp_path):
    backup = backed_up()
    now = backup.rows()
    path = Path(backup.url.removeprefix("sqlite://"))

    with closing(sqlite3.connect(path)) as reader:  # the restore waits for it
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM users").fetchone()
        process = _command(backup, "restore", str(backup.folder), "--yes")
        deadline = time.monotonic() + 20
        while not list(tmp_path.glob(".hubbub.db.restore-*/database.sqlite")) and process.poll() is None:
            assert time.monotonic() < deadline
        _kill(process)

    assert backup.rows() == now
    assert backup.restore("--yes").exit_code == 0
    assert backup.rows() == backup.before
    assert list(tmp_path.glob(".hubbub.db.restore-*")) == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_database_open_in_another_program_is_not_replaced(backed_up, monkeypatch):
    backup = backed_up()
    now = backup.rows()
    monkeypatch.setattr("hubbub.services.backups.sqlite.BUSY_TIMEOUT_S", 0.1)

    with closing(sqlite3.connect(backup.url.removeprefix("sqlite://"))) as reader:
        reader.execute("SELECT count(*) FROM users").fetchone()
        result = backup.restore("--yes", "--force")

    assert (result.exit_code, backup.rows()) == (1, now)
    assert "in use by another program" in result.stderr
