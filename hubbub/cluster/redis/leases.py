"""Which instances there are: each holds a lease that it renews, and that ends by itself when it dies."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from hubbub.cluster.presence import Describe, Instance

LEASE_S = 12.0
HANDOVER_S = 5  # for the users of an instance that stops to come back on another one
CLAIM_TTL_S = 30
USERS_TTL_S = 900  # how long the list of an instance's users outlives its lease
DAY_S = 86_400


class Renewal(NamedTuple):
    """What was found: `lost`, the lease had ended; `ended`, others told so; `dead`, whose leases ended."""

    lease_expired: bool
    marked_dead: bool
    dead_instances: list[str]


class Leases:
    """The lease of this instance, and a look at those of the others."""

    def __init__(self, redis: Any, prefix: str, instance_id: str, lease_s: float) -> None:  # noqa: ANN401 - Redis or RedisCluster
        self._redis = redis
        self._prefix = prefix
        self._instance_id = instance_id
        self._lease_ms = round(lease_s * 1000)
        self._held = False
        self._live_instances: set[str] = {instance_id}
        self.describe: Describe | None = None

    def _key(self, kind: str, instance: str) -> str:
        return f"{self._prefix}:{kind}:{instance}"

    def users_key(self, instance: str) -> str:
        """The key of the set of an instance's users."""
        return self._key("users", instance)

    async def renew(self) -> Renewal:
        """Hold on for a while more. Raises redis' errors."""
        instances_key = f"{self._prefix}:instances"
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(self._key("lease", self._instance_id), self._lease_value(), px=self._lease_ms, get=True)
        pipe.sadd(instances_key, self._instance_id)
        pipe.expire(instances_key, DAY_S)
        pipe.expire(self.users_key(self._instance_id), USERS_TTL_S)
        pipe.delete(self._key("ended", self._instance_id))
        pipe.smembers(instances_key)
        previous, _, _, _, marked_dead, names = await pipe.execute()
        expired, self._held = self._held and previous is None, True
        dead = await self._find_dead({name.decode() for name in names})
        return Renewal(expired, bool(marked_dead), dead)

    def _lease_value(self) -> bytes:
        """What is in a lease: how its instance describes itself."""
        return msgspec.json.encode(self.describe()) if self.describe is not None else b"null"

    def this_instance(self) -> list[Instance]:
        """This one alone, if it describes itself."""
        return [self.describe()] if self.describe is not None else []

    async def other_instances(self) -> list[Instance]:
        """The others whose leases hold, as they describe themselves. Raises redis' errors."""
        names = await self._redis.smembers(f"{self._prefix}:instances")
        other_ids = sorted({name.decode() for name in names} - {self._instance_id})
        pipe = self._redis.pipeline(transaction=False)
        for instance in other_ids:
            pipe.get(self._key("lease", instance))
        instances = [
            _decode_lease(lease) for lease in (await pipe.execute() if other_ids else []) if lease is not None
        ]
        return [instance for instance in instances if instance is not None]

    async def _find_dead(self, instances: set[str]) -> list[str]:
        others = sorted(instances - {self._instance_id})
        pipe = self._redis.pipeline(transaction=False)
        for instance in others:
            pipe.exists(self._key("lease", instance))
        exists = await pipe.execute() if others else []
        self._live_instances = {
            self._instance_id,
            *(name for name, alive in zip(others, exists, strict=True) if alive),
        }
        return [name for name in others if name not in self._live_instances]

    async def refresh_if_unknown(self, names: Iterable[str]) -> None:
        """Look again when there are names that are not known: an instance may have come just now."""
        if unknown := set(names) - self._live_instances - {"status"}:
            await self._find_dead(unknown | self._live_instances)

    def any_live(self, names: Iterable[str], excluding: str) -> bool:
        """Whether one of these, other than `but`, is an instance that lives."""
        return any(name in self._live_instances and name != excluding for name in names)

    async def claim(self, dead: str) -> bool:
        """Whether it is this instance that tells what became of a dead one's users. Raises redis' errors."""
        return bool(
            await self._redis.set(self._key("claim", dead), self._instance_id, nx=True, ex=CLAIM_TTL_S)
        )

    async def mark_dead(self, dead: str) -> None:
        """All is told; should it live after all, it learns of its end."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(self._key("ended", dead), "1", ex=DAY_S)
        pipe.delete(self.users_key(dead))
        pipe.srem(f"{self._prefix}:instances", dead)
        await pipe.execute()

    async def release(self) -> None:
        """Live on for as long as clients take to find another instance. Raises redis' errors."""
        await self._redis.pexpire(
            self._key("lease", self._instance_id), min(HANDOVER_S * 1000, self._lease_ms)
        )


def _decode_lease(lease: bytes) -> Instance | None:
    """None for an instance that says nothing of itself, or is of another version."""
    try:
        return msgspec.json.decode(lease, type=Instance | None)
    except msgspec.DecodeError:
        return None
