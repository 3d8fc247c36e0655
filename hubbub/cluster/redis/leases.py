"""The live instances: each renews a lease, which expires when the instance dies."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from hubbub.cluster.presence import Describe, Instance

LEASE_S = 12.0
HANDOVER_S = 5  # for the users of an instance that stops to reconnect to another one
CLAIM_TTL_S = 30  # for one instance to handle the users of a dead one
USERS_TTL_S = 900  # for which the list of an instance's users outlives its lease
DAY_S = 86_400


class Renewal(NamedTuple):
    """The result of a renewal."""

    lease_expired: bool  # whether the lease of this instance had expired
    marked_dead: bool  # whether another instance has published its users as offline
    dead_instances: list[str]  # the other instances whose leases have expired


class Leases:
    """Holds the lease of this instance and reads those of the others."""

    def __init__(self, redis: Any, prefix: str, instance_id: str, lease_s: float) -> None:  # noqa: ANN401 - Redis or RedisCluster
        self._redis = redis  # client for commands
        self._prefix = prefix  # of all keys
        self._instance_id = instance_id  # id of this run
        self._lease_ms = round(lease_s * 1000)  # duration of a lease
        self._held = False  # whether the lease was stored before
        self._live_instances: set[str] = {instance_id}  # instances whose leases hold, as last read
        self.describe: Describe | None = None  # describes this instance; None: it is not listed

    def _key(self, kind: str, instance: str) -> str:
        return f"{self._prefix}:{kind}:{instance}"

    def users_key(self, instance: str) -> str:
        """Return the key of the set of an instance's users."""
        return self._key("users", instance)

    async def renew(self) -> Renewal:
        """Renew the lease. Raises the errors of redis-py."""
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
        """Return the value of the lease: the description of this instance."""
        return msgspec.json.encode(self.describe()) if self.describe is not None else b"null"

    def this_instance(self) -> list[Instance]:
        """Return the description of this instance, if it has one."""
        return [self.describe()] if self.describe is not None else []

    async def other_instances(self) -> list[Instance]:
        """Return the descriptions of the other instances whose leases hold. Raises the errors of redis-py."""
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
        """Read the leases again if there are unknown names: an instance may have started just now."""
        if unknown := set(names) - self._live_instances - {"status"}:
            await self._find_dead(unknown | self._live_instances)

    def any_live(self, names: Iterable[str], excluding: str) -> bool:
        """Return whether one of these names, except `excluding`, is a live instance."""
        return any(name in self._live_instances and name != excluding for name in names)

    async def claim(self, dead: str) -> bool:
        """Return whether this instance is the one to handle a dead one's users. Raises redis-py's errors."""
        return bool(
            await self._redis.set(self._key("claim", dead), self._instance_id, nx=True, ex=CLAIM_TTL_S)
        )

    async def mark_dead(self, dead: str) -> None:
        """Mark an instance whose users were handled. If it is alive, its next renewal returns the mark."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(self._key("ended", dead), "1", ex=DAY_S)
        pipe.delete(self.users_key(dead))
        pipe.srem(f"{self._prefix}:instances", dead)
        await pipe.execute()

    async def release(self) -> None:
        """Shorten the lease to the time that clients need to reconnect. Raises redis-py's errors."""
        await self._redis.pexpire(
            self._key("lease", self._instance_id), min(HANDOVER_S * 1000, self._lease_ms)
        )


def _decode_lease(lease: bytes) -> Instance | None:
    """Decode a lease. None for an instance without description, or of another version."""
    try:
        return msgspec.json.decode(lease, type=Instance | None)
    except msgspec.DecodeError:
        return None
