"""A cache of responses: in the memory of each instance, and in Redis where there is one.

An entry is valid for one version of its data, which the database has. Every write increments the version and
publishes the tag of the data. An entry in memory is used without a query of the version for at most CHECK_S,
and only while the bus is connected. So a lost signal and an unavailable Redis cost queries of versions, and
never show what was overwritten. docs/decisions/0031-cache.md has the reasons.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from hubbub.cluster.bus import CACHE_TOPIC, Bus, CacheInvalidated, Signal, SignalsLost
from hubbub.cluster.cache_entries import MAX_BYTES, Cached, CacheEntries, Version, is_expired
from hubbub.core import clock, metrics, tasks
from hubbub.core.errors import SharedError, Unavailable

__all__ = ["Cache", "Cached", "SharedStore", "Version"]

COMPUTE_TIMEOUT_S = 15.0  # for computing a response; then it is Unavailable
HITS = ("memory", "checked", "shared")  # results of `cache_reads` that computed nothing


class SharedStore(Protocol):
    """What several instances share. Never raises and never waits for long."""

    async def get(self, key: str, version: Version) -> Cached | None:
        """Return the response that was stored for this key and this version, if it is still there."""

    async def put(self, key: str, version: Version, cached: Cached) -> None:
        """Store a response for at most MAX_AGE_S. It may be dropped at any time."""


LoadVersion = Callable[[], Awaitable[Version | None]]  # None: there is nothing to show
Compute = Callable[[Version], Awaitable[bytes | None]]  # None: likewise


class _Computation(NamedTuple):
    """A response that is being computed."""

    key: str
    version: Version
    began: float  # monotonic time before the version was read
    store: bool  # whether the response is kept
    result: "asyncio.Future[Cached | SharedError | None]"


class Cache:
    """The responses of one instance, and of the store that it shares with others."""

    def __init__(self, bus: Bus, shared: SharedStore | None = None, max_bytes: int = MAX_BYTES) -> None:
        self._bus = bus  # carries invalidations; while it is unavailable, every use is checked
        self._shared = shared  # None: there is only memory
        self._entries = CacheEntries(max_bytes)  # in memory
        self._computations: dict[tuple[str, Version], _Computation] = {}  # that run

    async def start(self) -> None:
        """Receive the invalidations of all instances, and report the metrics of this cache."""
        self._bus.add_handler(self._on_signal)
        self._bus.subscribe_topic(CACHE_TOPIC)
        metrics.gauge("cache_bytes", lambda: self._entries.size_bytes)
        metrics.gauge("cache_entries", lambda: len(self._entries))
        metrics.gauge("cache_hit_ratio", _hit_ratio)
        await self._bus.wait_subscribed()

    def peek(self, key: str) -> Cached | None:
        """Return an entry that needs no check, without waiting; None if `get` has to decide."""
        if self._bus.state() == "unavailable":
            return None
        cached = self._entries.current(key)
        if cached is not None:
            metrics.labelled["cache_reads"]["memory"] += 1
        return cached

    async def get(
        self, key: str, load_version: LoadVersion, compute: Compute, *, store: bool = True
    ) -> Cached | None:
        """Return the response for a key; None if `load_version` or `compute` returns None.

        It contains every write that was acknowledged before this call. Concurrent calls for one key and
        version compute once. Without `store` the response is not kept. Raises what both raise, and
        Unavailable after COMPUTE_TIMEOUT_S.
        """
        if store and (cached := self.peek(key)) is not None:
            return cached
        began = clock.monotonic()
        version = await load_version()
        if version is None:
            self._entries.remove(key)
            metrics.count("cache_reads", "absent")
            return None
        if store and (cached := self._entries.check(key, version, began)) is not None:
            metrics.count("cache_reads", "checked")
            return cached
        running = self._computations.get((key, version))
        if running is None:
            future: asyncio.Future[Cached | SharedError | None] = asyncio.get_running_loop().create_future()
            running = _Computation(key, version, began, store, future)
            self._computations[key, version] = running
            tasks.spawn(self._run(running, compute), name="cache")
        else:
            metrics.count("cache_reads", "joined")
        result = await asyncio.shield(running.result)
        if isinstance(result, SharedError):
            raise result.copy() from result.cause
        return result

    async def _run(self, computation: _Computation, compute: Compute) -> None:
        """Look into the shared store, else compute; then store."""
        key, version, began, store, future = computation
        shared = self._shared if store else None
        try:
            async with asyncio.timeout(COMPUTE_TIMEOUT_S):
                found = await shared.get(key, version) if shared is not None else None
                found = found if found is not None and not is_expired(found) else None
                result = found or await _compute(compute, version)
        except BaseException as error:
            del self._computations[key, version]
            self._fail(future, error)
            if not isinstance(error, Exception):
                raise
            return
        metrics.count("cache_reads", ("shared" if found else "computed") if store else "uncached")
        if store and result is not None:
            self._entries.store(key, version, result, began)
        del self._computations[key, version]
        if not future.done():
            future.set_result(result)
        if shared is not None and found is None and result is not None:
            await shared.put(key, version, result)

    @staticmethod
    def _fail(future: "asyncio.Future[Cached | SharedError | None]", error: BaseException) -> None:
        if future.done():
            return
        if isinstance(error, TimeoutError):
            future.set_result(SharedError(Unavailable("This takes too long. Try again."), error))
        elif isinstance(error, Exception):
            future.set_result(SharedError(error))
        else:  # the process stops
            future.cancel()

    def _on_signal(self, signal: Signal) -> None:
        if isinstance(signal, CacheInvalidated):
            metrics.count("cache_invalidations", by=len(signal.tags))
            for tag in signal.tags:
                self._entries.invalidate(tag)
        elif isinstance(signal, SignalsLost):
            self._entries.require_checks()


async def _compute(compute: Compute, version: Version) -> Cached | None:
    began_at = clock.now().timestamp()
    body = await compute(version)
    if body is None:
        return None
    return Cached(body, f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"', began_at)


def _hit_ratio() -> float:
    reads = metrics.labelled["cache_reads"]
    hits = sum(reads[result] for result in HITS)
    total = hits + reads["computed"] + reads["joined"]
    return hits / total if total else 0.0
