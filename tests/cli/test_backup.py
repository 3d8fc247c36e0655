"""`hubbub backup`: content and location of backups."""

import asyncio
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from hubbub.services.backups.encryption import MAGIC
from tests.support.postgres_tools import path_with_postgres_tools
from tests.support.waiting import until

KEY = "ab" * 32
SEED = ("--no-pictures", "--users", "3", "--rooms", "3", "--messages")


@pytest.fixture
def backup(run, database_url, tmp_path, monkeypatch):
    """Back up to a folder; returns the result and the folder."""
    monkeypatch.setenv("PATH", path_with_postgres_tools())

    def backup(**variables):
        result = run(
            "backup", "--to", str(tmp_path / "backups"), HUBBUB_DATABASE_URL=database_url, **variables
        )
        return result, Path(result.stdout.strip() or "none")

    return backup


def _modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_a_backup_is_a_folder_with_a_manifest_for_its_owner_alone(backup, run, database_url, umask):
    run("seed", *SEED, "30", HUBBUB_DATABASE_URL=database_url)

    before = os.umask(umask)
    try:
        result, folder = backup()
    finally:
        os.umask(before)

    manifest = json.loads((folder / "manifest.json").read_text())
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
    assert time.strptime(folder.name, "hubbub-%Y%m%dT%H%M%SZ")
    assert set(manifest) == {
        "version",
        "migrations",
        "epoch",
        "row_counts",
        "highest_seqs",
        "files",
        "key_fingerprint",
    }
    assert (manifest["row_counts"]["messages"], manifest["row_counts"]["rooms"]) == (30, 3)
    assert len(manifest["highest_seqs"]) == 1
    assert {path.name for path in folder.iterdir()} == {"manifest.json", *manifest["files"]}
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert (_modes(folder), stat.S_IMODE(folder.stat().st_mode)) == ({0o600}, 0o700)
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_with_a_key_every_file_is_encrypted(backup, run, database_url):
    run("seed", *SEED, "30", HUBBUB_DATABASE_URL=database_url)

    _, folder = backup(HUBBUB_BACKUP_KEY=KEY)

    contents = [path.read_bytes() for path in folder.iterdir()]
    assert [content[: len(MAGIC)] for content in contents] == [MAGIC, MAGIC]
    assert not any(b"sample.example" in content or b"migrations" in content for content in contents)


def test_two_backups_of_one_second_are_two_folders(backup):
    folders = {backup()[1] for _ in range(2)}

    assert len(folders) == 2


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("s3://bucket/prefix", "s3://"),
        ("ftp://host/folder", "ftp://"),
        ("/dev/null/folder", "Not a directory"),
        (None, "HUBBUB_BACKUP_URL"),
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_path_that_is_no_folder_is_refused_in_one_line(run, database_url, to, said):
    arguments = ["--to", to] if to else []

    result = run("backup", *arguments, HUBBUB_DATABASE_URL=database_url)

    assert (result.exit_code != 0, len(result.stderr.splitlines())) == (True, 1)
    assert said in result.stderr


def test_a_database_without_tables_is_refused(run, bare_database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", path_with_postgres_tools())

    result = run("backup", "--to", str(tmp_path / "to"), HUBBUB_DATABASE_URL=bare_database_url)

    assert result.exit_code == 1
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.parametrize("database_kind", ["postgres"])
def test_the_password_is_on_no_command_line(run, database_url, tmp_path, monkeypatch):
    said = tmp_path / "said"
    fake = tmp_path / "bin" / "pg_dump"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 99.1" && exit\n'
        f'echo "$@" > {said}; echo "$PGPASSWORD" >> {said}; exit 1\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    user, _, server = database_url.removeprefix("postgres://").partition("@")

    url = f"postgres://{user.partition(':')[0]}:se%20cret@{server}?statement_cache_size=0"
    result = run("backup", "--to", str(tmp_path / "to"), HUBBUB_DATABASE_URL=url)

    line, password = said.read_text().splitlines()
    assert (result.exit_code, password) == (1, "se cret")
    assert "cret" not in line
    assert "statement_cache_size" not in line


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_killed_backup_has_no_final_name_and_the_next_one_removes_it(run, backup, database_url, tmp_path):
    run("seed", *SEED, "300", HUBBUB_DATABASE_URL=database_url)
    target = tmp_path / "backups"
    environment = {**os.environ, "HUBBUB_DATABASE_URL": database_url, "HUBBUB_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "hubbub", "backup", "--to", target]

    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not list(target.glob(".hubbub-*")) and process.poll() is None:
        assert time.monotonic() < deadline
    process.kill()
    process.wait()
    complete = [path for path in target.iterdir() if path.name.startswith("hubbub-")]
    _, folder = backup()

    assert all((path / "manifest.json").is_file() for path in complete)
    assert {path.name for path in target.iterdir()} == {folder.name, *(path.name for path in complete)}


@pytest.mark.parametrize("database_kind", ["postgres"])
def test_a_killed_dump_has_no_final_name_and_ends_with_its_command(run, backup, database_url, tmp_path):
    run("seed", *SEED, "30", HUBBUB_DATABASE_URL=database_url)
    target = tmp_path / "backups"
    target.mkdir()
    environment = {**os.environ, "HUBBUB_DATABASE_URL": database_url, "HUBBUB_DATA_DIR": str(tmp_path)}
    environment["PATH"] = path_with_postgres_tools()
    command = [sys.executable, "-m", "hubbub", "backup", "--to", target]

    async def kill_while_it_waits():
        holder, looker = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
        async with holder.transaction():
            await holder.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
            process = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            await until(lambda: looker.fetch(f"SELECT FROM pg_stat_activity WHERE {WAITS}"))
            process.kill()
            await process.wait()
        await until(
            lambda: looker.fetch(f"SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE {OTHERS})")
        )
        await holder.close()
        await looker.close()

    asyncio.run(kill_while_it_waits())
    complete = [path for path in target.iterdir() if path.name.startswith("hubbub-")]
    _, folder = backup()

    assert complete == []
    assert [path.name for path in target.iterdir()] == [folder.name]


WAITS = "datname = current_database() AND wait_event_type = 'Lock'"
OTHERS = "datname = current_database() AND application_name IN ('hubbub', 'pg_dump')"
