"""The epoch: identifies one history of the database, and is raised when the database went back in time.

A later epoch is the larger text, so that an instance recognizes an epoch that is older than its own.
"""

import logging
from enum import StrEnum
from uuid import UUID

from hubbub.core import clock, ids, metrics
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Fact, Target
from hubbub.queries.eventlog import epochs
from hubbub.queries.eventlog.epochs import Claim

Facts = dict[str, Fact]

log = logging.getLogger(__name__)


class Cause(StrEnum):
    """Why the epoch was raised."""

    RESTORE = "restore"  # by `hubbub restore`
    COMMAND = "command"  # by `hubbub epoch new`
    POSITIONS = "positions"  # the database lacks entries that an instance delivered or acknowledged
    CLAIM = "claim"  # a client has entries that the database lacks


metrics.declare("epoch_raises", Cause)


async def current() -> str:
    """Return the epoch of the open database; generate the first one. Raises Unavailable."""
    async with database.transaction() as tx:
        await epochs.insert_first(tx, str(ids.uuid7()))
        return (await epochs.read(tx)).epoch or ""


def generate_after(*others: str | None) -> str:
    """Generate an epoch that is later than the known ones. It is later even if their clocks were ahead."""
    new = ids.uuid7()
    last = max((epoch for epoch in others if epoch), default="")
    if str(new) > last:
        return str(new)
    return str(UUID(int=UUID(last).int + 1))


async def replace(
    tx: Sql, old: str, new: str, cause: Cause, facts: Facts, user_id: UUID | None = None
) -> bool:
    """Raise the epoch if it still is `old`, and record it in the audit log.

    `user_id` is the account whose claim caused it. Call `log_raise` after the commit.
    """
    if not await epochs.replace(tx, old, new, cause.value):
        return False
    act = AuditEvent(Action.RAISE_EPOCH, target=Target("epoch", new), actor_id=user_id)
    await audit_log.record(tx, act, cause=cause.value, before=old, **facts)
    return True


def log_raise(old: str, new: str, cause: Cause, facts: Facts) -> None:
    """Log and count a raise, once for all instances."""
    metrics.count("epoch_raises", cause.value)
    fields = {"cause": cause.value, "before": old, "epoch": new, **facts}
    log.warning("epoch raised", extra=fields)


async def raise_epoch(old: str, cause: Cause, facts: Facts | None = None, newest_known: str = "") -> bool:
    """Raise the epoch, unless another process did so first. Raises Unavailable."""
    new = generate_after(old, newest_known)
    async with database.transaction() as tx:
        done = await replace(tx, old, new, cause, facts or {})
    if done:
        log_raise(old, new, cause, facts or {})
    return done


async def process_claims(claims: list[Claim]) -> None:
    """Store claims of clients, and raise the epoch if a stored one is due. Raises Unavailable."""
    now = clock.now()
    async with database.transaction() as tx:
        epoch = (await epochs.read(tx, for_update=True)).epoch
        if epoch is None:
            return
        for claim in claims:
            if claim.epoch == epoch:
                await epochs.store_claim(tx, claim, now)
        due = await epochs.due_claim(tx, epoch, now)
        if due is None:
            return
        new = generate_after(epoch)
        facts: Facts = {"room_id": str(due.room_id), "seq": due.seq, "last_seq": due.last_seq}
        await replace(tx, epoch, new, Cause.CLAIM, facts, user_id=due.user_id)
        await epochs.mark_raised(tx, due, now)
    log_raise(epoch, new, Cause.CLAIM, {"user_id": str(due.user_id), **facts})
