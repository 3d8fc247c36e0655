"""`make migration name=reactions`: write the migration from the last state to the models.

The migration supports both databases. With `--check` the command only reports whether one is missing. It
compares the models with the state stored in the last migration and needs no database. The result is a draft
for review: aerich does not support partial indexes, for example.
"""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from aerich.migrate import Migrate
from aerich.utils import get_formatted_compressed_data, get_models_describe
from tortoise import Tortoise
from tortoise.connection import get_connection

from hubbub.config import Settings
from hubbub.db import database
from hubbub.db.migrations import APP, LOCATION, names

URLS = {"postgres": "postgres://nobody@127.0.0.1:1/nothing", "sqlite": "sqlite://:memory:"}

TEMPLATE = '''"""What this step does, and why, in one sentence."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {{
    "postgres": """
{up[postgres]}
""",
    "sqlite": """
{up[sqlite]}
""",
}}

DOWN = {{
    "postgres": """
{down[postgres]}
""",
    "sqlite": """
{down[sqlite]}
""",
}}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
{state}
)
'''


class MigrationDraft(NamedTuple):
    """The statements from the last migration to the models, and back."""

    up: str
    down: str
    state: str


async def _draft(url: str) -> MigrationDraft:
    config = database.configuration(Settings.for_tests(database_url=url), migrating=True)
    await Tortoise.init(config=config)  # connects at the first query, and there is none
    try:
        for name in ("upgrade", "downgrade", "_upgrade_fk_m2m_index", "_downgrade_fk_m2m_index"):
            setattr(Migrate, f"{name}_operators", [])
        Migrate._upgrade_m2m, Migrate._downgrade_m2m = [], []
        before = await _prepare()
        before, after = Migrate._exclude_model_name_changes(before, get_models_describe(APP))
        Migrate.diff_models(before, after, no_input=True)
        Migrate.diff_models(after, before, upgrade=False, no_input=True)
        Migrate._merge_operators()
        state = get_formatted_compressed_data(get_models_describe(APP))
        return MigrationDraft(_script(Migrate.upgrade_operators), _script(Migrate.downgrade_operators), state)
    finally:
        await Tortoise.close_connections()


async def _prepare() -> dict[str, Any]:
    """Migrate.init without a database; returns the state that the last migration left."""
    connection = get_connection(database.CONNECTION_NAME)
    Migrate.app, Migrate.migrate_location = APP, LOCATION
    Migrate.dialect = connection.schema_generator.DIALECT
    Migrate.ddl_class = await Migrate.load_ddl_class()
    Migrate.ddl = Migrate.ddl_class(connection)
    last = Migrate.get_last_version_module()
    return (Migrate.get_migration_info_for_file(last).models_state if last else None) or {}


def _script(statements: list[str]) -> str:
    return "\n".join(f"{statement.rstrip(';')};" for statement in statements)


def main(argument: str) -> int:
    """Check, or write a file; returns the exit code."""
    drafts = {dialect: asyncio.run(_draft(url)) for dialect, url in URLS.items()}
    changed = any(each.up or each.down for each in drafts.values())
    if argument == "--check":
        if changed:
            print(f"The models have changed: make migration name=…\n{drafts['sqlite'].up}", file=sys.stderr)
        return int(changed)
    if not changed:
        print("The models are as the last migration left them.")
        return 0
    print(_write(argument, drafts))
    return 0


def _write(name: str, drafts: dict[str, MigrationDraft]) -> Path:
    number = max((int(step.partition("_")[0]) for step in names()), default=0) + 1
    target = LOCATION / f"{number:04}_{name}.py"
    target.write_text(
        TEMPLATE.format(
            up={dialect: each.up for dialect, each in drafts.items()},
            down={dialect: each.down for dialect, each in drafts.items()},
            state=drafts["sqlite"].state,
        )
    )
    return target


if __name__ == "__main__":
    argument = sys.argv[1] if len(sys.argv) == 2 else ""
    if argument != "--check" and not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", argument):
        sys.exit("Name the step in a word or two: make migration name=reactions")
    sys.exit(main(argument))
