"""The epoch of the database, and what clients said that may raise it: SQL for both databases."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_uuid

EPOCH_KEY, CAUSE_KEY = "epoch", "epoch_cause"
RAISE_INTERVAL = timedelta(hours=1)  # raises by claims, of a deployment
RAISE_INTERVAL_PER_USER = timedelta(days=1)


class Claim(NamedTuple):
    """A client in `epoch` has the entry `seq` of a room whose log ends at `last_seq`."""

    user_id: UUID
    epoch: str
    room_id: UUID
    seq: int
    last_seq: int


class StoredEpoch(NamedTuple):
    """The epoch, and why it was raised last; None where no row says so."""

    epoch: str | None
    cause: str | None


async def read(sql: Sql, *, for_update: bool = False) -> StoredEpoch:
    """The epoch and its cause; `locking` keeps others from raising it until the transaction ends."""
    lock = "FOR UPDATE" if for_update and sql.dialect == "postgres" else ""
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
    """Raise the epoch, if it still is `old`."""
    if not await tx.execute(
        f"UPDATE state SET value = $1 WHERE key = '{EPOCH_KEY}' AND value = $2", new, old
    ):
        return False
    await tx.execute(
        f"INSERT INTO state (key, value) VALUES ('{CAUSE_KEY}', $1) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        cause_text(new, cause),
    )
    return True


def cause_text(epoch: str, cause: str) -> str:
    """What is stored beside an epoch: it counts for that epoch alone."""
    return f"{epoch} {cause}"


async def rooms_behind(sql: Sql, known: Mapping[UUID, int]) -> list[tuple[UUID, int | None]]:
    """(room, last_seq) of those of the rooms whose logs end before the known seq; None for no such room."""
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
    """Store a claim. Of several of one user in one epoch the first counts."""
    await tx.execute(
        "INSERT INTO epoch_claims (user_id, epoch, room_id, seq, last_seq, claimed_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE SET epoch = excluded.epoch, "
        "room_id = excluded.room_id, seq = excluded.seq, last_seq = excluded.last_seq, "
        "claimed_at = excluded.claimed_at WHERE epoch_claims.epoch <> excluded.epoch",
        *claim,
        at,
    )


async def due_claim(sql: Sql, epoch: str, now: datetime) -> Claim | None:
    """The oldest claim of this epoch that may raise it now: once an hour, and once a day for its user."""
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
    """Note that a claim raised the epoch; forget the claims that can mean nothing any more."""
    await tx.execute("UPDATE epoch_claims SET raised_at = $1 WHERE user_id = $2", now, claim.user_id)
    await tx.execute(
        "DELETE FROM epoch_claims WHERE raised_at IS NULL OR raised_at <= $1", now - RAISE_INTERVAL_PER_USER
    )
