"""Who asks, with what at hand, and one transaction of theirs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock
from hubbub.core.origins import NOWHERE, Origin
from hubbub.models import truth
from hubbub.services import database, jobs, log

if TYPE_CHECKING:
    from datetime import datetime

    from hubbub.cluster.allowances import Allowances
    from hubbub.cluster.bus import Bus, Signal
    from hubbub.cluster.presence import Presence
    from hubbub.config import Settings
    from hubbub.core.allowances import Buckets
    from hubbub.core.places import Places
    from hubbub.core.sealing import Sealing
    from hubbub.core.tokens import Tokens
    from hubbub.gateways.providers import IdentityProvider
    from hubbub.models.connection import Sql
    from hubbub.schemas.log import Entry
    from hubbub.services.activity import Activity
    from hubbub.services.appender import Appender
    from hubbub.services.doors import Doors
    from hubbub.services.residents import Residents
    from hubbub.services.typing import Typists


@dataclass(slots=True)
class Parts:
    """What an instance is made of, as far as operations need it. Built by `hubbub.app`."""

    settings: "Settings"
    bus: "Bus"
    presence: "Presence"
    allowances: "Allowances"
    tokens: "Tokens"
    residents: "Residents"
    doors: "Doors"
    appender: "Appender"
    typists: "Typists"
    activity: "Activity"  # of sessions
    key_activity: "Activity"
    places: "Places"
    sealing: "Sealing"
    providers: "Mapping[str, IdentityProvider]"  # to sign in with; asked by `serve` alone
    failures: "Buckets"  # of each caller: so many of one kind are recorded (`audit`)
    epoch: str
    draining: bool = False


@dataclass(slots=True)
class Context:
    """One caller: who they are and what they may use.

    A session, or an API key (`key_id`). `socket_id` is the socket that asked, if one did: hints about what it
    learns by its ack skip it.
    """

    parts: Parts
    user_id: UUID
    session_id: UUID | None = None
    role: str = "user"
    origin: Origin = NOWHERE
    socket_id: str | None = None
    key_id: UUID | None = None

    @asynccontextmanager
    async def unit(self) -> AsyncIterator["Unit"]:
        """One transaction. What it appended and told leaves after its commit, and only then."""
        async with database.transaction() as tx:
            unit = Unit(tx)
            yield unit
            await unit.settle()
        unit.publish(self.parts.bus)


@dataclass(slots=True)
class Unit:
    """A transaction, the entries it appends, and what is told after its commit."""

    tx: "Sql"
    _signals: list["Signal"] = field(default_factory=list)
    _entries: list["Entry"] = field(default_factory=list)
    _touched: set[UUID] = field(default_factory=set)

    async def lock(self, room_id: UUID) -> "log.Head":
        """Lock a room before anything else is read or written in it: first the room, then the rest.

        Raises NotFound.
        """
        return (await log.lock(self.tx, [room_id]))[room_id]

    async def append(
        self, head: "log.Head", *drafts: "log.Draft", at: "datetime | None" = None
    ) -> list["Entry"]:
        """Append entries to a locked room, with the next seqs; `at` is the time of the change, else now."""
        entries = await log.append(self.tx, [(head, drafts)], at or clock.now())
        self._entries.extend(entries)
        return entries

    def touch(self, user_id: UUID) -> None:
        """A membership of the user begins, changes or ends: who does not hear of it finds out."""
        self._touched.add(user_id)

    async def enqueue(self, kind: str, payload: dict[str, object], *, unique: str | None = None) -> None:
        """Store a job with this transaction: it is done at least once if, and only if, this one commits."""
        await jobs.enqueue(self.tx, kind, payload, unique=unique)
        self.tell(JobsWaiting())

    async def settle(self) -> None:
        """Called by the context before the commit."""
        if self._touched:
            await truth.touch(self.tx, self._touched)

    def tell(self, signal: "Signal") -> None:
        """Publish a signal after the commit, before the entries of this unit."""
        self._signals.append(signal)

    def publish(self, bus: "Bus") -> None:
        """Called by the context after the commit."""
        for signal in self._signals:
            bus.publish(signal)
        for signal in log.announcements(self._entries):
            bus.publish(signal)
