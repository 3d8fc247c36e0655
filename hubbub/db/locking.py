"""Row locks of statements that change several rows: every instance takes them in one order.

The order is: rooms, memberships, users, portfolios, then the other rows that belong to a user; within a
table, ascending ids.
"""

from hubbub.db.sql import Sql

MAX_LOCKED_ROWS = 500  # locked by one statement


def row_lock(sql: Sql, clause: str) -> str:
    """Return a locking clause such as `FOR UPDATE`; nothing for SQLite, which has one writer."""
    return clause if sql.dialect == "postgres" else ""


def lock_condition(
    sql: Sql, table: str, where: str, *, skip_locked: bool = False, for_delete: bool = False
) -> str:
    """Return a condition on `id`: the rows of `table` that match `where`, locked by ascending id.

    `skip_locked` omits rows that another transaction holds, for writes that can wait. `for_delete` takes the
    lock of a DELETE; without it, rows that refer to these can still be inserted. SQLite has one writer.

    An array is evaluated once, before the first row is changed; a subquery after IN may run again.
    """
    if sql.dialect != "postgres":
        return f"IN (SELECT id FROM {table} WHERE {where})"
    lock = f"FOR {'' if for_delete else 'NO KEY '}UPDATE{' SKIP LOCKED' if skip_locked else ''}"
    return f"= ANY(ARRAY(SELECT id FROM {table} WHERE {where} ORDER BY id {lock}))"


async def delete_all(sql: Sql, table: str, where: str, *values: object) -> None:
    """Delete the unlocked rows of `table` that match `where`, in batches. Call it outside a transaction."""
    statement = delete_batch(sql, table, where)
    deleted = 1
    while deleted:
        deleted = await sql.execute(statement, *values)


def delete_batch(sql: Sql, table: str, where: str) -> str:
    """Return a DELETE of at most `MAX_LOCKED_ROWS` unlocked rows of `table` that match `where`.

    The rows are found without a lock, by the index of `where` and not by the order of their ids. With the
    lock, `where` is checked again.
    """
    found = f"SELECT id FROM {table} WHERE {where} LIMIT {MAX_LOCKED_ROWS}"
    if sql.dialect != "postgres":
        return f"DELETE FROM {table} WHERE id IN ({found})"
    rows = lock_condition(
        sql, table, f"id = ANY(ARRAY({found})) AND ({where})", skip_locked=True, for_delete=True
    )
    return f"DELETE FROM {table} WHERE id {rows}"
