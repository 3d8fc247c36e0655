"""Activity: whether a user is using a client now. A user who is active needs no e-mail and no push."""

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from hubbub.services.context import Container

ACTIVE_S = 60.0  # since the last event of a socket


async def is_active(container: "Container", user_id: UUID) -> bool:
    """Return whether the user is online, and a socket of the user sent anything in the last 60 s."""
    statuses = await container.presence.get([user_id])
    if statuses.get(user_id) != "online":
        return False
    if user_id in container.activity.users:
        return True
    idle_s = (await container.presence.idle_seconds([user_id])).get(user_id)
    return idle_s is not None and idle_s <= ACTIVE_S
