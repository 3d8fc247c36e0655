"""The store of cached responses that instances share, in a fixed number of keys."""

import asyncio
import zlib
from typing import Any

import msgspec

import hubbub
from hubbub.cluster.cache_entries import MAX_AGE_S, Cached, Version
from hubbub.cluster.redis.circuit_breaker import CircuitBreaker
from hubbub.cluster.redis.reconnecting import REDIS_ERRORS
from hubbub.cluster.redis.topology import Topology
from hubbub.core import metrics

# Together they limit the memory of Redis to 64 MiB, whatever clients read: an entry replaces the one before
# in its slot.
SLOTS = 1024
MAX_BODY_BYTES = 64 << 10
TIMEOUT_S = 0.08  # for a request to wait for Redis; then the response is computed


class _Stored(msgspec.Struct, array_like=True):
    """The value of a slot."""

    key: str
    tag: str
    number: str
    computed_at: float
    etag: str
    body: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


class RedisStore:
    """Stores each response under a key that depends on the request alone, with its version inside.

    Redis may lose entries, or keep outdated ones: a response is used only if it has the version that the
    database has now, and was written by the same release. While Redis is unavailable, the store is empty.
    """

    def __init__(self, topology: Topology, prefix: str, timeout_s: float = TIMEOUT_S) -> None:
        self._redis: Any = topology.client  # client for commands
        self._prefix = f"{prefix}:cache:{hubbub.__version__}:"  # of all keys
        self._timeout_s = timeout_s  # for a request to wait for Redis
        self._breaker = CircuitBreaker()

    async def get(self, key: str, version: Version) -> Cached | None:
        if not self._breaker.allows_call():
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                raw = await self._redis.get(self._slot(key))
            stored = _decode(raw) if raw is not None else None
        except (*REDIS_ERRORS, msgspec.MsgspecError):
            self._on_failure()
            return None
        self._breaker.record_success()
        if stored is None or (stored.key, stored.tag, stored.number) != (key, *version):
            return None
        return Cached(stored.body, stored.etag, stored.computed_at)

    async def put(self, key: str, version: Version, cached: Cached) -> None:
        if len(cached.body) > MAX_BODY_BYTES or not self._breaker.allows_call():
            return
        stored = _Stored(key, version.tag, version.number, cached.computed_at, cached.etag, cached.body)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._redis.set(self._slot(key), _encode(stored), px=round(MAX_AGE_S * 1000))
        except REDIS_ERRORS:
            self._on_failure()
        else:
            self._breaker.record_success()

    def _slot(self, key: str) -> str:
        return f"{self._prefix}{zlib.crc32(key.encode()) % SLOTS}"

    def _on_failure(self) -> None:
        metrics.count("cache_store_failures")
        self._breaker.record_failure()
