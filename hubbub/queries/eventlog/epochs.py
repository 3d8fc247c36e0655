"""The epoch of the database, and the claims of clients that may raise it, for both databases."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from hubbub.db import stored_values
from hubbub.db.locking import row_lock
from hubbub.db.sql import Sql, as_uuid

EPOCH_KEY, CAUSE_KEY = "epoch", "epoch_cause"
RAISE_INTERVAL = timedelta(hours=1)  # between two raises by claims, for all users together
RAISE_INTERVAL_PER_USER = timedelta(days=1)  # between two raises by the claims of one user


class Claim(NamedTuple):
    """A client's claim: in `epoch` it has the entry `seq` of a room whose log ends at `last_seq`."""

    user_id: UUID
    epoch: str
    room_id: UUID
    seq: int
    last_seq: int


class StoredEpoch(NamedTuple):
    """The epoch and the cause of its last raise; None where no row holds it."""

    epoch: str | None
    cause: str | None


async def read(sql: Sql, *, for_update: bool = False) -> StoredEpoch:
    """Return the epoch and its cause; with `for_update` it can't be raised until the transaction ends."""
    lock = row_lock(sql, "FOR UPDATE") if for_update else ""
    rows = await sql.fetch(
        f"SELECT key, value FROM state WHERE key IN ('{EPOCH_KEY}', '{CAUSE_KEY}') ORDER BY key {lock}"
    )
    found = {row["key"]: str(row["value"]) for row in rows}
    epoch = found.get(EPOCH_KEY)
    cause_epoch, _, cause = found.get(CAUSE_KEY, "").partition(" ")
    return StoredEpoch(epoch, cause if cause_epoch == epoch else None)


async def insert_first(tx: Sql, epoch: str) -> None:
    """Store the first epoch, unless there is one."""
    await tx.execute(
        f"INSERT INTO state (key, value) VALUES ('{EPOCH_KEY}', $1) ON CONFLICT DO NOTHING", epoch
    )


async def replace(tx: Sql, old: str, new: str, cause: str) -> bool:
    """Raise the epoch if it still is `old`; return whether it was."""
    if not await tx.execute(
        f"UPDATE state SET value = $1 WHERE key = '{EPOCH_KEY}' AND value = $2", new, old
    ):
        return False
    await stored_values.put(tx, CAUSE_KEY, cause_text(new, cause))
    return True


def cause_text(epoch: str, cause: str) -> str:
    """Return the stored form of a cause. It is valid only for this epoch."""
    return f"{epoch} {cause}"


async def rooms_behind(sql: Sql, known: Mapping[UUID, int]) -> list[tuple[UUID, int | None]]:
    """Return (room, last_seq) of the rooms whose logs end before the known seq; None for a missing room."""
    if not known:
        return []
    if sql.dialect == "postgres":
        rows = await sql.fetch(
            "SELECT known.id, r.last_seq FROM unnest($1::uuid[], $2::bigint[]) AS known(id, seq) "
            "LEFT JOIN rooms r ON r.id = known.id WHERE r.id IS NULL OR r.last_seq < known.seq",
            list(known),
            list(known.values()),
        )
    else:
        rows = await sql.fetch(
            "SELECT known.key AS id, r.last_seq FROM json_each($1) AS known LEFT JOIN rooms r "
            "ON r.id = known.key WHERE r.id IS NULL OR r.last_seq < known.value",
            "{" + ",".join(f'"{room_id}":{seq}' for room_id, seq in known.items()) + "}",
        )
    return [(as_uuid(row["id"]), row["last_seq"]) for row in rows]


async def store_claim(tx: Sql, claim: Claim, at: datetime) -> None:
    """Store a claim. Of several claims of one user in one epoch, the first counts."""
    await tx.execute(
        "INSERT INTO epoch_claims (user_id, epoch, room_id, seq, last_seq, claimed_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE SET epoch = excluded.epoch, "
        "room_id = excluded.room_id, seq = excluded.seq, last_seq = excluded.last_seq, "
        "claimed_at = excluded.claimed_at WHERE epoch_claims.epoch <> excluded.epoch",
        *claim,
        at,
    )


async def due_claim(sql: Sql, epoch: str, now: datetime) -> Claim | None:
    """Return the oldest claim of the epoch that may raise it now: once an hour, once a day for its user."""
    rows = await sql.fetch(
        "SELECT user_id, epoch, room_id, seq, last_seq FROM epoch_claims WHERE epoch = $1 "
        "AND (raised_at IS NULL OR raised_at <= $2) "
        "AND NOT EXISTS (SELECT 1 FROM epoch_claims WHERE raised_at > $3) "
        "ORDER BY claimed_at, user_id LIMIT 1",
        epoch,
        now - RAISE_INTERVAL_PER_USER,
        now - RAISE_INTERVAL,
    )
    if not rows:
        return None
    row = rows[0]
    return Claim(as_uuid(row["user_id"]), row["epoch"], as_uuid(row["room_id"]), row["seq"], row["last_seq"])


async def mark_raised(tx: Sql, claim: Claim, now: datetime) -> None:
    """Record that a claim raised the epoch, and delete the claims that can have no effect any more."""
    await tx.execute("UPDATE epoch_claims SET raised_at = $1 WHERE user_id = $2", now, claim.user_id)
    await tx.execute(
        "DELETE FROM epoch_claims WHERE raised_at IS NULL OR raised_at <= $1", now - RAISE_INTERVAL_PER_USER
    )
