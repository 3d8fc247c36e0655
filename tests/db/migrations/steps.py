"""The names of the migrations, and their files in the folder of a test."""

import shutil

from hubbub.db import migrations
from tests.support import migration

STEPS = migrations.names()
TEMPLATE = """
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


def copy_steps(folder, steps):
    for step in steps:
        shutil.copyfile(migration.LOCATION / step, folder / step)
