"""What of a batch of messages may be stored: decided under the locks of its rooms."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from hubbub.core.errors import HubbubError, NotFound, NotMember
from hubbub.db.sql import Sql
from hubbub.queries.eventlog import event_log
from hubbub.services.eventlog.pending_message import PendingMessage, Stored


async def accept(
    tx: Sql,
    batch: Sequence[PendingMessage],
    heads: Mapping[UUID, event_log.LogHead],
    answers: list[tuple[PendingMessage, Stored | HubbubError]],
) -> list[PendingMessage]:
    """Return what is new and allowed; add the answers to the rest. `heads` are those of the locked rooms."""
    stored = await event_log.stored_messages(tx, [outgoing.key for outgoing in batch])
    doubtful = [o for o in batch if (h := heads.get(o.standing.room_id)) and h.version != o.standing.version]
    members = await _members(tx, doubtful) if doubtful else {}
    fresh: dict[tuple[UUID, UUID], PendingMessage] = {}
    for outgoing in batch:
        key, head = outgoing.key, heads.get(outgoing.standing.room_id)
        if (earlier := stored.get(key)) is not None:
            answers.append((outgoing, Stored(0, earlier)))
        elif key in fresh:
            answers.append((outgoing, Stored(0, fresh[key].id)))
        elif head is None or head.archived:
            answers.append((outgoing, NotFound("There is no such room.")))
        elif head.version != outgoing.standing.version and (outgoing.standing.room_id, key[0]) not in members:
            answers.append((outgoing, NotMember()))
        else:
            outgoing.standing.version = head.version
            fresh[key] = outgoing
    return list(fresh.values())


async def _members(
    tx: Sql, doubtful: Sequence[PendingMessage]
) -> dict[tuple[UUID, UUID], event_log.Membership]:
    """Memberships that changed since the standings were read."""
    rooms = {outgoing.standing.room_id for outgoing in doubtful}
    return await event_log.standings(tx, rooms, {outgoing.sender.id for outgoing in doubtful})
