"""The upkeep of the database, and the schedule that is an example."""

import logging
from uuid import uuid4

import pytest

from hubbub.cli import services_context
from hubbub.db import database
from hubbub.schemas.jobs import LogHeartbeat, MaintainDatabase
from hubbub.services.maintenance import upkeep


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def test_the_statistics_of_every_table_are_updated(container):
    await upkeep.maintain_database(container, MaintainDatabase(run_id=uuid4()))

    sql = database.connection()
    if sql.dialect == "postgres":
        rows = await sql.fetch(
            "SELECT relname FROM pg_stat_user_tables WHERE last_vacuum IS NULL OR last_analyze IS NULL"
        )
        assert rows == []
    assert await sql.fetch("SELECT count(*) AS count FROM jobs")


async def test_a_heartbeat_is_one_line(container, caplog):
    with caplog.at_level(logging.INFO):
        await upkeep.log_heartbeat(container, LogHeartbeat(run_id=uuid4()))

    assert [record.message for record in caplog.records if record.name.endswith("upkeep")] == ["heartbeat"]
