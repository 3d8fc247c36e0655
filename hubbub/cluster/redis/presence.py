"""Presence of several instances: a lease for each instance, its users below it; all of it expires."""

import logging
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from redis.exceptions import ResponseError

from hubbub.cluster.bus import Bus, PresenceChanged, Signal
from hubbub.cluster.presence import Instances
from hubbub.cluster.redis.leases import KEPT_S, LEASE_S, Leases, Renewal
from hubbub.cluster.redis.reconnecting import FAILURES
from hubbub.cluster.redis.topology import Topology
from hubbub.core import clock, metrics, tasks
from hubbub.core.errors import Unavailable

if TYPE_CHECKING:
    import asyncio

    from hubbub.cluster.presence import Describe, OnChange

log = logging.getLogger(__name__)

STEPS = 6  # looks at the leases while one of them lasts
RENEW_S = 120.0
BATCH = 500

Change = Callable[[Any, UUID], object]  # adds to a pipeline; nothing of it answers with a hash


class RedisPresence:
    """`who:<user>` is a hash with a field for each instance where the user is, and their `status`.

    What is written of a user is followed by a look at the whole hash. So of an instance that the user enters
    and one that they leave at the same moment, one at least sees the other. A field counts while the lease of
    its instance holds.
    """

    def __init__(
        self, servers: Topology, prefix: str, bus: Bus, lease_s: float = LEASE_S, name: str = ""
    ) -> None:
        """`name`: that of the instance in log lines, such as `HUBBUB_INSTANCE_ID`."""
        self._redis: Any = servers.client
        self._prefix = f"{prefix}:who:"
        self._me = f"{name}.{secrets.token_hex(8)}"  # of this run: a killed one with the same name is another
        self._leases = Leases(servers.client, prefix, self._me, lease_s)
        self._lease_s = lease_s
        self._own: dict[UUID, str] = {}
        self._stored: set[UUID] = set()  # those of them who could be stored when they came
        self._tell: OnChange | None = None
        self._renewed = self._failed_at = clock.monotonic()
        self._away = False
        self._task: asyncio.Task[None] | None = None
        bus.listen(self._hear)

    def describe(self, instance: "Describe") -> None:
        self._leases.describe = instance

    async def instances(self) -> Instances:
        own = self._leases.own()
        if self._away:
            return Instances(own, complete=False)
        try:
            return Instances([*own, *await self._leases.others()], complete=True)
        except FAILURES as error:
            self._failed(error)
            return Instances(own, complete=False)

    async def start(self, tell: "OnChange") -> None:
        self._tell = tell
        await self._step()
        loop = tasks.every(self._lease_s / STEPS, self._step, name="presence leases")
        self._task = tasks.spawn(loop, name="presence leases")

    async def close(self) -> bool:
        await tasks.stop(self._task)
        try:
            await self._leases.let_go()
        except FAILURES:
            return False
        return True

    def _hear(self, signal: Signal) -> None:
        """What is chosen on another instance is known here, should Redis forget it."""
        if isinstance(signal, PresenceChanged) and signal.user_id in self._own and signal.status != "offline":
            self._own[signal.user_id] = signal.status

    # What people do.

    async def arrive(self, user_ids: Iterable[UUID]) -> set[UUID]:
        wanted = list(user_ids)
        for user_id in wanted:
            self._own.setdefault(user_id, "online")
        found = await self._look(wanted, self._enter)
        strangers = set(wanted) - self._stored
        self._stored |= strangers
        new = {user_id for user_id in strangers if not self._leases.among(found[user_id], but=self._me)}
        own = {
            user_id: self._own[user_id] for user_id in new if user_id in self._own
        }  # the others left meanwhile
        back = [
            user_id for user_id, status in own.items() if found[user_id].get("status") not in {None, status}
        ]
        if back:  # how they were shown before they went is over
            await self._look(back, self._restore)
        for user_id in wanted:
            if user_id not in new and user_id in self._own:  # else they left meanwhile
                self._own[user_id] = found[user_id].get("status", "online")
        return new

    async def leave(self, user_ids: Iterable[UUID]) -> set[UUID]:
        wanted = list(user_ids)
        found = await self._look(wanted, self._exit)
        here = self._stored.intersection(wanted)
        self._stored -= here
        for user_id in wanted:
            self._own.pop(user_id, None)
        return {user_id for user_id in here if not self._leases.among(found[user_id], but=self._me)}

    async def choose(self, user_id: UUID, status: str) -> bool:
        news = (await self.get([user_id])).get(user_id) != status
        if user_id in self._own:
            self._own[user_id] = status
            with suppress(Unavailable):  # it is written when Redis is back
                await self._look([user_id], self._restore)
        return news

    async def get(self, user_ids: Iterable[UUID]) -> dict[UUID, str]:
        wanted = list(user_ids)
        found: dict[UUID, dict[str, str]] = {}
        with suppress(Unavailable):
            found = await self._look(wanted, lambda _pipe, _user_id: None)
        statuses = {
            user_id: fields.get("status", "online")
            for user_id, fields in found.items()
            if self._leases.among(fields, but="")
        }
        own = {user_id: self._own[user_id] for user_id in wanted if user_id in self._own}
        return {**own, **statuses}

    # What is stored.

    def _key(self, user_id: UUID) -> str:
        return self._prefix + user_id.hex

    async def _look(self, user_ids: list[UUID], change: Change) -> dict[UUID, dict[str, str]]:
        """Change the hash of each, then see what is in it. Raises Unavailable."""
        if self._away:
            raise Unavailable
        found: dict[UUID, dict[str, str]] = {}
        try:
            for start in range(0, len(user_ids), BATCH):
                some = user_ids[start : start + BATCH]
                pipe = self._redis.pipeline(transaction=False)
                for user_id in some:
                    change(pipe, user_id)
                    pipe.hgetall(self._key(user_id))
                answers = [answer for answer in await pipe.execute() if isinstance(answer, dict)]
                for user_id, fields in zip(some, answers, strict=True):
                    found[user_id] = {name.decode(): value.decode() for name, value in fields.items()}
            await self._leases.meet(field for fields in found.values() for field in fields)
        except FAILURES as error:
            self._failed(error)
            raise Unavailable from None
        return found

    def _enter(self, pipe: Any, user_id: UUID) -> None:  # noqa: ANN401 - two kinds of pipeline
        pipe.hset(self._key(user_id), self._me, "1")
        pipe.expire(self._key(user_id), KEPT_S)
        pipe.sadd(self._leases.users(self._me), user_id.hex)
        pipe.expire(self._leases.users(self._me), KEPT_S)

    def _exit(self, pipe: Any, user_id: UUID) -> None:  # noqa: ANN401 - likewise
        pipe.hdel(self._key(user_id), self._me)
        pipe.srem(self._leases.users(self._me), user_id.hex)

    def _restore(self, pipe: Any, user_id: UUID) -> None:  # noqa: ANN401 - likewise
        self._enter(pipe, user_id)
        pipe.hset(self._key(user_id), "status", self._own.get(user_id, "online"))

    # Leases.

    async def _step(self) -> None:
        """Renew the lease; tell of those whose instance died. Redis that is away costs a pause."""
        try:
            renewal = await self._leases.renew()
        except FAILURES as error:
            self._failed(error)
            return
        self._away = False
        with suppress(Unavailable):
            await self._keep(renewal)
            if clock.monotonic() - self._failed_at > self._lease_s:
                for dead in renewal.dead:
                    await self._reap(dead)

    async def _keep(self, renewal: Renewal) -> None:
        own = list(self._own)
        if renewal.lost:
            # Redis forgot everything, or this process or Redis stood still: others need time to renew too.
            self._failed_at = clock.monotonic()
            await self._look(own, self._restore)
        elif clock.monotonic() - self._renewed > RENEW_S:
            self._renewed = clock.monotonic()
            await self._look(own, self._enter)
        if renewal.ended and self._tell is not None:
            await self._tell(own, None)

    async def _reap(self, dead: str) -> None:
        """Take the users of a dead instance out; tell of those who are nowhere else."""
        try:
            if not await self._leases.claim(dead):
                return
            users = [UUID(name.decode()) for name in await self._redis.smembers(self._leases.users(dead))]
            found = await self._look(users, lambda pipe, user_id: pipe.hdel(self._key(user_id), dead))
            await self._leases.bury(dead)
        except FAILURES as error:
            self._failed(error)
            return
        nowhere = [user_id for user_id in users if not self._leases.among(found[user_id], but="")]
        fields = {"instance": dead.rpartition(".")[0], "users": len(users), "offline": len(nowhere)}
        log.info("an instance is gone", extra=fields)
        if nowhere and self._tell is not None:
            await self._tell(nowhere, "offline")

    def _failed(self, error: Exception) -> None:
        metrics.count("presence_failures")
        self._failed_at = clock.monotonic()
        if not self._away and isinstance(error, ResponseError):  # else the bus says that Redis is away
            log.warning("redis refuses what presence asks", extra={"reason": str(error)})
        self._away = True
