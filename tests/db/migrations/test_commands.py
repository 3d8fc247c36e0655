"""Concurrent programs apply each migration once, the status lists them, and `serve` refuses old databases."""

import asyncio
import os
import sys

import pytest

from hubbub.db import database, migrations
from hubbub.db.database import DatabaseProblem
from tests.db.migrations.steps import STEPS, applied
from tests.support.schema import DatabaseInspector

SOON = 60.0


# --- from many places at once ---


async def _hubbub(settings, *arguments):
    environment = {
        **os.environ,
        "HUBBUB_ENV": "test",
        "HUBBUB_DATA_DIR": str(settings.data_dir),
        "HUBBUB_DATABASE_URL": settings.database_url,
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hubbub", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        cwd=settings.data_dir,
    )


async def test_concurrent_programs_apply_each_migration_once(bare):
    others = [await _hubbub(bare, "migrate") for _ in range(3)]
    outputs = await asyncio.wait_for(asyncio.gather(*(other.communicate() for other in others)), SOON)

    assert [(other.returncode, error) for other, (_, error) in zip(others, outputs, strict=True)] == [
        (0, b"")
    ] * 3
    lines = sorted(line for out, _ in outputs for line in out.decode().splitlines())
    assert lines == ["Nothing to do."] * 2 + [f"up {step}" for step in STEPS]


# --- the status and downgrades ---


async def test_the_status_lists_applied_migrations(bare):
    before = await migrations.status(bare)
    taken = await migrations.up(bare)
    again = await migrations.up(bare)

    assert applied(before) == [(step, False) for step in STEPS]
    assert (taken, again) == (STEPS, [])
    assert applied(await migrations.status(bare)) == [(step, True) for step in STEPS]


async def test_the_status_lists_migrations_of_a_newer_version_last(settings, add_migration):
    name = add_migration("CREATE TABLE extra (id INT);")
    await migrations.up(settings)
    (migrations.LOCATION / name).unlink()

    *own, newer = await migrations.status(settings)

    assert all(step.known for step in own)
    assert newer == (name, True, False)


async def test_a_downgrade_without_migrations_does_nothing(bare):
    assert await migrations.down(bare) == []


# --- what `serve` does with it ---


async def test_an_empty_database_is_refused_with_the_command(bare):
    with pytest.raises(DatabaseProblem, match=r"behind this version\. Run: hubbub migrate$"):
        await migrations.open_current(bare)
    assert await DatabaseInspector(bare).tables() == []

    await migrations.up(bare)
    await migrations.open_current(bare)
    await database.close()


async def test_an_outdated_database_is_refused(settings, add_migration):
    """SQLite would report the name of a missing column."""
    add_migration("SELECT 1;")
    with pytest.raises(DatabaseProblem, match="is one migration behind this version"):
        await migrations.open_current(settings)

    add_migration("SELECT 1;")
    with pytest.raises(DatabaseProblem, match="is 2 migrations behind this version"):
        await migrations.open_current(settings)


async def test_a_database_of_a_newer_version_is_used_but_not_downgraded(
    settings, inspector, add_migration, folder
):
    """A release only adds. The previous one keeps working beside it."""
    name = add_migration("ALTER TABLE users ADD COLUMN shoes INT;")
    await migrations.up(settings)
    (folder / name).unlink()

    await migrations.open_current(settings)
    await database.close()
    assert await migrations.up(settings) == []
    with pytest.raises(DatabaseProblem, match=f"{name}, which only a newer version contains"):
        await migrations.down(settings)
