"""A tenth resource: one module, one migration and one line. The tests of all resources hold for it.

docs/adding-a-resource.md shows the same files.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hubbub.schemas.portfolio import profile
from hubbub.schemas.portfolio.resources import BY_NAME, RESOURCES

ROOT = Path(__file__).parents[3]
MODULE = '''"""Talks."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.portfolio.fields import FILE_URL, WEB_URL, Day, Order, Words, single_line, text
from hubbub.schemas.portfolio.resource import Item, Resource


class NewTalk(Item):
    title: Annotated[str, single_line(120, required=True), Meta(description="What the talk is called.")]
    event: Annotated[str, single_line(120), Meta(description="Where it was held.")] | None = None
    held_on: Day | None = None
    slides: Annotated[str, FILE_URL, Meta(description="The slides.")] | None = None
    video_url: Annotated[str, WEB_URL, Meta(description="A recording.")] | None = None
    summary: Annotated[str, text(2000), Meta(description="What it is about.")] | None = None
    tags: Annotated[Words, Meta(description="Words to filter by.")] | None = []
    order: Order | None = None


RESOURCE = Resource(
    name="talks",
    noun="talk",
    item=NewTalk,
    default_order=("-held_on", "order"),
    filters=("tags", "event"),
    searched=("title", "summary", "tags"),
)
'''
MIGRATION = '''"""Talks of portfolios."""

RUN_IN_TRANSACTION = True
UP = """
CREATE TABLE "portfolio_talks" (
    "id" {id} NOT NULL PRIMARY KEY, "created_at" {time} NOT NULL, "updated_at" {time} NOT NULL,
    "deleted_at" {time}, "title" VARCHAR(120) NOT NULL, "event" VARCHAR(120), "held_on" DATE, "slides" TEXT,
    "video_url" VARCHAR(500), "summary" TEXT, "tags" TEXT NOT NULL DEFAULT '[]', "order" INT NOT NULL,
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX "idx_portfolio_talks_user" ON "portfolio_talks" ("user_id");
CREATE INDEX "idx_portfolio_talks_deleted" ON "portfolio_talks" ("deleted_at") WHERE deleted_at IS NOT NULL;
ALTER TABLE "portfolio_profiles" ADD COLUMN "show_talks" {true};
"""
TYPES = {
    "postgres": {"id": "UUID", "time": "TIMESTAMPTZ", "true": "BOOL NOT NULL DEFAULT TRUE"},
    "sqlite": {"id": "CHAR(36)", "time": "TIMESTAMP", "true": "INT NOT NULL DEFAULT 1"},
}


async def upgrade(db):
    return UP.format(**TYPES[db.capabilities.dialect])


async def downgrade(db):
    return 'ALTER TABLE "portfolio_profiles" DROP COLUMN "show_talks"; DROP TABLE "portfolio_talks";'
'''
EDITS = (
    ("    contacts,\n", "    contacts,\n    talks,\n"),
    ("    contacts.RESOURCE,\n", "    contacts.RESOURCE,\n    talks.RESOURCE,\n"),
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the program and its tests, with a tenth resource. Compiled files stay valid."""
    for name in ("hubbub", "tests"):
        ignored = shutil.ignore_patterns("node", "node_modules", "browser", "shots")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    schemas, migrations = tmp_path / "hubbub/schemas/portfolio", tmp_path / "hubbub/migrations"
    number = 1 + max(int(path.name[:4]) for path in migrations.glob("[0-9]*.py"))
    (schemas / "talks.py").write_text(MODULE)
    (migrations / f"{number:04}_talks.py").write_text(MIGRATION)
    listing = schemas / "resources.py"
    for old, new in EDITS:
        listing.write_text(listing.read_text().replace(old, new, 1))
    return tmp_path


@pytest.mark.slow("12 s: starts a server and runs the tests of one resource on both databases")
def test_the_tests_of_all_resources_hold_for_a_tenth_one(copy):
    tests = [
        "services/portfolio/test_items.py",
        "services/portfolio/test_references.py",
        "http/portfolio/test_items.py",
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-k", "talks"]

    run = subprocess.run(
        [*command, *(f"tests/{each}" for each in tests)],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "40 passed" in run.stdout, run.stdout


def test_a_resource_takes_few_lines():
    changed = sum(new.count("\n") - old.count("\n") for old, new in EDITS)

    assert len(MODULE.splitlines()) + len(MIGRATION.splitlines()) + changed <= 60


def test_the_profile_has_a_switch_for_each_resource():
    switches = [name for name in profile.ProfileFields.__struct_fields__ if name.startswith("show_")]

    assert switches == [resource.switch for resource in RESOURCES]
    assert len(BY_NAME) == len(RESOURCES) == 9
