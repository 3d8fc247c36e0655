"""Bus, presence and rate limits of a single instance, in memory."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from uuid import UUID

from hubbub.cluster.bus import Signal
from hubbub.cluster.presence import ACTIVITY_TTL_S, Describe, Instances, OnChange
from hubbub.core import clock, metrics
from hubbub.ratelimit.backoff import FailureCounter, FailureState
from hubbub.ratelimit.gcra import Decision, GcraLimiter
from hubbub.ratelimit.rate import Rate

log = logging.getLogger(__name__)


class MemoryBus:
    """Calls the handlers at once for each signal, in the order of publishing."""

    def __init__(self) -> None:
        self._handlers: list[Callable[[Signal], None]] = []  # called for each signal

    async def start(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    def state(self) -> str | None:
        return None

    def publish(self, signal: Signal) -> None:
        for handler in self._handlers:
            try:
                handler(signal)
            except Exception:
                metrics.count("bus_handler_failures")
                log.exception("a signal could not be handled", extra={"signal": type(signal).__name__})

    def add_handler(self, handler: Callable[[Signal], None]) -> None:
        self._handlers.append(handler)

    # A single instance receives every signal without a subscription.

    def subscribe_room(self, room_id: UUID) -> None:
        """Do nothing."""

    def unsubscribe_room(self, room_id: UUID) -> None:
        """Do nothing."""

    def subscribe_user(self, user_id: UUID) -> None:
        """Do nothing."""

    def unsubscribe_user(self, user_id: UUID) -> None:
        """Do nothing."""

    def subscribe_topic(self, topic: str) -> None:
        """Do nothing."""

    async def wait_subscribed(self) -> None:
        """Do nothing."""

    async def wait_published(self) -> None:
        """Do nothing."""

    async def publish_confirmed(self, signal: Signal) -> bool:
        self.publish(signal)
        return True

    async def is_current(self, _user_id: UUID) -> bool:
        return True


class MemoryPresence:
    """The statuses of one instance's users."""

    def __init__(self) -> None:
        self._statuses: dict[UUID, str] = {}  # of the connected users
        self._active_at: dict[UUID, float] = {}  # monotonic time of the last event, by user; oldest first
        self._describe: Describe | None = None  # describes this instance

    def register_instance(self, describe: Describe) -> None:
        self._describe = describe

    async def instances(self) -> Instances:
        return Instances([self._describe()] if self._describe is not None else [], complete=True)

    def start(self, on_change: OnChange) -> None:
        """Do nothing: no status changes without a call on this instance."""

    async def close(self) -> bool:
        return False

    def expect_connected(self, user_id: UUID) -> None:
        """Do nothing: every status is kept."""

    async def mark_connected(self, user_ids: Iterable[UUID]) -> set[UUID]:
        new = {user_id for user_id in user_ids if user_id not in self._statuses}
        self._statuses.update(dict.fromkeys(new, "online"))
        return new

    async def mark_disconnected(self, user_ids: Iterable[UUID]) -> set[UUID]:
        return {user_id for user_id in user_ids if self._statuses.pop(user_id, None) is not None}

    async def set_status(self, user_id: UUID, status: str) -> bool:
        return self.set_status_immediate(user_id, status)

    def set_status_immediate(self, user_id: UUID, status: str) -> bool:
        changed = self._statuses.get(user_id) != status
        self._statuses[user_id] = status
        return changed

    async def mark_active(self, user_ids: Iterable[UUID]) -> None:
        now = clock.monotonic()
        for user_id in user_ids:
            self._active_at.pop(user_id, None)
            self._active_at[user_id] = now
        while self._active_at and now - next(iter(self._active_at.values())) > ACTIVITY_TTL_S:
            del self._active_at[next(iter(self._active_at))]

    async def idle_seconds(self, user_ids: Iterable[UUID]) -> dict[UUID, float]:
        now = clock.monotonic()
        return {each: now - self._active_at[each] for each in user_ids if each in self._active_at}

    async def get(self, user_ids: Iterable[UUID]) -> dict[UUID, str]:
        return {user_id: self._statuses[user_id] for user_id in user_ids if user_id in self._statuses}


class MemoryRateLimiter:
    """Rate limits and failure counters of one instance."""

    def __init__(self) -> None:
        self._limiters: defaultdict[str, GcraLimiter] = defaultdict(GcraLimiter)  # by kind
        self._failure_counters: defaultdict[str, FailureCounter] = defaultdict(FailureCounter)  # by kind

    async def acquire(self, kind: str, key: str, rate: Rate, cost: int = 1) -> Decision:
        return self._limiters[kind].acquire(key, rate, cost)

    async def peek_failures(self, kind: str, key: str) -> FailureState:
        return self._failure_counters[kind].peek(key)

    async def record_failure(self, kind: str, key: str) -> FailureState:
        return self._failure_counters[kind].record_failure(key)

    async def forgive_failure(self, kind: str, key: str) -> FailureState:
        return self._failure_counters[kind].forgive_one(key)

    async def reset_failures(self, kind: str, key: str) -> FailureState:
        return self._failure_counters[kind].reset(key)
