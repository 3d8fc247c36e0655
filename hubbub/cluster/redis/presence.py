"""Presence over several instances: a lease for each instance, and its users. All of it expires."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from redis.exceptions import ResponseError

from hubbub.cluster.bus import Bus, PresenceChanged, Signal
from hubbub.cluster.presence import Instances
from hubbub.cluster.redis.activity import Activity
from hubbub.cluster.redis.leases import LEASE_S, USERS_TTL_S, Leases, Renewal
from hubbub.cluster.redis.reconnecting import REDIS_ERRORS
from hubbub.cluster.redis.topology import Topology
from hubbub.core import clock, metrics, tasks
from hubbub.core.errors import Unavailable

if TYPE_CHECKING:
    from hubbub.cluster.presence import Describe, OnChange

log = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 6  # renewals within the time of one lease
USERS_REFRESH_S = 120.0  # between two extensions of the keys of connected users
MAX_USERS_PER_PIPELINE = 500

PipelineWrite = Callable[[Any, UUID], object]  # adds commands to a pipeline, none of which returns a hash


class RedisPresence:
    """`who:<user>` is a hash with a field for each instance to which the user is connected, and the `status`.

    Every write for a user is followed by a read of the whole hash. If a user connects to one instance and
    disconnects from another at the same moment, at least one of them reads the change of the other. A field
    counts while the lease of its instance holds.
    """

    def __init__(
        self, topology: Topology, prefix: str, bus: Bus, lease_s: float = LEASE_S, name: str = ""
    ) -> None:
        """Create the presence of an instance. `name` is its name in logs, such as `HUBBUB_INSTANCE_ID`."""
        self._redis: Any = topology.client  # client for commands
        self._prefix = f"{prefix}:who:"  # of the keys of users
        # Unique for this run: an earlier process with the same name counts as another instance.
        self._instance_id = f"{name}.{secrets.token_hex(8)}"
        # The leases of all instances.
        self._leases = Leases(topology.client, prefix, self._instance_id, lease_s)
        self._lease_s = lease_s  # duration of a lease
        self._activity = Activity(topology.client, prefix)  # when users last sent something
        self._local_statuses: dict[UUID, str] = {}  # of the users connected here
        self._stored_users: set[UUID] = set()  # users among them that were stored when they connected
        self._on_change: OnChange | None = None  # called with users whose status changed elsewhere
        self._users_refreshed_at = self._failed_at = clock.monotonic()
        self._unavailable = False  # whether the last call to Redis failed
        self._registered = asyncio.Event()  # set after the first attempt to store the lease
        self._lease_task = tasks.PeriodicTask(
            self._renew_lease,
            name="presence leases",
            interval_s=lease_s / RENEWALS_PER_LEASE,
            immediately=True,
        )
        bus.add_handler(self._on_signal)

    def register_instance(self, describe: "Describe") -> None:
        self._leases.describe = describe

    async def instances(self) -> Instances:
        local = self._leases.this_instance()
        if self._unavailable:
            return Instances(local, complete=False)
        try:
            return Instances([*local, *await self._leases.other_instances()], complete=True)
        except REDIS_ERRORS as error:
            self._on_failure(error)
            return Instances(local, complete=False)

    def start(self, on_change: "OnChange") -> None:
        self._on_change = on_change
        self._registered.clear()
        self._lease_task.start()

    async def close(self) -> bool:
        await self._lease_task.close()
        self._registered.set()
        try:
            await self._leases.release()
        except REDIS_ERRORS:
            return False
        return True

    def _on_signal(self, signal: Signal) -> None:
        """Keep a status that was set on another instance, in case Redis loses it."""
        if (
            isinstance(signal, PresenceChanged)
            and signal.user_id in self._local_statuses
            and signal.status != "offline"
        ):
            self._local_statuses[signal.user_id] = signal.status

    # Statuses of users.

    def expect_connected(self, user_id: UUID) -> None:
        self._local_statuses.setdefault(user_id, "online")

    async def mark_connected(self, user_ids: Iterable[UUID]) -> set[UUID]:
        users = list(user_ids)
        for user_id in users:
            self.expect_connected(user_id)
        fields_by_user = await self._write_and_read(users, self._write_instance)
        newly_stored = set(users) - self._stored_users
        self._stored_users |= newly_stored
        new = {
            user_id
            for user_id in newly_stored
            if not self._leases.any_live(fields_by_user[user_id], excluding=self._instance_id)
        }
        statuses = {
            user_id: self._local_statuses[user_id] for user_id in new if user_id in self._local_statuses
        }  # the others disconnected meanwhile
        outdated = [
            user_id
            for user_id, status in statuses.items()
            if fields_by_user[user_id].get("status", "online") != status
        ]
        if outdated:  # a status from before they disconnected no longer applies
            await self._write_and_read(outdated, self._write_status)
        for user_id in users:
            if (
                user_id not in new and user_id in self._local_statuses
            ):  # otherwise they disconnected meanwhile
                self._local_statuses[user_id] = fields_by_user[user_id].get("status", "online")
        return {user_id for user_id in new if statuses.get(user_id, "online") == "online"}

    async def mark_disconnected(self, user_ids: Iterable[UUID]) -> set[UUID]:
        users = list(user_ids)
        fields_by_user = await self._write_and_read(users, self._remove_instance)
        removed = self._stored_users.intersection(users)
        self._stored_users -= removed
        for user_id in users:
            self._local_statuses.pop(user_id, None)
        return {
            user_id
            for user_id in removed
            if not self._leases.any_live(fields_by_user[user_id], excluding=self._instance_id)
        }

    async def set_status(self, user_id: UUID, status: str) -> bool:
        changed = (await self.get([user_id])).get(user_id) != status
        if user_id in self._local_statuses:
            self._local_statuses[user_id] = status
            with suppress(Unavailable):  # it is written when Redis is available again
                await self._write_and_read([user_id], self._write_status)
        return changed

    def set_status_immediate(self, user_id: UUID, status: str) -> None:
        """Do nothing: the statuses are in Redis."""

    async def get(self, user_ids: Iterable[UUID]) -> dict[UUID, str]:
        users = list(user_ids)
        fields_by_user: dict[UUID, dict[str, str]] = {}
        with suppress(Unavailable):
            fields_by_user = await self._write_and_read(users, lambda _pipe, _user_id: None)
        statuses = {
            user_id: fields.get("status", "online")
            for user_id, fields in fields_by_user.items()
            if self._leases.any_live(fields, excluding="")
        }
        local = {
            user_id: self._local_statuses[user_id] for user_id in users if user_id in self._local_statuses
        }
        return {**local, **statuses}

    async def mark_active(self, user_ids: Iterable[UUID]) -> None:
        await self._activity.mark(user_ids)

    async def idle_seconds(self, user_ids: Iterable[UUID]) -> dict[UUID, float]:
        return await self._activity.idle_seconds(user_ids)

    # Storage.

    def _key(self, user_id: UUID) -> str:
        return self._prefix + user_id.hex

    async def _write_and_read(self, user_ids: list[UUID], write: PipelineWrite) -> dict[UUID, dict[str, str]]:
        """Write to the hash of each user, then read it. Raises Unavailable."""
        if self._lease_task.running:
            await self._registered.wait()  # a field of an instance without a lease does not count
        if self._unavailable:
            raise Unavailable
        fields_by_user: dict[UUID, dict[str, str]] = {}
        try:
            for start in range(0, len(user_ids), MAX_USERS_PER_PIPELINE):
                chunk = user_ids[start : start + MAX_USERS_PER_PIPELINE]
                pipe = self._redis.pipeline(transaction=False)
                for user_id in chunk:
                    write(pipe, user_id)
                    pipe.hgetall(self._key(user_id))
                replies = [reply for reply in await pipe.execute() if isinstance(reply, dict)]
                for user_id, fields in zip(chunk, replies, strict=True):
                    fields_by_user[user_id] = {
                        name.decode(): value.decode() for name, value in fields.items()
                    }
            await self._leases.refresh_if_unknown(
                field for fields in fields_by_user.values() for field in fields
            )
        except REDIS_ERRORS as error:
            self._on_failure(error)
            raise Unavailable from None
        return fields_by_user

    def _write_instance(self, pipe: Any, user_id: UUID) -> None:  # noqa: ANN401 - two kinds of pipeline
        pipe.hset(self._key(user_id), self._instance_id, "1")
        pipe.expire(self._key(user_id), USERS_TTL_S)
        pipe.sadd(self._leases.users_key(self._instance_id), user_id.hex)
        pipe.expire(self._leases.users_key(self._instance_id), USERS_TTL_S)

    def _remove_instance(self, pipe: Any, user_id: UUID) -> None:  # noqa: ANN401 - likewise
        pipe.hdel(self._key(user_id), self._instance_id)
        pipe.srem(self._leases.users_key(self._instance_id), user_id.hex)

    def _write_status(self, pipe: Any, user_id: UUID) -> None:  # noqa: ANN401 - likewise
        self._write_instance(pipe, user_id)
        pipe.hset(self._key(user_id), "status", self._local_statuses.get(user_id, "online"))

    # Leases.

    async def _renew_lease(self) -> None:
        """Renew the lease, and publish the users of dead instances as offline."""
        try:
            renewal = await self._leases.renew()
        except REDIS_ERRORS as error:
            self._on_failure(error)
            return
        finally:
            self._registered.set()
        self._unavailable = False
        with suppress(Unavailable):
            await self._refresh_users(renewal)
            if clock.monotonic() - self._failed_at > self._lease_s:
                for instance in renewal.dead_instances:
                    await self._remove_dead_instance(instance)

    async def _refresh_users(self, renewal: Renewal) -> None:
        users = list(self._local_statuses)
        if renewal.lease_expired:
            # Redis lost its data, or this process or Redis was stopped. Others need time to renew, too.
            self._failed_at = clock.monotonic()
            await self._write_and_read(users, self._write_status)
        elif clock.monotonic() - self._users_refreshed_at > USERS_REFRESH_S:
            self._users_refreshed_at = clock.monotonic()
            await self._write_and_read(users, self._write_instance)
        if renewal.marked_dead and self._on_change is not None:
            await self._on_change(users, None)

    async def _remove_dead_instance(self, dead: str) -> None:
        """Remove the users of a dead instance, and publish those on no other instance as offline."""
        try:
            if not await self._leases.claim(dead):
                return
            users = [UUID(name.decode()) for name in await self._redis.smembers(self._leases.users_key(dead))]
            fields_by_user = await self._write_and_read(
                users, lambda pipe, user_id: pipe.hdel(self._key(user_id), dead)
            )
            await self._leases.mark_dead(dead)
        except REDIS_ERRORS as error:
            self._on_failure(error)
            return
        offline = [
            user_id for user_id in users if not self._leases.any_live(fields_by_user[user_id], excluding="")
        ]
        fields = {"instance": dead.rpartition(".")[0], "users": len(users), "offline": len(offline)}
        log.info("the lease of an instance expired", extra=fields)
        if offline and self._on_change is not None:
            await self._on_change(offline, "offline")

    def _on_failure(self, error: Exception) -> None:
        metrics.count("presence_failures")
        self._failed_at = clock.monotonic()
        if not self._unavailable and isinstance(error, ResponseError):  # the bus logs the other errors
            log.warning("redis refuses the commands of presence", extra={"reason": str(error)})
        self._unavailable = True
