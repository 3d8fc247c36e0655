"""The steps of the schema: the same as the models, safe to take, and to take back."""

import asyncio
import shutil
import sys
from pathlib import Path

import pytest
from tortoise.connection import get_connection
from tortoise.utils import generate_schema_for_client

from hubbub import models
from hubbub.config import Settings
from hubbub.core import clock, ids
from hubbub.models import search
from hubbub.services import database, migrations

EXTRA = """from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True
UP = {up!r}
DOWN = {down!r}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN


MODELS_STATE = ""
"""


@pytest.fixture
def bare(bare_database_url, tmp_path):
    """A database without any table."""
    return Settings.for_tests(database_url=bare_database_url, data_dir=tmp_path)


@pytest.fixture
def another(monkeypatch, tmp_path):
    """Adds a step to those there are: `another(up, down)`."""
    folder = tmp_path / "steps"
    shutil.copytree(migrations.LOCATION, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "LOCATION", folder)

    def add(up, down="SELECT 1;"):
        name = f"{len(migrations.names()) + 1:04}_another.py"
        (folder / name).write_text(EXTRA.format(up=up, down=down))
        return name

    return add


async def _fill():
    """A row in every table."""
    ada = await models.User.create(username="ada", email="ada@example.org", display_name="Ada")
    await models.Session.create(user=ada, refresh_digest="0" * 64, expires_at=clock.now())
    room = await models.Room.create(kind="public", name="lobby", name_key="lobby", created_by=ada)
    await models.Membership.create(room=room, user=ada, role="owner")
    message = await models.Message.create(
        room=room, seq=1, sender=ada, client_id=ids.new(), body="hello", created_at=clock.now()
    )
    await models.Entry.create(room=room, seq=1, event="message:new", at=clock.now(), payload="{}")
    await models.Mention.create(message=message, room_id=room.id, seq=1, user=ada)
    await models.Reaction.create(message=message, user=ada, emoji="👍")
    await database.epoch()
    async with database.transaction() as tx:
        await search.add(tx, [(message.id, room.id, message.body)])


async def _tables():
    sql = database.connection()
    if sql.dialect == "sqlite":
        rows = await sql.fetch(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' "
            "AND name NOT LIKE 'message!_words!_%' ESCAPE '!'"
        )
    else:
        rows = await sql.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    return {row["name"] for row in rows}


async def _counts():
    counts = {}
    for table in await _tables():
        counts[table] = (await database.connection().fetch(f'SELECT count(*) AS n FROM "{table}"'))[0]["n"]
    return counts


async def _schema():
    """Tables, columns, indexes and constraints, in a form that can be compared."""
    tables = sorted(await _tables() - {"message_words"})
    describe = _sqlite_table if database.dialect() == "sqlite" else _postgres_table
    return {table: await describe(table) for table in tables}


async def _sqlite_table(table):
    sql = database.connection()
    found = {tuple(row)[1:] for row in await sql.fetch(f'PRAGMA table_info("{table}")')}
    found |= {("refers", *tuple(row)[2:]) for row in await sql.fetch(f'PRAGMA foreign_key_list("{table}")')}
    for index in await sql.fetch(f'PRAGMA index_list("{table}")'):
        columns = [row["name"] for row in await sql.fetch(f'PRAGMA index_info("{index["name"]}")')]
        text = await sql.fetch("SELECT sql FROM sqlite_master WHERE name = $1", index["name"])
        where = str(text[0]["sql"]).partition(" WHERE ")[2]
        found.add(("index", index["unique"], index["origin"], *columns, where))
    return found


async def _postgres_table(table):
    sql = database.connection()
    columns = await sql.fetch(
        "SELECT column_name, data_type, character_maximum_length, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_name = $1",
        table,
    )
    indexes = await sql.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = $1", table)
    constraints = await sql.fetch(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::text::regclass",
        table,
    )
    return {tuple(row) for row in [*columns, *indexes, *constraints]}


async def _opened(settings, work, **how):
    """The result of `work` on the open database."""
    await database.connect(settings, **how)
    try:
        return await work()
    finally:
        await database.close()


# --- the schema ---


async def test_the_steps_make_the_schema_of_the_models(settings, databases, database_kind, tmp_path):
    from_steps = await _opened(settings, _schema)

    async def from_models():
        await generate_schema_for_client(get_connection(database.NAME), safe=False)
        return await _schema()

    url = databases.empty(database_kind, tmp_path)
    fresh = settings.model_copy(update={"database_url": url})
    assert await _opened(fresh, from_models, migrating=True) == from_steps
    assert len(from_steps) == 10
    databases.drop(url)


async def test_up_down_and_up_with_rows_in_every_table(bare):
    await migrations.up(bare)
    before = await _opened(bare, _schema)
    await _opened(bare, _fill)
    assert all((await _opened(bare, _counts)).values())

    taken_back = []
    while step := await migrations.down(bare):
        taken_back += step
    assert taken_back == list(reversed(migrations.names()))
    assert await _opened(bare, _tables) == {"aerich"}

    assert await migrations.up(bare) == migrations.names()
    assert await _opened(bare, _schema) == before
    await _opened(bare, _fill)


async def test_a_step_keeps_the_rows_that_are_there(settings, another):
    await _opened(settings, _fill)
    before = await _opened(settings, _counts)
    name = another(
        'ALTER TABLE "users" ADD COLUMN "shoes" INT; CREATE TABLE "extra" ("id" INT);',
        'DROP TABLE "extra"; ALTER TABLE "users" DROP COLUMN "shoes";',
    )

    assert await migrations.up(settings) == [name]
    after = await _opened(settings, _counts)
    assert await migrations.down(settings) == [name]

    assert after == {**before, "extra": 0, "aerich": 2}
    assert await _opened(settings, _counts) == before


# --- taking steps ---


async def test_status_says_what_is_done(bare):
    before = await migrations.status(bare)
    taken = await migrations.up(bare)
    again = await migrations.up(bare)

    assert [step.done for step in before] == [False] * len(before)
    assert taken == migrations.names() == [step.name for step in before]
    assert again == []
    assert await migrations.status(bare) == [(name, True) for name in migrations.names()]


async def test_nothing_taken_is_nothing_to_take_back(bare):
    assert await migrations.down(bare) == []


UP = """
import asyncio, sys
from pathlib import Path
from hubbub.config import Settings
from hubbub.services import migrations

settings = Settings.for_tests(database_url=sys.argv[1], data_dir=Path(sys.argv[2]))
sys.stdin.readline()
print(len(asyncio.run(migrations.up(settings))))
"""


async def test_several_programs_at_once_take_each_step_once(bare, tmp_path):
    others = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", UP, bare.database_url, str(tmp_path)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]
    told = await asyncio.gather(*(other.communicate(b"\n") for other in others))

    assert [error for _, error in told] == [b""] * 3
    assert sorted(int(count) for count, _ in told) == [0, 0, len(migrations.names())]


async def test_a_step_that_fails_leaves_everything_as_it_was(settings, another):
    await _opened(settings, _fill)
    before = await _opened(settings, _schema)
    another('CREATE TABLE "extra" ("id" INT); ALTER TABLE "users" ADD COLUMN "shoes" INT; SELECT nonsense;')

    with pytest.raises(database.DatabaseProblem, match="nonsense") as caught:
        await migrations.up(settings)

    assert "\n" not in str(caught.value)
    assert await _opened(settings, _schema) == before
    assert [step.done for step in await migrations.status(settings)][-2:] == [True, False]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_rebuilding_a_table_keeps_the_rows_of_others(settings, another):
    await _opened(settings, _fill)
    before = await _opened(settings, _counts)
    columns = "id, username, email, display_name, role, created_at, updated_at"
    another(
        f"CREATE TABLE new_users AS SELECT {columns} FROM users; DROP TABLE users;"
        f"CREATE TABLE users ({columns}, PRIMARY KEY (id));"
        f"INSERT INTO users SELECT {columns} FROM new_users; DROP TABLE new_users;"
    )

    await migrations.up(settings)

    assert await _opened(settings, _counts) == {**before, "aerich": 2}


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_step_that_orphans_rows_is_not_taken(settings, another):
    await _opened(settings, _fill)
    before = await _opened(settings, _counts)
    another("DELETE FROM users;")

    with pytest.raises(database.DatabaseProblem, match="rows would refer to rows that are gone"):
        await migrations.up(settings)

    assert await _opened(settings, _counts) == before


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_step_may_take_longer_than_a_statement(settings, another, monkeypatch):
    monkeypatch.setattr(database, "STATEMENT_S", 0.2)
    name = another("SELECT pg_sleep(0.5);")

    assert await migrations.up(settings) == [name]


# --- what `serve` does with it ---


async def test_a_bare_database_is_refused_with_the_command(bare):
    with pytest.raises(database.DatabaseProblem, match=r"Run: hubbub migrate$"):
        await migrations.open_current(bare)

    await migrations.up(bare)
    await migrations.open_current(bare)
    await database.close()


async def test_a_database_that_is_behind_is_refused(settings, another):
    """SQLite would answer with the name of a column that is not there yet."""
    another("SELECT 1;")

    with pytest.raises(database.DatabaseProblem, match="is a step behind this version"):
        await migrations.open_current(settings)
    another("SELECT 1;")
    with pytest.raises(database.DatabaseProblem, match="is 2 steps behind this version"):
        await migrations.open_current(settings)


async def test_a_database_of_a_newer_version_is_used_but_not_taken_back(settings, another):
    """A release only adds; the one before goes on beside it."""
    name = another('CREATE TABLE "extra" ("id" INT);')
    await migrations.up(settings)
    (migrations.LOCATION / name).unlink()

    await migrations.open_current(settings)
    await database.close()
    with pytest.raises(database.DatabaseProblem, match=name):
        await migrations.down(settings)


def test_the_steps_are_numbered_without_gaps():
    assert [int(name.partition("_")[0]) for name in migrations.names()] == list(
        range(1, len(migrations.names()) + 1)
    )
    assert all(Path(migrations.LOCATION, name).is_file() for name in migrations.names())
