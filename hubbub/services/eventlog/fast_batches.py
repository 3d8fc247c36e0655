"""FAST PATH: stores a batch of messages by one statement on PostgreSQL, by one call on SQLite."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.eventlog import append_batch, append_batch_sqlite
from hubbub.services.eventlog.pending_message import PendingMessage

if TYPE_CHECKING:
    from datetime import datetime

    from hubbub.db.engines.held import HeldConnection
    from hubbub.services.eventlog.epoch_watch import EpochWatch


async def append(
    batch: Collection[PendingMessage],
    at: "datetime",
    epoch_watch: "EpochWatch",
    held: "HeldConnection | None",
) -> dict[UUID, int]:
    """Store what is unchanged since its check, all of it or nothing; return message → seq.

    Each message must be encoded, and no two may be the same. `held` is the worker's connection to PostgreSQL.
    Raises the driver's errors.
    """
    if held is None:
        return await _append_to_sqlite(batch, at, epoch_watch)
    sql, position = Sql(held), epoch_watch.position
    rows = append_batch.Batch(
        [pending.to_batch_row(position(pending.membership.room_id)) for pending in batch],
        [row for pending in batch if pending.mentions for row in pending.mention_rows()],
        [row for pending in batch if pending.attachments for row in pending.attachment_rows()],
        [row for pending in batch if pending.jobs for row in pending.job_rows(sql)],
    )
    return await append_batch.append_messages(sql, rows, at, epoch_watch.epoch)


async def _append_to_sqlite(
    batch: Collection[PendingMessage], at: "datetime", epoch_watch: "EpochWatch"
) -> dict[UUID, int]:
    """Leave out each room in which a message has attachments or jobs: messages of a room keep their order."""
    left_out = {pending.membership.room_id for pending in batch if pending.attachments or pending.jobs}
    ordinary = [pending for pending in batch if pending.membership.room_id not in left_out]
    rows = [pending.to_text_row(epoch_watch.position(pending.membership.room_id)) for pending in ordinary]
    if not rows:
        return {}
    seqs = await append_batch_sqlite.append_messages(database.connection(), rows, at, epoch_watch.epoch)
    return {ordinary[index].id: seq for index, seq in seqs.items()}
