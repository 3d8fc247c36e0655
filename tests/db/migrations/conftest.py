"""Databases and folders of migrations for these tests."""

import pytest

from hubbub.config import Settings
from hubbub.db import migrations
from tests.db.migrations.steps import STEPS, TEMPLATE, copy_steps
from tests.support.schema import DatabaseInspector


@pytest.fixture
def bare(bare_database_url, tmp_path):
    """Settings for a database without tables."""
    return Settings.for_tests(database_url=bare_database_url, data_dir=tmp_path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A place for the steps that a test takes; there are none yet."""
    made = tmp_path / "steps"
    made.mkdir()
    monkeypatch.setattr(migrations, "LOCATION", made)
    return made


@pytest.fixture
def add_migration(folder):
    """Adds a step to those there are: `another(up, down)`."""
    copy_steps(folder, STEPS)

    def add(up, down="SELECT 1;"):
        name = f"{len(migrations.names()) + 1:04}_another.py"
        (folder / name).write_text(TEMPLATE.format(up=up, down=down))
        return name

    return add


@pytest.fixture
async def inspector(settings):
    """A migrated database with a row in every table."""
    made = DatabaseInspector(settings)
    await made.fill_empty_tables()
    return made
