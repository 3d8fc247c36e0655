"""The migrations result in the schema of the models, and keep rows on the way up and down."""

import pytest
from tortoise.connection import get_connection
from tortoise.utils import generate_schema_for_client

from hubbub.db import database, migrations
from tests.db.migrations.steps import STEPS, copy_steps
from tests.support import migration
from tests.support.schema import DatabaseInspector, Schema

AT_ONCE = 2  # steps in one test: each begins with all steps before them


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
    copy_steps(folder, STEPS[:first])
    await migrations.up(bare)

    for step in STEPS[first : first + AT_ONCE]:
        await inspector.fill_empty_tables()
        schema, rows = await inspector.schema(), await inspector.row_counts()

        copy_steps(folder, [step])
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
