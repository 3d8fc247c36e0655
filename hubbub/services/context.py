"""The container of an instance, the context of a caller, and the unit of work."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.cluster.bus import (
    AccountChanged,
    CacheInvalidated,
    JobsWaiting,
    MemberChanged,
    MemberJoined,
    SessionEnded,
    UserHint,
)
from hubbub.cluster.cache_entries import CHECK_S
from hubbub.core import clock
from hubbub.core.request_info import SYSTEM, RequestInfo
from hubbub.db import database
from hubbub.queries.portfolio import versions as portfolio_versions
from hubbub.queries.sync import change_counters
from hubbub.services.eventlog import event_log
from hubbub.services.jobs import queue

if TYPE_CHECKING:
    from datetime import datetime

    from hubbub.cluster.bus import Bus, Signal
    from hubbub.cluster.cache import Cache
    from hubbub.cluster.presence import Presence
    from hubbub.cluster.rate_limiter import RateLimiter
    from hubbub.config import Settings
    from hubbub.core.auth_tokens import TokenIssuer
    from hubbub.core.files.image_pool import ImagePool
    from hubbub.core.files.url_signatures import UrlSigner
    from hubbub.core.geoip import GeoIp
    from hubbub.core.sealing import Sealing
    from hubbub.db.sql import Sql
    from hubbub.gateways.clamd import ClamdScanner
    from hubbub.gateways.identity_provider import IdentityProvider
    from hubbub.gateways.storage.interface import Storage
    from hubbub.ratelimit.gcra import GcraLimiter
    from hubbub.schemas.eventlog.entries import Entry
    from hubbub.schemas.events import EntryEvent
    from hubbub.schemas.jobs import JobPayload, Priority
    from hubbub.schemas.users.users import User
    from hubbub.services.eventlog.epoch_watch import EpochWatch
    from hubbub.services.eventlog.message_writer import MessageWriter
    from hubbub.services.instance.active_uploads import ActiveUploads
    from hubbub.services.instance.activity_tracker import ActivityTracker
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
    cache: "Cache"  # responses of public pages
    token_issuer: "TokenIssuer"  # access and refresh tokens
    membership_cache: "MembershipCache"  # connected users and their memberships
    loaders: "Loaders"  # batched reads
    message_writer: "MessageWriter"  # stores messages
    typing_tracker: "TypingTracker"  # which users type
    session_last_seen: "LastSeenTracker"  # when sessions were last used
    api_key_last_seen: "LastSeenTracker"  # when API keys were last used
    activity: "ActivityTracker"  # which users sent something
    geoip: "GeoIp"  # country and city of an IP address
    sealing: "Sealing"  # encrypts with HUBBUB_SECRET_KEY
    identity_providers: "Mapping[str, IdentityProvider]"  # for OAuth login; only used by `serve`
    audit_failure_limiter: "GcraLimiter"  # limits recorded failures per caller and action
    epoch_watch: "EpochWatch"  # the epoch of this instance
    storage: "Storage"  # the bytes of uploads
    image_pool: "ImagePool"  # decodes images
    malware_scanner: "ClamdScanner | None"  # None without HUBBUB_CLAMD_URL
    url_signer: "UrlSigner"  # signatures in URLs of files
    active_uploads: "ActiveUploads"  # that this instance receives
    active_imports: "ActiveUploads"  # of portfolios, that this instance receives and stores
    large_imports: "asyncio.Semaphore"  # limits how many large ones are in memory
    draining: bool = False  # whether the instance is shutting down
    delayed_calls: int = 0  # that wait for their turn at a leaky rate (`rate_limits`)

    @property
    def trackers(self) -> tuple["LastSeenTracker", "LastSeenTracker", "ActivityTracker"]:
        """What collects when something was used, and stores it from time to time."""
        return self.session_last_seen, self.api_key_last_seen, self.activity


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
    user: "User | None" = None  # of a request, as authenticated; None for a socket

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
    _changed_portfolio_ids: set[UUID] = field(default_factory=set)  # users whose portfolio shows a change
    _invalid_tags: set[str] = field(default_factory=set)  # of cached responses that the changes outdate

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

    async def enqueue(
        self,
        payload: "JobPayload",
        *,
        delay: float = 0.0,
        unique_key: str | None = None,
        priority: "Priority | None" = None,
    ) -> UUID | None:
        """Store a job in this transaction. It runs at least once if and only if the transaction commits.

        It is due in `delay` seconds. Returns its id, or None if a job with this key has not ended: the key is
        kept while the job runs.
        """
        job_id = await queue.enqueue(self.tx, payload, delay=delay, unique_key=unique_key, priority=priority)
        self.wake_workers()
        return job_id

    async def enqueue_all(self, jobs: "Sequence[queue.NewJob]") -> None:
        """Store many jobs as `enqueue` does, in one round trip."""
        await queue.enqueue_all(self.tx, jobs)
        self.wake_workers()

    async def cancel_jobs(self, *unique_keys: str) -> int:
        """Delete the jobs with these keys that have not begun to run. Returns how many."""
        return await queue.cancel(self.tx, unique_keys)

    def wake_workers(self) -> None:
        """Let workers look for due jobs after the commit."""
        if not any(isinstance(signal, JobsWaiting) for signal in self._signals):
            self.publish(JobsWaiting())

    async def before_commit(self) -> None:
        """Write the changed versions. Called by `Context.unit` before the commit."""
        if self._changed_user_ids:
            await change_counters.bump_version(self.tx, self._changed_user_ids)
        if self._changed_portfolio_ids:
            changed = await portfolio_versions.bump(self.tx, self._changed_portfolio_ids)
            self._invalid_tags.update(map(portfolio_versions.tag_of, changed))

    def publish(self, signal: "Signal") -> None:
        """Publish a signal after the commit, before the entries of this unit."""
        self._signals.append(signal)

    def change_portfolio(self, user_id: UUID) -> None:
        """Record that the account of a user changed in a way that the user's public portfolio shows.

        Its version is incremented before the commit, and cached responses are removed after it.
        """
        self._changed_portfolio_ids.add(user_id)

    def invalidate(self, tag: str) -> None:
        """Remove the cached responses with a tag from all instances after the commit.

        The transaction must also change the version of the tag's data (`cluster/cache.py`).
        """
        self._invalid_tags.add(tag)

    async def after_commit(self, bus: "Bus") -> None:
        """Publish signals and entries. Called by `Context.unit` after the commit.

        Waits until instances can receive signals that change their caches.
        """
        for signal in self._signals:
            bus.publish(signal)
        for signal in event_log.to_signals(self._entries):
            bus.publish(signal)
            self._epoch_watch.record_acknowledged(signal.room_id, signal.entries[-1].seq)
        if self._invalid_tags:
            await invalidate(bus, self._invalid_tags)
        if any(isinstance(signal, CACHE_SIGNALS) for signal in self._signals):
            await bus.wait_published()


async def invalidate(bus: "Bus", tags: Iterable[str]) -> None:
    """Remove the cached responses with these tags from all instances. Call it after the commit.

    When it returns, no instance responds with what was overwritten. If Redis does not confirm the signal,
    it returns when the instances that missed it have to read the version of their entries.
    """
    if not await bus.publish_confirmed(CacheInvalidated(tuple(sorted(tags)))):
        await asyncio.sleep(CHECK_S)


async def publish(bus: "Bus", *signals: "Signal") -> None:
    """Publish signals that change the caches of instances. Returns when all instances can receive them.

    The caller responds after that, because a client may use another instance a millisecond after the
    response.
    """
    for signal in signals:
        bus.publish(signal)
    await bus.wait_published()
