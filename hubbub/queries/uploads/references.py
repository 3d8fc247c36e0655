"""What refers to uploads: rows of `upload_references`, and messages that have them attached.

A transaction that adds or removes a reference holds the lock of the upload's row, as its deletion does. Rows
are locked by ascending id, after the rows of rooms.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from hubbub.core.ids import uuid7
from hubbub.db.locking import row_lock
from hubbub.db.sql import Sql, as_uuid, in_clause
from hubbub.schemas.uploads.uploads import ATTACHABLE_KINDS

_LOCK = "FOR NO KEY UPDATE"  # messages and references that refer to a row can still be stored
_IS_REFERENCED = (
    "(EXISTS (SELECT 1 FROM upload_references r WHERE r.upload_id = uploads.id) "
    "OR EXISTS (SELECT 1 FROM message_attachments a WHERE a.upload_id = uploads.id))"
)


async def lock(tx: Sql, upload_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Lock those of the uploads that exist and can be attached; return upload → uploader."""
    where, ids = in_clause(tx, upload_ids)
    rows = await tx.fetch(
        f"SELECT id, user_id FROM uploads WHERE id {where} AND kind IN {ATTACHABLE_KINDS} "
        f"ORDER BY id {row_lock(tx, _LOCK)}",
        ids,
    )
    return {as_uuid(row["id"]): as_uuid(row["user_id"]) for row in rows}


async def replace(
    tx: Sql, user_id: UUID, kind: str, wanted: Mapping[UUID, Collection[UUID]], at: datetime
) -> dict[UUID, set[str]]:
    """Replace all references of one kind from targets: target → the uploads to which it refers now.

    Locks the uploads, also those that are no longer referred to. Uploads that do not exist or belong to
    another user are left out. Returns the others: upload → the names of its files.
    """
    where, targets = in_clause(tx, wanted, 2)
    rows = await tx.fetch(
        f"SELECT upload_id, target_id FROM upload_references WHERE kind = $1 AND target_id {where}",
        *(kind, targets),
    )
    former = {(as_uuid(row["upload_id"]), as_uuid(row["target_id"])) for row in rows}
    added = {(upload, target) for target, uploads in wanted.items() for upload in uploads}
    own = await lock_own(tx, user_id, {upload for upload, _ in former | added})
    added = {pair for pair in added if pair[0] in own}
    await _remove(tx, kind, former - added, at)
    await tx.executemany(
        "INSERT INTO upload_references (id, upload_id, kind, target_id) VALUES ($1, $2, $3, $4)",
        [(uuid7(), upload, kind, target) for upload, target in sorted(added - former)],
    )
    if added - former:
        await keep(tx, {upload for upload, _ in added - former})
    return own


async def lock_own(tx: Sql, user_id: UUID, upload_ids: Iterable[UUID]) -> dict[UUID, set[str]]:
    """Lock those of the uploads that belong to a user; return upload → the names of its files."""
    where, values = in_clause(tx, upload_ids)
    rows = await tx.fetch(
        f"SELECT id FROM uploads WHERE id {where} AND user_id = $2 ORDER BY id {row_lock(tx, _LOCK)}",
        *(values, user_id),
    )
    own: dict[UUID, set[str]] = {as_uuid(row["id"]): set() for row in rows}
    where, values = in_clause(tx, own)
    for row in await tx.fetch(f"SELECT upload_id, name FROM upload_files WHERE upload_id {where}", values):
        own[as_uuid(row["upload_id"])].add(row["name"])
    return own


async def _remove(tx: Sql, kind: str, pairs: Collection[tuple[UUID, UUID]], at: datetime) -> None:
    if not pairs:
        return
    await tx.executemany(
        "DELETE FROM upload_references WHERE upload_id = $1 AND kind = $2 AND target_id = $3",
        [(upload, kind, target) for upload, target in sorted(pairs)],
    )
    await release(tx, {upload for upload, _ in pairs}, at)


async def keep(tx: Sql, upload_ids: Iterable[UUID]) -> None:
    """Record that something refers to locked uploads."""
    where, ids = in_clause(tx, upload_ids)
    await tx.execute(f"UPDATE uploads SET unreferenced_since = NULL WHERE id {where}", ids)


async def release(tx: Sql, upload_ids: Iterable[UUID], at: datetime) -> None:
    """Record that nothing refers to those of the locked uploads that have no reference left."""
    where, ids = in_clause(tx, upload_ids, 2)
    await tx.execute(
        f"UPDATE uploads SET unreferenced_since = $1 WHERE id {where} AND NOT {_IS_REFERENCED}", at, ids
    )


async def referenced(tx: Sql, upload_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the locked uploads to which something refers."""
    where, ids = in_clause(tx, upload_ids)
    rows = await tx.fetch(f"SELECT id FROM uploads WHERE id {where} AND {_IS_REFERENCED}", ids)
    return {as_uuid(row["id"]) for row in rows}


async def lock_lost(tx: Sql, limit: int) -> list[UUID]:
    """Lock and return uploads whose last reference disappeared without `release`, as with its room."""
    lock = row_lock(tx, f"{_LOCK} SKIP LOCKED")
    rows = await tx.fetch(
        f"SELECT id FROM uploads WHERE unreferenced_since IS NULL AND NOT {_IS_REFERENCED} "
        f"ORDER BY id LIMIT $1 {lock}",
        limit,
    )
    return [as_uuid(row["id"]) for row in rows]
