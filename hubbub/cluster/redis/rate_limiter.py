"""Limits of several instances: levels and failures in Redis, and in memory while it is away."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from hubbub.cluster.memory import MemoryRateLimiter
from hubbub.cluster.redis.reconnecting import FAILURES
from hubbub.cluster.redis.topology import Topology
from hubbub.core import clock, metrics
from hubbub.core.batching import BatchLoader
from hubbub.ratelimit.backoff import FORGET_FAILURES_MS, FORGET_SUCCESS_MS, Act, FailureState
from hubbub.ratelimit.gcra import Decision, decide, interval_us
from hubbub.ratelimit.rate import Rate

log = logging.getLogger(__name__)

T = TypeVar("T")
PATIENCE_S = 0.08  # that a request waits for Redis at most; then its instance counts for itself
PAUSE_S = 1.0  # after a failure, until one request asks Redis again
QUIET_S = 60.0  # between two outages that are logged
_HERE = Path(__file__).parent
BUCKETS = (_HERE / "buckets.lua").read_text()
ATTEMPTS = (_HERE / "attempts.lua").read_text()


class _Unavailable(Exception):
    """Redis can't be asked now."""


class _Taking:
    """One who asks: two of one key are two."""

    __slots__ = ("cost", "key", "rate")

    def __init__(self, key: str, rate: Rate, cost: int) -> None:
        self.key = key
        self.rate = rate
        self.cost = cost


class _Noting:
    """Likewise."""

    __slots__ = ("act", "key")

    def __init__(self, key: str, act: Act) -> None:
        self.key = key
        self.act = act


class RedisRateLimiter:
    """Who asks while a question is out is part of the next one, so that a crowd costs a few round trips."""

    def __init__(self, servers: Topology, prefix: str, patience_s: float = PATIENCE_S) -> None:
        self._servers = servers
        self._redis: Any = servers.client
        self._prefix = f"{prefix}:limit:"
        self.patience_s = patience_s
        self._near = MemoryRateLimiter()
        self._takings: BatchLoader[_Taking, Decision] = BatchLoader(self._take, name="limits")
        self._notings: BatchLoader[_Noting, FailureState] = BatchLoader(self._note, name="attempts")
        self._away = False
        self._next_try = 0.0
        self._told_at = float("-inf")
        self._told = False
        metrics.gauge("rate_limits_shared", lambda: float(not self._away))

    async def take(self, of: str, key: str, rate: Rate, cost: int = 1) -> Decision:
        taking = _Taking(f"{self._prefix}{of}:{key}", rate, cost)
        try:
            found = await self._ask(lambda: self._takings.get(taking))
        except _Unavailable:
            found = None
        return found if found is not None else await self._near.take(of, key, rate, cost)

    async def note(self, of: str, key: str, act: Act) -> FailureState:
        noting = _Noting(f"{self._prefix}{of}:{key}", act)
        try:
            found = await self._ask(lambda: self._notings.get(noting))
        except _Unavailable:
            found = None
        return found if found is not None else await self._near.note(of, key, act)

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The answer of Redis. Raises _Away, at once if it was away a moment ago."""
        now = clock.monotonic()
        if now < self._next_try:
            raise _Unavailable
        if self._away:
            self._next_try = now + PAUSE_S  # one finds out; the others do not wait for it
        try:
            async with asyncio.timeout(self.patience_s):
                answer = await question()
        except FAILURES as error:  # the timeout is one of them
            self._failed(error)
            raise _Unavailable from None
        self._answered()
        return answer

    def _failed(self, error: Exception) -> None:
        metrics.count("rate_limit_redis_failures")
        now = clock.monotonic()
        self._next_try = now + PAUSE_S
        if not self._away and now - self._told_at > QUIET_S:
            self._told_at, self._told = now, True
            reason = "it does not answer in time" if isinstance(error, TimeoutError) else str(error)
            log.warning("limits are counted by each instance for itself", extra={"reason": reason})
        self._away = True

    def _answered(self) -> None:
        self._next_try = 0.0
        if self._away:
            self._away = False
            if self._told:
                self._told = False
                log.info("limits are counted together again")

    # What is asked.

    async def _take(self, takings: list[_Taking]) -> dict[_Taking, Decision]:
        found: dict[_Taking, Decision] = {}
        async with asyncio.timeout(self.patience_s):
            for some in self._together(takings):
                asked = [
                    value for each in some for value in (interval_us(each.rate), each.rate.burst, each.cost)
                ]
                answer = await self._redis.eval(BUCKETS, len(some), *(each.key for each in some), *asked)
                for each, taken, backlog in zip(some, answer[::2], answer[1::2], strict=True):
                    found[each] = decide(each.rate, int(backlog), taken=bool(taken), cost=each.cost)
        return found

    def _together(self, takings: list[_Taking]) -> Iterable[list[_Taking]]:
        """Those whom one script may touch: all, or in a cluster those of a slot."""
        if not self._servers.sharded:
            return [takings]
        slots: defaultdict[int, list[_Taking]] = defaultdict(list)
        for each in takings:
            slots[self._redis.keyslot(each.key)].append(each)
        return slots.values()

    async def _note(self, notings: list[_Noting]) -> dict[_Noting, FailureState]:
        found: dict[_Noting, FailureState] = {}
        async with asyncio.timeout(self.patience_s):
            for each in notings:  # a client of a cluster that is asked much at once says things twice
                answer = await self._redis.eval(
                    ATTEMPTS, 1, each.key, each.act, FORGET_FAILURES_MS, FORGET_SUCCESS_MS
                )
                failures, since_ms, known = answer
                found[each] = FailureState(int(failures), int(since_ms), bool(known))
        return found
