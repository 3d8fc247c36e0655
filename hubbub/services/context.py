"""The container of an instance, the context of a caller, and the unit of work."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.cluster.bus import (
    AccountChanged,
    JobsWaiting,
    MemberChanged,
    MemberJoined,
    SessionEnded,
    UserHint,
)
from hubbub.core import clock
from hubbub.core.request_info import SYSTEM, RequestInfo
from hubbub.db import database
from hubbub.queries.sync import change_counters
from hubbub.services.eventlog import event_log
from hubbub.services.jobs import queue

if TYPE_CHECKING:
    from datetime import datetime

    from hubbub.cluster.bus import Bus, Signal
    from hubbub.cluster.presence import Presence
    from hubbub.cluster.rate_limiter import RateLimiter
    from hubbub.config import Settings
    from hubbub.core.auth_tokens import TokenIssuer
    from hubbub.core.geoip import GeoIp
    from hubbub.core.sealing import Sealing
    from hubbub.db.sql import Sql
    from hubbub.gateways.identity_provider import IdentityProvider
    from hubbub.ratelimit.gcra import GcraLimiter
    from hubbub.schemas.eventlog.entries import Entry
    from hubbub.schemas.events import EntryEvent
    from hubbub.schemas.jobs import JobPayload
    from hubbub.services.eventlog.epoch_watch import EpochWatch
    from hubbub.services.eventlog.message_writer import MessageWriter
    from hubbub.services.instance.last_seen import LastSeenTracker
    from hubbub.services.instance.loaders import Loaders
    from hubbub.services.instance.membership_cache import MembershipCache
    from hubbub.services.instance.typing_tracker import TypingTracker

# Signals that change the cached data of a user.
CACHE_SIGNALS = (MemberJoined, MemberChanged, SessionEnded, AccountChanged, UserHint)


@dataclass(slots=True)
class Container:
    """The components of an instance that operations use. Built by `services/container.py`."""

    settings: "Settings"  # of this process
    bus: "Bus"  # signals between instances
    presence: "Presence"  # status of the users, shared by all instances
    rate_limiter: "RateLimiter"  # shared by all instances
    token_issuer: "TokenIssuer"  # access and refresh tokens
    membership_cache: "MembershipCache"  # connected users and their memberships
    loaders: "Loaders"  # batched reads
    message_writer: "MessageWriter"  # stores messages
    typing_tracker: "TypingTracker"  # which users type
    session_last_seen: "LastSeenTracker"  # when sessions were last used
    api_key_last_seen: "LastSeenTracker"  # when API keys were last used
    geoip: "GeoIp"  # country and city of an IP address
    sealing: "Sealing"  # encrypts with HUBBUB_SECRET_KEY
    identity_providers: "Mapping[str, IdentityProvider]"  # for OAuth login; only used by `serve`
    audit_failure_limiter: "GcraLimiter"  # limits recorded failures per caller and action
    epoch_watch: "EpochWatch"  # the epoch of this instance
    draining: bool = False  # whether the instance is shutting down
    delayed_calls: int = 0  # that wait for their turn at a leaky rate (`rate_limits`)


@dataclass(slots=True)
class Context:
    """The caller of an operation: a user with a session or an API key, and the components to use."""

    container: Container  # of this instance
    user_id: UUID  # of the caller
    session_id: UUID | None = None  # None for an API key
    role: str = "user"  # of the user, on the server
    request_info: RequestInfo = SYSTEM  # IP address, user agent and request id
    socket_id: str | None = None  # of the calling socket; hints about the content of its ack skip it
    key_id: UUID | None = None  # of the API key

    @asynccontextmanager
    async def unit(self) -> AsyncIterator["UnitOfWork"]:
        """Start a unit of work: one transaction. Its entries and signals are published after the commit."""
        async with database.transaction() as tx:
            unit = UnitOfWork(tx, self.user_id, self.container.epoch_watch)
            yield unit
            await unit.before_commit()
        await unit.after_commit(self.container.bus)


@dataclass(slots=True)
class UnitOfWork:
    """A transaction, the entries that it appends, and the signals that it publishes after the commit."""

    tx: "Sql"  # the transaction
    _actor_id: UUID  # the caller, whose changes are appended
    _epoch_watch: "EpochWatch"  # checks that the log did not go back
    _signals: list["Signal"] = field(default_factory=list)  # to publish
    _entries: list["Entry"] = field(default_factory=list)  # to publish
    _changed_user_ids: set[UUID] = field(default_factory=set)  # users whose `version` is incremented

    async def lock(self, room_id: UUID) -> "event_log.LockedHead":
        """Lock a room. Call it before anything else in the room is read or written.

        Raises NotFound, or Unavailable if the log ends before an entry that this instance delivered or
        acknowledged.
        """
        head = (await event_log.lock(self.tx, [room_id]))[room_id]
        self._epoch_watch.require_not_behind(room_id, head.seq)
        return head

    async def append(
        self, head: "event_log.LockedHead", *events: "EntryEvent", at: "datetime | None" = None
    ) -> list["Entry"]:
        """Append entries with the next seqs to a locked room. `at` is the time of the change, default now."""
        entries = await event_log.append(self.tx, head, events, self._actor_id, at or clock.now())
        self._entries.extend(entries)
        return entries

    def bump_version(self, user_id: UUID) -> None:
        """Increment the user's `version` before the commit, because a membership begins, changes or ends.

        Instances that miss the signal find the change by it.
        """
        self._changed_user_ids.add(user_id)

    async def enqueue(self, payload: "JobPayload", *, unique: str | None = None) -> None:
        """Store a job in this transaction. It runs at least once if and only if the transaction commits."""
        await queue.enqueue(self.tx, payload, unique=unique)
        self.publish(JobsWaiting())

    async def before_commit(self) -> None:
        """Write the changed versions. Called by `Context.unit` before the commit."""
        if self._changed_user_ids:
            await change_counters.bump_version(self.tx, self._changed_user_ids)

    def publish(self, signal: "Signal") -> None:
        """Publish a signal after the commit, before the entries of this unit."""
        self._signals.append(signal)

    async def after_commit(self, bus: "Bus") -> None:
        """Publish signals and entries. Called by `Context.unit` after the commit.

        Waits until instances can receive signals that change their caches.
        """
        for signal in self._signals:
            bus.publish(signal)
        for signal in event_log.to_signals(self._entries):
            bus.publish(signal)
            self._epoch_watch.record_acknowledged(signal.room_id, signal.entries[-1].seq)
        if any(isinstance(signal, CACHE_SIGNALS) for signal in self._signals):
            await bus.wait_published()


async def publish(bus: "Bus", *signals: "Signal") -> None:
    """Publish signals that change the caches of instances. Returns when all instances can receive them.

    The caller responds after that, because a client may use another instance a millisecond after the
    response.
    """
    for signal in signals:
        bus.publish(signal)
    await bus.wait_published()
