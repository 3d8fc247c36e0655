"""Migrations: equal to the models, up and down, atomic, one process at a time."""

import asyncio
import json
import os
import shutil
import sqlite3
import sys
from contextlib import suppress

import asyncpg
import pytest
from tortoise.connection import get_connection
from tortoise.utils import generate_schema_for_client

from hubbub.config import Settings
from hubbub.core.text import names
from hubbub.db import database, migrations
from hubbub.db.database import DatabaseProblem
from tests.support import migration
from tests.support.schema import DatabaseInspector, Schema

STEPS = migrations.names()
AT_ONCE = 2  # steps in one test: each begins with all steps before them
SOON = 60.0

STEP = """
RUN_IN_TRANSACTION = True


async def upgrade(db):
    return {up!r}


async def downgrade(db):
    return {down!r}


MODELS_STATE = ""
"""


def applied(steps):
    """Return the names, and whether they are applied."""
    return [(step.name, step.applied) for step in steps]


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


def _lay(folder, steps):
    for step in steps:
        shutil.copyfile(migration.LOCATION / step, folder / step)


@pytest.fixture
def add_migration(folder):
    """Adds a step to those there are: `another(up, down)`."""
    _lay(folder, STEPS)

    def add(up, down="SELECT 1;"):
        name = f"{len(migrations.names()) + 1:04}_another.py"
        (folder / name).write_text(STEP.format(up=up, down=down))
        return name

    return add


@pytest.fixture
async def inspector(settings):
    """A migrated database with a row in every table."""
    made = DatabaseInspector(settings)
    await made.fill_empty_tables()
    return made


# --- the schema of the steps is the one of the models ---


async def test_the_migrations_result_in_the_models(bare, databases, database_kind, tmp_path_factory):
    other = databases.create_empty(database_kind, tmp_path_factory.mktemp("models"))
    models = bare.model_copy(update={"database_url": other})
    await database.connect(models)
    await generate_schema_for_client(get_connection(database.CONNECTION_NAME), safe=False)
    await database.close()
    await migrations.up(bare)

    wanted, made = await DatabaseInspector(models).schema(), await DatabaseInspector(bare).schema()
    databases.release(other)
    assert _of_models(made) == _of_models(wanted)
    assert len(wanted.indexes) > len({table for table, _ in wanted.columns}) >= 9


def _of_models(schema):
    """Without what Tortoise can't describe: a key of two columns, and a column of one database."""
    return Schema(
        {
            name: kind
            for name, kind in schema.columns.items()
            if "entries" not in name and "words" not in name
        },
        {
            each
            for each in schema.indexes
            if "entries" not in str(each)
            and "idx_messages_words" not in str(each)
            and "idx_portfolio_search_words" not in str(each)
        },
        {each for each in schema.constraints if each[0] != "entries"},
    )


def test_the_last_migration_contains_the_state_of_the_models():
    assert migration.main("--check") == 0


def test_the_migrations_are_numbered_without_gaps():
    assert [int(step.partition("_")[0]) for step in STEPS] == list(range(1, len(STEPS) + 1))


# --- up and down, with rows ---


@pytest.mark.parametrize("first", range(0, len(STEPS), AT_ONCE))
async def test_up_down_and_up_with_rows_in_every_table(bare, folder, first):
    inspector = DatabaseInspector(bare)
    _lay(folder, STEPS[:first])
    await migrations.up(bare)

    for step in STEPS[first : first + AT_ONCE]:
        await inspector.fill_empty_tables()
        schema, rows = await inspector.schema(), await inspector.row_counts()

        _lay(folder, [step])
        assert await migrations.up(bare) == [step]
        above = await inspector.schema()
        assert rows.items() <= (await inspector.row_counts()).items()
        await inspector.fill_empty_tables()
        assert set((await inspector.row_counts()).values()) == {1}

        assert await migrations.down(bare) == [step]
        assert await inspector.schema() == schema
        assert await inspector.row_counts() == rows

        assert await migrations.up(bare) == [step]
        assert await inspector.schema() == above
    await inspector.fill_empty_tables()


async def test_a_migration_keeps_existing_rows(settings, inspector, add_migration):
    before = await inspector.row_counts()
    name = add_migration(
        'ALTER TABLE "users" ADD COLUMN "shoes" INT; CREATE TABLE "extra" ("id" INT);',
        'DROP TABLE "extra"; ALTER TABLE "users" DROP COLUMN "shoes";',
    )

    assert await migrations.up(settings) == [name]
    after = await inspector.row_counts()
    assert await migrations.down(settings) == [name]

    assert after == {**before, "extra": 0}
    assert await inspector.row_counts() == before


async def test_downgrading_completely_leaves_nothing(settings, inspector):
    taken_back = []
    while step := await migrations.down(settings):
        taken_back += step

    assert taken_back == STEPS[::-1]
    assert await inspector.tables(models_only=False) == ["aerich"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_rebuilt_table_keeps_its_references(settings, inspector, add_migration):
    """What SQLite needs for most changes of a table, and what its cascades would empty the others by."""
    before = await inspector.row_counts()
    add_migration(
        "CREATE TABLE made (id CHAR(36) NOT NULL PRIMARY KEY, username VARCHAR(64) NOT NULL UNIQUE);"
        "INSERT INTO made SELECT id, username FROM users;"
        "DROP TABLE users;"
        "ALTER TABLE made RENAME TO users;"
    )
    await migrations.up(settings)

    assert await inspector.row_counts() == before
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        await inspector.rows("UPDATE memberships SET user_id = 'nobody'")


# --- whole or not at all ---


async def test_a_failed_migration_changes_nothing(settings, inspector, add_migration):
    schema, rows = await inspector.schema(), await inspector.row_counts()
    name = add_migration(
        "CREATE TABLE extra (id INT); ALTER TABLE users ADD COLUMN shoes INT; DELETE FROM state;"
        "INSERT INTO nowhere VALUES (1);"
    )

    with pytest.raises(DatabaseProblem, match="nowhere") as caught:
        await migrations.up(settings)

    assert "\n" not in str(caught.value)
    assert (await inspector.schema(), await inspector.row_counts()) == (schema, rows)
    assert applied(await migrations.status(settings)) == [*((step, True) for step in STEPS), (name, False)]


async def test_a_failed_downgrade_changes_nothing(settings, inspector, add_migration):
    add_migration("CREATE TABLE extra (id INT);", "DROP TABLE extra; DROP TABLE nowhere;")
    await migrations.up(settings)

    with pytest.raises(DatabaseProblem, match="nowhere"):
        await migrations.down(settings)

    assert "extra" in await inspector.tables()
    assert all(step.applied for step in await migrations.status(settings))


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_migration_that_orphans_rows_is_refused(settings, inspector, add_migration):
    rows = await inspector.row_counts()
    add_migration("DELETE FROM messages;")

    with pytest.raises(DatabaseProblem, match="rows would refer to missing rows"):
        await migrations.up(settings)

    assert await inspector.row_counts() == rows


async def test_a_cancelled_migration_can_start_again(bare):
    for turns in range(0, 60, 5):
        task = asyncio.create_task(migrations.up(bare))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    await migrations.up(bare)
    assert all(step.applied for step in await migrations.status(bare))


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_migration_may_exceed_the_statement_timeout(settings, add_migration, monkeypatch):
    monkeypatch.setattr(database, "STATEMENT_S", 0.2)
    name = add_migration("SELECT pg_sleep(0.5);")

    assert await migrations.up(settings) == [name]


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
    told = await asyncio.wait_for(asyncio.gather(*(other.communicate() for other in others)), SOON)

    assert [(other.returncode, error) for other, (_, error) in zip(others, told, strict=True)] == [
        (0, b"")
    ] * 3
    lines = sorted(line for out, _ in told for line in out.decode().splitlines())
    assert lines == ["Nothing to do."] * 2 + [f"up {step}" for step in STEPS]


async def test_a_wait_for_an_endless_migration_ends_with_an_error(bare, monkeypatch):
    monkeypatch.setattr(migrations, "LOCK_S", 0.2)
    monkeypatch.setattr(database, "BUSY_MS", 200)
    if bare.uses_sqlite:
        file = sqlite3.connect(database.sqlite_path(bare.database_url), isolation_level=None)
        file.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseProblem, match="is locked by another program"):
            await migrations.up(bare)
        file.close()
    else:
        server = await asyncpg.connect(bare.database_url)
        await server.execute("SELECT pg_advisory_lock($1)", migrations.LOCK_KEY)
        with pytest.raises(DatabaseProblem, match="does not respond"):
            await migrations.up(bare)
        await server.close()

    assert await migrations.up(bare) == STEPS


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


# --- rows that were there before a step ---

NAMES = next(index for index, step in enumerate(STEPS) if step.endswith("_names.py"))
ROOMS = [  # age in days, name, key before, key after; None: one that no name has
    (5, "st\u200baff", "st\u200baff", "staff"),
    (3, "staff", "staff", None),
    (1, "ST\u00adAFF", "st\u00adaff", None),
    (2, "the  garden", "the  garden", "the garden"),
    (4, "\u200b", "\u200b", None),
    (6, "Stra\u00dfe", "strasse", "strasse"),
    (7, "long", "l" * 240, "long"),
]
REACTIONS = [  # user, emoji before, emoji after; None: merged
    (0, "\u2764", "\u2764\ufe0f"),
    (0, "\u2764\ufe0f", None),
    (0, "\U0001f44d", "\U0001f44d"),
    (0, "\U0001f44d\ufe0f", None),
    (1, "\U0001f44d\ufe0f", "\U0001f44d"),
    (1, "\u2764", "\u2764\ufe0f"),
    (2, "\u2764\ufe0f", "\u2764\ufe0f"),
    (2, "+1", "+1"),
    (2, "\u2764\ufe0e", "\u2764\ufe0e"),
]


def _id(number):
    return f"01890a5d-ac96-774b-bcce-{number:012}"


async def _rows_before_names(inspector):
    """Rooms and reactions of an earlier release. The ids of rooms are not in the order of their ages."""
    rooms = [
        {"id": _id(age), "kind": "public", "name": name, "name_key": key, "direct_key": str(age)}
        for age, name, key, _ in ROOMS
    ]
    await inspector.insert_rows(
        "rooms", *({**room, "created_at": _day(room["direct_key"])} for room in rooms)
    )
    ((message_id,),) = await inspector.rows("SELECT id FROM messages")
    users = (
        {"id": _id(number), "username": f"user{number}", "email": f"user{number}"} for number in range(3)
    )
    await inspector.insert_rows("users", *users)
    reactions = (
        {"id": _id(number), "message_id": message_id, "user_id": _id(user), "emoji": emoji}
        for number, (user, emoji, _) in enumerate(REACTIONS)
    )
    await inspector.insert_rows("reactions", *reactions)


def _day(age):
    return f"2026-01-{20 - int(age)} 12:00:00+00:00"


async def test_names_and_reactions_that_become_equal_are_merged(bare, folder):
    """In pages of two rows, and taken again after it was interrupted."""
    inspector, step = DatabaseInspector(bare), STEPS[NAMES]
    _lay(folder, STEPS[:NAMES])
    await migrations.up(bare)
    await inspector.fill_empty_tables()
    await _rows_before_names(inspector)
    displayed = await inspector.rows("SELECT id, name FROM rooms ORDER BY id")
    text = (migration.LOCATION / step).read_text("utf-8").replace("PAGE = 1000", "PAGE = 2")

    last = '        last = rows[-1]["id"]\n'
    (folder / step).write_text(text.replace(last, last + "        raise KeyError\n"), "utf-8")
    with pytest.raises(KeyError):
        await migrations.up(bare)
    (folder / step).write_text(text, "utf-8")
    assert await migrations.up(bare) == [step]

    assert await inspector.rows("SELECT id, name FROM rooms ORDER BY id") == displayed
    keys = {str(room_id): key for room_id, key in await inspector.rows("SELECT id, name_key FROM rooms")}
    assert {_id(age): keys[_id(age)] for age, *_, key in ROOMS if key} == {
        _id(age): key for age, *_, key in ROOMS if key
    }
    apart = [keys[_id(age)] for age, *_, key in ROOMS if key is None]
    assert len(set(keys.values())) == len(keys)
    assert [key for key in apart if names.key(key) == key or len(key) > names.MAX_KEY_CHARS] == []
    found = {str(row[0]): row[1] for row in await inspector.rows("SELECT id, emoji FROM reactions")}
    wanted = {_id(number): after for number, (_, _, after) in enumerate(REACTIONS)}
    assert {one: found.get(one) for one in wanted} == wanted


NESTED = next(index for index, step in enumerate(STEPS) if step.endswith("_nested_preferences.py"))
PREFERENCES = [  # before, after, and after a downgrade; None: as before
    ({}, {}, None),
    ({"push": False}, {"push": False}, None),
    (
        {"message_direct": False, "system_announcement": False},
        {"kinds": {"message.direct": {"in_app": False}, "system.announcement": {"in_app": False}}},
        None,
    ),
    (
        {"room_invited": False, "quiet_from": "22:00", "quiet_until": "07:00"},
        {
            "kinds": {"room.invited": {"in_app": False}},
            "quiet": {
                "from": "22:00",
                "until": "07:00",
                "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            },
        },
        None,
    ),
    (  # a start without an end was no period
        {"quiet_from": "22:00", "message_reply": False},
        {"kinds": {"message.reply": {"in_app": False}}},
        {"message_reply": False},
    ),
]


async def test_stored_preferences_of_notifications_get_their_nested_form(bare, folder):
    """In pages of two rows. Preferences of other kinds stay as they are."""
    inspector, step = DatabaseInspector(bare), STEPS[NESTED]
    _lay(folder, STEPS[:NESTED])
    await migrations.up(bare)
    await inspector.fill_empty_tables()
    users = (
        {"id": _id(number), "username": f"user{number}", "email": f"user{number}"}
        for number in range(len(PREFERENCES))
    )
    await inspector.insert_rows("users", *users)
    for number, (before, _, _) in enumerate(PREFERENCES):
        for kind in ("notifications", "email"):
            row = {"user_id": _id(number), "kind": kind, "chosen": json.dumps(before)}
            await inspector.insert_rows("preferences", row)
    text = (migration.LOCATION / step).read_text("utf-8").replace("PAGE = 1000", "PAGE = 2")
    (folder / step).write_text(text, "utf-8")

    async def stored(kind: str) -> list[dict]:
        rows = await inspector.rows(
            "SELECT p.chosen FROM preferences p JOIN users u ON u.id = p.user_id "
            f"WHERE p.kind = '{kind}' AND u.username LIKE 'user%' ORDER BY u.username"
        )
        return [json.loads(chosen) for (chosen,) in rows]

    assert await migrations.up(bare) == [step]
    nested = await stored("notifications")
    assert await migrations.down(bare) == [step]

    assert nested == [after for _, after, _ in PREFERENCES]
    assert await stored("notifications") == [back or before for before, _, back in PREFERENCES]
    assert await stored("email") == [before for before, _, _ in PREFERENCES]
