"""Who asks, with what at hand, and one transaction of theirs."""

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

# Signals that change what an instance remembers of a user.
CACHE_SIGNALS = (MemberJoined, MemberChanged, SessionEnded, AccountChanged, UserHint)


@dataclass(slots=True)
class Container:
    """What an instance is made of, as far as operations need it. Built by `hubbub.app`."""

    settings: "Settings"
    bus: "Bus"
    presence: "Presence"
    rate_limiter: "RateLimiter"
    token_issuer: "TokenIssuer"
    membership_cache: "MembershipCache"
    loaders: "Loaders"
    message_writer: "MessageWriter"
    typing_tracker: "TypingTracker"
    session_last_seen: "LastSeenTracker"  # of sessions
    api_key_last_seen: "LastSeenTracker"
    geoip: "GeoIp"
    sealing: "Sealing"
    identity_providers: "Mapping[str, IdentityProvider]"  # to sign in with; asked by `serve` alone
    audit_failure_limiter: "GcraLimiter"  # of each caller: so many of one kind are recorded (`audit`)
    epoch_watch: "EpochWatch"
    draining: bool = False
    delayed_calls: int = 0  # that wait for their turn at a leaky rate (`rate_limits`)


@dataclass(slots=True)
class Context:
    """One caller: who they are and what they may use.

    A session, or an API key (`key_id`). `socket_id` is the socket that asked, if one did: hints about what it
    learns by its ack skip it.
    """

    container: Container
    user_id: UUID
    session_id: UUID | None = None
    role: str = "user"
    request_info: RequestInfo = SYSTEM
    socket_id: str | None = None
    key_id: UUID | None = None

    @asynccontextmanager
    async def unit(self) -> AsyncIterator["UnitOfWork"]:
        """One transaction. What it appended and told leaves after its commit, and only then."""
        async with database.transaction() as tx:
            unit = UnitOfWork(tx, self.user_id, self.container.epoch_watch)
            yield unit
            await unit.before_commit()
        await unit.after_commit(self.container.bus)


@dataclass(slots=True)
class UnitOfWork:
    """A transaction, the entries it appends, and what is told after its commit."""

    tx: "Sql"
    _actor_id: UUID  # the caller, whose changes are appended
    _epoch_watch: "EpochWatch"
    _signals: list["Signal"] = field(default_factory=list)
    _entries: list["Entry"] = field(default_factory=list)
    _changed_user_ids: set[UUID] = field(default_factory=set)

    async def lock(self, room_id: UUID) -> "event_log.LockedHead":
        """Lock a room before anything else is read or written in it: first the room, then the rest.

        Raises NotFound; Unavailable if the log ends before an entry that this instance knows.
        """
        head = (await event_log.lock(self.tx, [room_id]))[room_id]
        self._epoch_watch.require_not_behind(room_id, head.seq)
        return head

    async def append(
        self, head: "event_log.LockedHead", *events: "EntryEvent", at: "datetime | None" = None
    ) -> list["Entry"]:
        """Append events of the caller to a locked room, with the next seqs.

        `at` is the time of the change, else now.
        """
        entries = await event_log.append(self.tx, head, events, self._actor_id, at or clock.now())
        self._entries.extend(entries)
        return entries

    def bump_version(self, user_id: UUID) -> None:
        """A membership of the user begins, changes or ends: who does not hear of it finds out."""
        self._changed_user_ids.add(user_id)

    async def enqueue(self, payload: "JobPayload", *, unique: str | None = None) -> None:
        """Store a job with this transaction: it is done at least once if, and only if, this one commits."""
        await queue.enqueue(self.tx, payload, unique=unique)
        self.publish(JobsWaiting())

    async def before_commit(self) -> None:
        """Called by the context before the commit."""
        if self._changed_user_ids:
            await change_counters.bump_version(self.tx, self._changed_user_ids)

    def publish(self, signal: "Signal") -> None:
        """Publish a signal after the commit, before the entries of this unit."""
        self._signals.append(signal)

    async def after_commit(self, bus: "Bus") -> None:
        """Called by the context after the commit."""
        for signal in self._signals:
            bus.publish(signal)
        for signal in event_log.to_signals(self._entries):
            bus.publish(signal)
            self._epoch_watch.record_acknowledged(signal.room_id, signal.entries[-1].seq)
        if any(isinstance(signal, CACHE_SIGNALS) for signal in self._signals):
            await bus.wait_published()


async def publish(bus: "Bus", *signals: "Signal") -> None:
    """Publish what changes the memory of instances about a user; returns when they can receive it.

    The caller responds after that: a client with the response may be at another instance a millisecond later.
    """
    for signal in signals:
        bus.publish(signal)
    await bus.wait_published()
