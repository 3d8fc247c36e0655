"""Re-encrypts stored secrets with the current secret key, so that previous keys can be removed."""

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple
from uuid import UUID

from hubbub.core.sealing import DecryptionError, Sealing
from hubbub.db import database
from hubbub.db.sql import as_uuid
from hubbub.services.auth import api_keys, two_factor
from hubbub.services.context import Container

REENCRYPT_BATCH_ROWS = 500


class EncryptedColumn(NamedTuple):
    """A column of encrypted values. `owner` is the column of the id that `purpose` receives."""

    table: str
    name: str
    owner: str
    purpose: Callable[[UUID], str]


ENCRYPTED_COLUMNS = (
    EncryptedColumn("api_keys", "sealed_secret", "id", api_keys.sealing_purpose),
    EncryptedColumn("two_factors", "secret", "user_id", two_factor.sealing_purpose),
)


class ReencryptionResult(NamedTuple):
    """The number of re-encrypted values, and of values that no configured key can decrypt."""

    reencrypted: int
    unreadable: int


async def run(container: Container) -> ReencryptionResult:
    """Re-encrypt all values of previous keys. Safe at any time, on several instances at once."""
    done = lost = 0
    for column in ENCRYPTED_COLUMNS:
        async for row_id, owner, sealed in _read(column):
            if container.sealing.is_current(sealed):
                continue
            reencrypted = _reencrypt(container.sealing, column.purpose(owner), sealed)
            if reencrypted is None:
                lost += 1
            else:
                done += await _store(column, row_id, sealed, reencrypted)
    return ReencryptionResult(done, lost)


async def _read(column: EncryptedColumn) -> AsyncIterator[tuple[UUID, UUID, str]]:
    """Yield the values of a column, read in batches: id of the row, owner, sealed value."""
    sql = (
        f"SELECT id, {column.owner} AS owner, {column.name} AS sealed FROM {column.table} "
        f"WHERE id > $1 AND {column.name} IS NOT NULL ORDER BY id LIMIT {REENCRYPT_BATCH_ROWS}"
    )
    after, count = UUID(int=0), REENCRYPT_BATCH_ROWS
    while count == REENCRYPT_BATCH_ROWS:
        async with database.guard():
            rows = await database.connection().fetch(sql, after)
        for row in rows:
            after = as_uuid(row["id"])
            yield after, as_uuid(row["owner"]), str(row["sealed"])
        count = len(rows)


def _reencrypt(sealing: Sealing, purpose: str, sealed: str) -> str | None:
    try:
        return sealing.seal(purpose, sealing.unseal(purpose, sealed))
    except DecryptionError:
        return None


async def _store(column: EncryptedColumn, row_id: UUID, sealed: str, reencrypted: str) -> int:
    """Store a value. Returns 0 if it was changed meanwhile."""
    sql = f"UPDATE {column.table} SET {column.name} = $1 WHERE id = $2 AND {column.name} = $3"
    async with database.guard():
        return await database.connection().execute(sql, reencrypted, row_id, sealed)
