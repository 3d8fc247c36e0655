"""Which instances there are: each holds a lease that it renews, and that ends by itself when it dies."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from hubbub.cluster.presence import Describe, Instance

LEASE_S = 12.0
HANDOVER_S = 5  # for the users of an instance that stops to come back on another one
CLAIM_S = 30
KEPT_S = 900  # how long the list of an instance's users outlives its lease
DAY_S = 86_400


class Renewal(NamedTuple):
    """What was found: `lost`, the lease had ended; `ended`, others told so; `dead`, whose leases ended."""

    lost: bool
    ended: bool
    dead: list[str]


class Leases:
    """The lease of this instance, and a look at those of the others."""

    def __init__(self, redis: Any, prefix: str, me: str, lease_s: float) -> None:  # noqa: ANN401 - Redis or RedisCluster
        self._redis = redis
        self._prefix = prefix
        self._me = me
        self._lease_ms = round(lease_s * 1000)
        self._held = False
        self._live: set[str] = {me}
        self.describe: Describe | None = None

    def _key(self, what: str, instance: str) -> str:
        return f"{self._prefix}:{what}:{instance}"

    def users(self, instance: str) -> str:
        """The key of the set of an instance's users."""
        return self._key("users", instance)

    async def renew(self) -> Renewal:
        """Hold on for a while more. Raises redis' errors."""
        everybody = f"{self._prefix}:instances"
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(self._key("lease", self._me), self._said(), px=self._lease_ms, get=True)
        pipe.sadd(everybody, self._me)
        pipe.expire(everybody, DAY_S)
        pipe.expire(self.users(self._me), KEPT_S)
        pipe.delete(self._key("ended", self._me))
        pipe.smembers(everybody)
        before, _, _, _, ended, names = await pipe.execute()
        lost, self._held = self._held and before is None, True
        dead = await self._dead({name.decode() for name in names})
        return Renewal(lost, bool(ended), dead)

    def _said(self) -> bytes:
        """What is in a lease: how its instance describes itself."""
        return msgspec.json.encode(self.describe()) if self.describe is not None else b"null"

    def own(self) -> list[Instance]:
        """This one alone, if it describes itself."""
        return [self.describe()] if self.describe is not None else []

    async def others(self) -> list[Instance]:
        """The others whose leases hold, as they describe themselves. Raises redis' errors."""
        names = await self._redis.smembers(f"{self._prefix}:instances")
        others = sorted({name.decode() for name in names} - {self._me})
        pipe = self._redis.pipeline(transaction=False)
        for instance in others:
            pipe.get(self._key("lease", instance))
        told = [_read(lease) for lease in (await pipe.execute() if others else []) if lease is not None]
        return [instance for instance in told if instance is not None]

    async def _dead(self, instances: set[str]) -> list[str]:
        others = sorted(instances - {self._me})
        pipe = self._redis.pipeline(transaction=False)
        for instance in others:
            pipe.exists(self._key("lease", instance))
        held = await pipe.execute() if others else []
        self._live = {self._me, *(name for name, there in zip(others, held, strict=True) if there)}
        return [name for name in others if name not in self._live]

    async def meet(self, names: Iterable[str]) -> None:
        """Look again when there are names that are not known: an instance may have come just now."""
        if unknown := set(names) - self._live - {"status"}:
            await self._dead(unknown | self._live)

    def among(self, names: Iterable[str], but: str) -> bool:
        """Whether one of these, other than `but`, is an instance that lives."""
        return any(name in self._live and name != but for name in names)

    async def claim(self, dead: str) -> bool:
        """Whether it is this instance that tells what became of a dead one's users. Raises redis' errors."""
        return bool(await self._redis.set(self._key("claim", dead), self._me, nx=True, ex=CLAIM_S))

    async def bury(self, dead: str) -> None:
        """All is told; should it live after all, it learns of its end."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(self._key("ended", dead), "1", ex=DAY_S)
        pipe.delete(self.users(dead))
        pipe.srem(f"{self._prefix}:instances", dead)
        await pipe.execute()

    async def let_go(self) -> None:
        """Live on for as long as clients take to find another instance. Raises redis' errors."""
        await self._redis.pexpire(self._key("lease", self._me), min(HANDOVER_S * 1000, self._lease_ms))


def _read(lease: bytes) -> Instance | None:
    """None for an instance that says nothing of itself, or is of another version."""
    try:
        return msgspec.json.decode(lease, type=Instance | None)
    except msgspec.DecodeError:
        return None
