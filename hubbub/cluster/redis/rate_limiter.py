"""Limits of several instances: levels and failures in Redis, and in memory while it is away."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from hubbub.cluster.memory import MemoryRateLimiter
from hubbub.cluster.redis.reconnecting import REDIS_ERRORS
from hubbub.cluster.redis.topology import Topology
from hubbub.core import clock, metrics
from hubbub.core.batching import BatchLoader
from hubbub.ratelimit.backoff import FAILURE_TTL_MS, SUCCESS_TTL_MS, FailureOperation, FailureState
from hubbub.ratelimit.gcra import Decision, decide, interval_us
from hubbub.ratelimit.rate import Rate

log = logging.getLogger(__name__)

T = TypeVar("T")
REDIS_TIMEOUT_S = 0.08  # that a request waits for Redis at most; then its instance counts for itself
RETRY_DELAY_S = 1.0  # after a failure, until one request asks Redis again
OUTAGE_LOG_INTERVAL_S = 60.0  # between two outages that are logged
_SCRIPT_DIR = Path(__file__).parent
BUCKETS_SCRIPT = (_SCRIPT_DIR / "buckets.lua").read_text()
FAILURES_SCRIPT = (_SCRIPT_DIR / "attempts.lua").read_text()


class _Unavailable(Exception):
    """Redis can't be asked now."""


class _AcquireRequest:
    """One who asks: two of one key are two."""

    __slots__ = ("cost", "key", "rate")

    def __init__(self, key: str, rate: Rate, cost: int) -> None:
        self.key = key
        self.rate = rate
        self.cost = cost


class _FailureRequest:
    """Likewise."""

    __slots__ = ("key", "operation")

    def __init__(self, key: str, operation: FailureOperation) -> None:
        self.key = key
        self.operation = operation


class RedisRateLimiter:
    """Who asks while a question is out is part of the next one, so that a crowd costs a few round trips."""

    def __init__(self, topology: Topology, prefix: str, timeout_s: float = REDIS_TIMEOUT_S) -> None:
        self._topology = topology
        self._redis: Any = topology.client
        self._prefix = f"{prefix}:limit:"
        self.timeout_s = timeout_s
        self._fallback = MemoryRateLimiter()
        self._acquire_loader: BatchLoader[_AcquireRequest, Decision] = BatchLoader(
            self._acquire_batch, name="limits"
        )
        self._failures_loader: BatchLoader[_FailureRequest, FailureState] = BatchLoader(
            self._update_failures_batch, name="attempts"
        )
        self._unavailable = False
        self._retry_at = 0.0
        self._outage_logged_at = float("-inf")
        self._outage_logged = False
        metrics.gauge("rate_limits_shared", lambda: float(not self._unavailable))

    async def acquire(self, kind: str, key: str, rate: Rate, cost: int = 1) -> Decision:
        request = _AcquireRequest(f"{self._prefix}{kind}:{key}", rate, cost)
        try:
            decision = await self._call_redis(lambda: self._acquire_loader.get(request))
        except _Unavailable:
            decision = None
        return decision if decision is not None else await self._fallback.acquire(kind, key, rate, cost)

    async def update_failures(self, kind: str, key: str, operation: FailureOperation) -> FailureState:
        request = _FailureRequest(f"{self._prefix}{kind}:{key}", operation)
        try:
            state = await self._call_redis(lambda: self._failures_loader.get(request))
        except _Unavailable:
            state = None
        return state if state is not None else await self._fallback.update_failures(kind, key, operation)

    async def _call_redis(self, request: Callable[[], Awaitable[T]]) -> T:
        """The answer of Redis. Raises _Away, at once if it was away a moment ago."""
        now = clock.monotonic()
        if now < self._retry_at:
            raise _Unavailable
        if self._unavailable:
            self._retry_at = now + RETRY_DELAY_S  # one finds out; the others do not wait for it
        try:
            async with asyncio.timeout(self.timeout_s):
                result = await request()
        except REDIS_ERRORS as error:  # the timeout is one of them
            self._on_failure(error)
            raise _Unavailable from None
        self._on_success()
        return result

    def _on_failure(self, error: Exception) -> None:
        metrics.count("rate_limit_redis_failures")
        now = clock.monotonic()
        self._retry_at = now + RETRY_DELAY_S
        if not self._unavailable and now - self._outage_logged_at > OUTAGE_LOG_INTERVAL_S:
            self._outage_logged_at, self._outage_logged = now, True
            reason = "it does not answer in time" if isinstance(error, TimeoutError) else str(error)
            log.warning("limits are counted by each instance for itself", extra={"reason": reason})
        self._unavailable = True

    def _on_success(self) -> None:
        self._retry_at = 0.0
        if self._unavailable:
            self._unavailable = False
            if self._outage_logged:
                self._outage_logged = False
                log.info("limits are counted together again")

    # What is asked.

    async def _acquire_batch(self, requests: list[_AcquireRequest]) -> dict[_AcquireRequest, Decision]:
        decisions: dict[_AcquireRequest, Decision] = {}
        async with asyncio.timeout(self.timeout_s):
            for group in self._group_by_slot(requests):
                arguments = [
                    value for each in group for value in (interval_us(each.rate), each.rate.burst, each.cost)
                ]
                reply = await self._redis.eval(
                    BUCKETS_SCRIPT, len(group), *(each.key for each in group), *arguments
                )
                for each, acquired, backlog in zip(group, reply[::2], reply[1::2], strict=True):
                    decisions[each] = decide(each.rate, int(backlog), allowed=bool(acquired), cost=each.cost)
        return decisions

    def _group_by_slot(self, requests: list[_AcquireRequest]) -> Iterable[list[_AcquireRequest]]:
        """Those whom one script may touch: all, or in a cluster those of a slot."""
        if not self._topology.sharded:
            return [requests]
        slots: defaultdict[int, list[_AcquireRequest]] = defaultdict(list)
        for each in requests:
            slots[self._redis.keyslot(each.key)].append(each)
        return slots.values()

    async def _update_failures_batch(
        self, requests: list[_FailureRequest]
    ) -> dict[_FailureRequest, FailureState]:
        states: dict[_FailureRequest, FailureState] = {}
        async with asyncio.timeout(self.timeout_s):
            for each in requests:  # a client of a cluster that is asked much at once says things twice
                reply = await self._redis.eval(
                    FAILURES_SCRIPT, 1, each.key, each.operation, FAILURE_TTL_MS, SUCCESS_TTL_MS
                )
                failures, since_ms, succeeded_before = reply
                states[each] = FailureState(int(failures), int(since_ms), bool(succeeded_before))
        return states
