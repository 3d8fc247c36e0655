"""Rate limits over several instances: in Redis, and in memory while it is unavailable."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from hubbub.cluster.memory import MemoryRateLimiter
from hubbub.cluster.redis.circuit_breaker import CircuitBreaker
from hubbub.cluster.redis.reconnecting import REDIS_ERRORS
from hubbub.cluster.redis.topology import Topology
from hubbub.core import clock, metrics
from hubbub.core.batching import BatchLoader
from hubbub.ratelimit.backoff import FAILURE_TTL_MS, SUCCESS_TTL_MS, FailureState
from hubbub.ratelimit.gcra import Decision, decide, interval_us
from hubbub.ratelimit.rate import Rate

log = logging.getLogger(__name__)

T = TypeVar("T")
REDIS_TIMEOUT_S = 0.08  # for a request to wait for Redis; then its instance counts alone
OUTAGE_LOG_INTERVAL_S = 60.0  # between two outages that are logged
_SCRIPT_DIR = Path(__file__).parent
BUCKETS_SCRIPT = (_SCRIPT_DIR / "buckets.lua").read_text()
FAILURES_SCRIPT = (_SCRIPT_DIR / "failures.lua").read_text()


class _Unavailable(Exception):
    """Redis is unavailable."""


class _AcquireRequest:
    """One call of `acquire`. Two calls for one key are two requests."""

    __slots__ = ("cost", "key", "rate")

    def __init__(self, key: str, rate: Rate, cost: int) -> None:
        self.key = key  # key in Redis
        self.rate = rate
        self.cost = cost


class _FailureRequest:
    """One call about failures, with an operation of `failures.lua`. Two calls are two requests."""

    __slots__ = ("key", "operation")

    def __init__(self, key: str, operation: str) -> None:
        self.key = key  # key in Redis
        self.operation = operation


class RedisRateLimiter:
    """Collects the requests made during a round trip for the next one, so that many cost few round trips."""

    def __init__(self, topology: Topology, prefix: str, timeout_s: float = REDIS_TIMEOUT_S) -> None:
        self._topology = topology  # the servers
        self._redis: Any = topology.client  # client for scripts
        self._prefix = f"{prefix}:limit:"  # of all keys
        self.timeout_s = timeout_s  # for a request to wait for Redis
        self._fallback = MemoryRateLimiter()  # used while Redis is unavailable
        self._acquire_loader: BatchLoader[_AcquireRequest, Decision] = BatchLoader(
            self._acquire_batch, name="limits"
        )
        self._failures_loader: BatchLoader[_FailureRequest, FailureState] = BatchLoader(
            self._update_failures_batch, name="failures"
        )
        self._breaker = CircuitBreaker()
        self._outage_logged_at = float("-inf")  # monotonic time of the last logged outage
        self._outage_logged = False  # whether the end of an outage is to be logged
        metrics.gauge("rate_limits_shared", lambda: float(not self._breaker.is_open))

    async def acquire(self, kind: str, key: str, rate: Rate, cost: int = 1) -> Decision:
        request = _AcquireRequest(f"{self._prefix}{kind}:{key}", rate, cost)
        try:
            decision = await self._call_redis(lambda: self._acquire_loader.get(request))
        except _Unavailable:
            decision = None
        return decision if decision is not None else await self._fallback.acquire(kind, key, rate, cost)

    async def peek_failures(self, kind: str, key: str) -> FailureState:
        state = await self._update_failures("peek", kind, key)
        return state if state is not None else await self._fallback.peek_failures(kind, key)

    async def record_failure(self, kind: str, key: str) -> FailureState:
        state = await self._update_failures("record_failure", kind, key)
        return state if state is not None else await self._fallback.record_failure(kind, key)

    async def forgive_failure(self, kind: str, key: str) -> FailureState:
        state = await self._update_failures("forgive_one", kind, key)
        return state if state is not None else await self._fallback.forgive_failure(kind, key)

    async def reset_failures(self, kind: str, key: str) -> FailureState:
        state = await self._update_failures("reset", kind, key)
        return state if state is not None else await self._fallback.reset_failures(kind, key)

    async def _update_failures(self, operation: str, kind: str, key: str) -> FailureState | None:
        """Run the script; None while Redis is unavailable."""
        request = _FailureRequest(f"{self._prefix}{kind}:{key}", operation)
        try:
            return await self._call_redis(lambda: self._failures_loader.get(request))
        except _Unavailable:
            return None

    async def _call_redis(self, request: Callable[[], Awaitable[T]]) -> T:
        """Call Redis. Raises _Unavailable, at once if a call failed a moment ago."""
        if not self._breaker.allows_call():
            raise _Unavailable
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
        if not self._breaker.is_open and now - self._outage_logged_at > OUTAGE_LOG_INTERVAL_S:
            self._outage_logged_at, self._outage_logged = now, True
            reason = "timeout" if isinstance(error, TimeoutError) else str(error)
            log.warning("rate limits are counted by each instance alone", extra={"reason": reason})
        self._breaker.record_failure()

    def _on_success(self) -> None:
        if self._breaker.is_open and self._outage_logged:
            self._outage_logged = False
            log.info("rate limits are shared by all instances again")
        self._breaker.record_success()

    # Batches.

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
        """Group requests that one script may handle: all, or in a cluster those of one slot."""
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
            # One by one: a cluster client that runs commands concurrently may send one twice.
            for each in requests:
                reply = await self._redis.eval(
                    FAILURES_SCRIPT, 1, each.key, each.operation, FAILURE_TTL_MS, SUCCESS_TTL_MS
                )
                failures, since_ms, succeeded_before = reply
                states[each] = FailureState(int(failures), int(since_ms), bool(succeeded_before))
        return states
