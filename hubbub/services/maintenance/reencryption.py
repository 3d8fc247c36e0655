"""Secrets at rest are sealed again with the current secret key, so that those of before can be given up."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from hubbub.core.sealing import DecryptionError, Sealing
from hubbub.db import database
from hubbub.db.sql import as_uuid
from hubbub.services.auth import api_keys, two_factor
from hubbub.services.context import Container

BATCH = 500


class Column(NamedTuple):
    """Where secrets are kept; `owner` is the column of the id that `purpose` is about."""

    table: str
    name: str
    owner: str
    purpose: Callable[[UUID], str]


COLUMNS = (
    Column("api_keys", "sealed_secret", "id", api_keys.purpose),
    Column("two_factors", "secret", "user_id", two_factor.purpose),
)


class Reencrypted(NamedTuple):
    """How many were sealed again, and how many no listed key can read."""

    done: int
    lost: int


async def run(parts: Container) -> Reencrypted:
    """Seal again what a key of before has sealed. Safe at any time, on any number of instances at once."""
    done = lost = 0
    for column in COLUMNS:
        after = UUID(int=0)
        while True:
            found = await _batch(column, after)
            for row_id, owner, sealed in found:
                if parts.sealing.is_current(sealed):
                    continue
                again = _again(parts.sealing, column.purpose(owner), sealed)
                if again is None:
                    lost += 1
                else:
                    done += await _store(column, row_id, sealed, again)
            if len(found) < BATCH:
                break
            after = found[-1][0]
    return Reencrypted(done, lost)


async def _batch(column: Column, after: UUID) -> list[tuple[UUID, UUID, str]]:
    sql = (
        f"SELECT id, {column.owner} AS owner, {column.name} AS sealed FROM {column.table} "
        f"WHERE id > $1 AND {column.name} IS NOT NULL ORDER BY id LIMIT {BATCH}"
    )
    async with database.guard():
        rows = await database.connection().fetch(sql, after)
    return [(as_uuid(row["id"]), as_uuid(row["owner"]), str(row["sealed"])) for row in rows]


def _again(sealing: Sealing, purpose: str, sealed: str) -> str | None:
    try:
        return sealing.seal(purpose, sealing.unseal(purpose, sealed))
    except DecryptionError:
        return None


async def _store(column: Column, row_id: UUID, sealed: str, again: str) -> int:
    """0 if it was changed meanwhile."""
    sql = f"UPDATE {column.table} SET {column.name} = $1 WHERE id = $2 AND {column.name} = $3"
    async with database.guard():
        return await database.connection().execute(sql, again, row_id, sealed)
