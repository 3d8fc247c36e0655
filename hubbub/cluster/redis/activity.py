"""When users last sent something, for all instances: one key for each user, which expires."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from hubbub.cluster.presence import ACTIVITY_TTL_S
from hubbub.cluster.redis.reconnecting import REDIS_ERRORS
from hubbub.core import clock
from hubbub.core.batching import slices
from hubbub.core.errors import Unavailable

MAX_USERS_PER_PIPELINE = 500


class Activity:
    """`active:<user>` holds the Unix time of the last event of a user."""

    def __init__(self, client: Any, prefix: str) -> None:  # noqa: ANN401 - a client of one server or of a cluster
        self._redis = client  # client for commands
        self._prefix = f"{prefix}:active:"  # of the keys

    async def mark(self, user_ids: Iterable[UUID]) -> None:
        """Record that users sent something now. Raises Unavailable."""
        now = clock.now().timestamp()
        try:
            for batch in slices(list(user_ids), MAX_USERS_PER_PIPELINE):
                pipe = self._redis.pipeline(transaction=False)
                for user_id in batch:
                    pipe.set(self._prefix + user_id.hex, f"{now:.3f}", ex=ACTIVITY_TTL_S)
                await pipe.execute()
        except REDIS_ERRORS:
            raise Unavailable from None

    async def idle_seconds(self, user_ids: Iterable[UUID]) -> dict[UUID, float]:
        """Return since how many seconds users sent nothing. Without Redis nothing is known."""
        active_at: dict[UUID, bytes | None] = {}
        try:
            for batch in slices(list(user_ids), MAX_USERS_PER_PIPELINE):
                pipe = self._redis.pipeline(transaction=False)
                for user_id in batch:
                    pipe.get(self._prefix + user_id.hex)
                active_at |= zip(batch, await pipe.execute(), strict=True)
        except REDIS_ERRORS:
            return {}
        now = clock.now().timestamp()
        return {user_id: now - float(at) for user_id, at in active_at.items() if at is not None}
