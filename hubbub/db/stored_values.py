"""Single values of the deployment, by key, in the table `state`."""

from hubbub.db.sql import Sql


async def get(sql: Sql, key: str) -> str | None:
    """Return the value of a key; None if there is none."""
    rows = await sql.fetch("SELECT value FROM state WHERE key = $1", key)
    return str(rows[0]["value"]) if rows else None


async def put(sql: Sql, key: str, value: str) -> None:
    """Store the value of a key, also in place of another one."""
    await sql.execute(
        "INSERT INTO state (key, value) VALUES ($1, $2) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        value,
    )


async def delete(sql: Sql, key: str) -> None:
    """Delete the value of a key, if there is one."""
    await sql.execute("DELETE FROM state WHERE key = $1", key)
