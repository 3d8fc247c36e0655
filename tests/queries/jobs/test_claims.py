"""Due jobs are found by an index, however many jobs are delayed, ended or due."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.db import database
from hubbub.queries.jobs import claims as queries
from hubbub.services.jobs import claims, kinds
from tests.support.query_plans import ExplainingSql

PRIORITIES = [0, 1, 2]


@pytest.fixture
async def sql(settings):
    """A table with 20 due jobs among thousands that are delayed or ended."""
    async with services_context.open_container(settings):
        now = clock.now()
        states = [("ready", now - timedelta(hours=1))] * 20
        states += [("ready", now + timedelta(days=1))] * 3000 + [("done", now)] * 3000
        async with database.transaction() as tx:
            await tx.executemany(
                "INSERT INTO jobs (id, queue, kind, payload, state, run_at, created_at, ended_at) "
                "VALUES ($1, 'mail', 'mail.letter', '{}', $2, $3, $4, $4)",
                [(UUID(int=number), state, at, now) for number, (state, at) in enumerate(states, 1)],
            )
        sql = database.connection()
        await sql.execute("ANALYZE")
        yield ExplainingSql(sql)


def slots():
    return [claims.slots_of(kind, 4) for kind in kinds.KINDS]


def reads(plan):
    """Return the lines of a plan that state how rows of the table are read."""
    return [
        line
        for line in plan.splitlines()
        if "jobs" in line and ("Scan" in line or "SEARCH" in line or "SCAN" in line)
    ]


async def test_due_jobs_are_claimed_by_the_index(sql):
    found = await queries.claim(sql, slots(), PRIORITIES, 32, queries.Lease(uuid4(), 30.0))

    assert len(found) == 4
    [plan] = sql.plans
    by_due_time = [line for line in reads(plan) if "idx_jobs_ready" in line]
    others = [line for line in reads(plan) if line not in by_due_time and "job_queues" not in line]
    assert by_due_time
    assert [
        line for line in others if "jobs_pkey" not in line and "sqlite_autoindex_jobs_1" not in line
    ] == []


async def test_the_next_due_job_is_found_by_the_index(sql):
    assert await queries.next_due_s(sql, slots(), PRIORITIES) < 0

    [plan] = sql.plans
    assert reads(plan)
    assert [line for line in reads(plan) if "idx_jobs_ready" not in line and "job_queues" not in line] == []
