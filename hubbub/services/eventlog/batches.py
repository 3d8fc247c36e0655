"""What of a batch of messages may be stored: decided under the locks of its rooms."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from hubbub.core.errors import HubbubError, NotFound, NotMember
from hubbub.db.sql import Sql
from hubbub.queries.eventlog import event_log
from hubbub.services.eventlog.pending_message import PendingMessage, Stored


async def partition(
    tx: Sql,
    batch: Sequence[PendingMessage],
    heads: Mapping[UUID, event_log.LogHead],
    results: list[tuple[PendingMessage, Stored | HubbubError]],
) -> list[PendingMessage]:
    """Return what is new and allowed; add the answers to the rest. `heads` are those of the locked rooms."""
    stored = await event_log.stored_messages(tx, [pending.key for pending in batch])
    outdated = [
        pending
        for pending in batch
        if (h := heads.get(pending.membership.room_id)) and h.version != pending.membership.version
    ]
    members = await _current_memberships(tx, outdated) if outdated else {}
    accepted: dict[tuple[UUID, UUID], PendingMessage] = {}
    for pending in batch:
        key, head = pending.key, heads.get(pending.membership.room_id)
        if (earlier := stored.get(key)) is not None:
            results.append((pending, Stored(0, earlier)))
        elif key in accepted:
            results.append((pending, Stored(0, accepted[key].id)))
        elif head is None or head.archived:
            results.append((pending, NotFound("There is no such room.")))
        elif (
            head.version != pending.membership.version and (pending.membership.room_id, key[0]) not in members
        ):
            results.append((pending, NotMember()))
        else:
            pending.membership.version = head.version
            accepted[key] = pending
    return list(accepted.values())


async def _current_memberships(
    tx: Sql, outdated: Sequence[PendingMessage]
) -> dict[tuple[UUID, UUID], event_log.Membership]:
    """Memberships that changed since the standings were read."""
    rooms = {pending.membership.room_id for pending in outdated}
    return await event_log.memberships(tx, rooms, {pending.sender.id for pending in outdated})
