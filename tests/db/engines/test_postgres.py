"""The session of a connection to PostgreSQL: what it sets for all statements."""

import pytest

from hubbub.core import ids
from hubbub.db import database

STATEMENT = "SELECT user_id FROM inboxes WHERE user_id = ANY($1::uuid[])"
EXECUTIONS = 10  # from the sixth one on, PostgreSQL keeps a plan


@pytest.fixture
def database_kind():
    """SQLite has no plans that depend on the size of a table."""
    return "postgres"


async def test_a_plan_that_was_made_for_an_empty_table_uses_the_index(sql):
    await sql.execute("VACUUM ANALYZE inboxes")
    async with database.transaction() as tx:
        await tx.execute(f"PREPARE found (uuid[]) AS {STATEMENT}")
        for _ in range(EXECUTIONS):
            await tx.fetch(f"EXECUTE found(ARRAY['{ids.uuid7()}'::uuid])")

        plan = await tx.fetch(f"EXPLAIN EXECUTE found(ARRAY['{ids.uuid7()}'::uuid])")

        await tx.execute("DEALLOCATE found")
    assert "Seq Scan" not in "".join(row["QUERY PLAN"] for row in plan)


async def test_a_table_without_an_index_is_read_without_compiling_the_statement(sql):
    plan = await sql.fetch("EXPLAIN SELECT * FROM users WHERE bio = 'x'")

    text = "".join(row["QUERY PLAN"] for row in plan)
    assert "Seq Scan" in text
    assert "JIT" not in text
