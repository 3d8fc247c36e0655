"""Query plans: each statement is also explained."""

from typing import Any

from hubbub.db.sql import Rows, Sql


class ExplainingSql:
    """In the place of a connection; `plans` holds a text for each query."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self.dialect = sql.dialect
        self.plans: list[str] = []

    async def fetch(self, sql: str, *values: object) -> Rows:
        await self._explain(sql, *values)
        return await self._sql.fetch(sql, *values)

    async def execute(self, sql: str, *values: object) -> int:
        await self._explain(sql, *values)
        return await self._sql.execute(sql, *values)

    async def _explain(self, sql: str, *values: object) -> None:
        explain = "EXPLAIN" if self.dialect == "postgres" else "EXPLAIN QUERY PLAN"
        rows: Any = await self._sql.fetch(f"{explain} {sql}", *values)
        self.plans.append(
            "\n".join(str(row["QUERY PLAN" if explain == "EXPLAIN" else "detail"]) for row in rows)
        )
