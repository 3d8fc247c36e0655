"""FAST PATH: from the bus to the sockets, each room's entries strictly by seq, each once.

The next entry in order goes out at once. One that is early waits a moment for its predecessors, which are
then read from the log. A slow check finds what the bus lost. A connection that enters a room in the middle
of its log is brought up to the feed first.
"""

import asyncio
import logging
from collections.abc import Iterable
from uuid import UUID

from hubbub.cluster.bus import Bus, Entries
from hubbub.core import clock, metrics, tasks
from hubbub.core.errors import Unavailable
from hubbub.realtime import frames
from hubbub.realtime.connections import Connection
from hubbub.schemas.log import Entry
from hubbub.services import log
from hubbub.services.log import End
from hubbub.services.residents import Residents

logger = logging.getLogger(__name__)

EARLY = 1000  # entries that may wait for their predecessors; past it the log is read again
MOMENT_S = 0.02
LINGER_S = 60.0  # how long a room without members here is followed: they may be back in a moment
LINGERING = 20_000  # how many such rooms
CHECK_S = 0.8  # what the bus lost arrives within a second
ROOMS_PER_CHECK = 5000


class Feed:
    """A room as it is delivered here: how far, to whom, and what came early."""

    __slots__ = ("connections", "delivered", "early", "repairing")

    def __init__(self) -> None:
        self.delivered: int | None = None  # None until the end of the log was read
        self.early: dict[int, Entry] = {}
        self.connections: set[Connection] = set()
        self.repairing = False


class Delivery:
    """The rooms that have members here, and what they have been told."""

    def __init__(self, bus: Bus, residents: Residents, namespace: str) -> None:
        self._bus = bus
        self._residents = residents
        self._namespace = namespace
        self.feeds: dict[UUID, Feed] = {}
        self._empty: dict[UUID, float] = {}  # feeds without connections since then, in the order of that
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin the slow check."""
        self._task = tasks.spawn(
            tasks.every(CHECK_S, self.check, name="delivery check"), name="delivery check"
        )

    async def close(self) -> None:
        await tasks.stop(self._task)

    # Entering and leaving rooms.

    def attach(self, connection: Connection, room_ids: Iterable[UUID]) -> list[UUID]:
        """Follow rooms from where their feeds are; returns those whose end is not known yet (`begin`)."""
        unknown = []
        for room_id in room_ids:
            if room_id in connection.rooms:
                continue
            feed = self._feed(room_id)
            feed.connections.add(connection)
            connection.rooms.add(room_id)
            if feed.delivered is None:
                unknown.append(room_id)
        return unknown

    def ends(self, room_ids: Iterable[UUID]) -> dict[UUID, int | None]:
        """How far the feeds of rooms are; None where it is not known."""
        feeds = ((room_id, self.feeds.get(room_id)) for room_id in room_ids)
        return {room_id: feed.delivered if feed is not None else None for room_id, feed in feeds}

    def _feed(self, room_id: UUID) -> Feed:
        self._empty.pop(room_id, None)
        feed = self.feeds.get(room_id)
        if feed is None:
            feed = self.feeds[room_id] = Feed()
            self._bus.follow(room_id)
        return feed

    async def begin(self, room_ids: Iterable[UUID]) -> None:
        """Read how far the logs of new feeds go; what came meanwhile is delivered now. One query."""
        for room_id, end in (await log.ends(room_ids)).items():
            self._begin(room_id, end.last_seq)

    def _begin(self, room_id: UUID, last_seq: int) -> None:
        feed = self.feeds.get(room_id)
        if feed is not None and feed.delivered is None:
            feed.delivered = last_seq
            self._advance(room_id, feed)

    def admit(self, connection: Connection, room_id: UUID, seq: int) -> None:
        """A membership began with the entry `seq`: the connection gets it and all after it, in order."""
        if not self._join(connection, room_id, seq - 1):
            tasks.spawn(self._bring_up(connection, room_id, seq - 1), name="delivery admit")

    def _join(self, connection: Connection, room_id: UUID, sent: int) -> bool:
        """Attach a connection that has everything up to `sent`; False if the feed is ahead of that."""
        if connection.gone or room_id in connection.rooms:
            return True
        feed = self._feed(room_id)
        if feed.delivered is None:
            feed.delivered = sent
        if feed.delivered > sent:
            return False
        feed.connections.add(connection)
        connection.rooms.add(room_id)
        self._advance(room_id, feed)
        return True

    async def _bring_up(self, connection: Connection, room_id: UUID, sent: int) -> None:
        """Send what the feed had told already, until there is nothing between it and the connection."""
        try:
            while not self._join(connection, room_id, sent):
                try:
                    entries = await log.read(room_id, sent)
                except Unavailable:  # nobody else would bring it up later
                    await asyncio.sleep(CHECK_S)
                    continue
                if connection.gone or room_id in connection.rooms or not entries:
                    return
                for entry in entries:
                    if entry.seq > (self._feed(room_id).delivered or 0):
                        break
                    connection.send(self._frame(entry))
                    sent = entry.seq
                    if self._ends(entry, connection):
                        connection.emit("room:gone", {"room_id": room_id})
                        return
        finally:
            self._prune(room_id)

    def _ends(self, entry: Entry, connection: Connection) -> bool:
        user_id = connection.user.id
        left = entry.event == "member:left" and entry.subject == user_id
        return left and self._residents.ended(user_id, entry.room_id, entry.seq)

    def detach(self, connection: Connection, room_id: UUID) -> None:
        """The connection hears no more of the room."""
        connection.rooms.discard(room_id)
        feed = self.feeds.get(room_id)
        if feed is not None:
            feed.connections.discard(connection)
            self._prune(room_id)

    def _prune(self, room_id: UUID) -> None:
        feed = self.feeds.get(room_id)
        if feed is None or feed.connections:
            return
        if feed.delivered is None:
            self._end(room_id)
        else:
            self._empty.setdefault(room_id, clock.monotonic())

    def _end(self, room_id: UUID) -> None:
        del self.feeds[room_id]
        self._empty.pop(room_id, None)
        self._bus.unfollow(room_id)

    def _tidy(self) -> None:
        """Follow no longer what nobody came back to."""
        now = clock.monotonic()
        for room_id, since in list(self._empty.items()):
            if now - since < LINGER_S and len(self._empty) <= LINGERING:
                break
            self._end(room_id)

    # Entries.

    def hear(self, signal: Entries) -> None:
        """Deliver what is next, keep what is early, drop what is known."""
        feed = self.feeds.get(signal.room_id)
        if feed is None:
            return
        for entry in signal.entries:
            if feed.delivered is None or entry.seq > feed.delivered:
                feed.early[entry.seq] = entry
        self._advance(signal.room_id, feed)

    def _advance(self, room_id: UUID, feed: Feed) -> None:
        if len(feed.early) > EARLY:
            feed.early.clear()  # the log has them
        if feed.delivered is None:
            return
        ready: list[Entry] = []
        while (entry := feed.early.pop(feed.delivered + 1, None)) is not None:
            feed.delivered += 1
            ready.append(entry)
            if entry.event == "member:left" and entry.subject is not None:
                self._deliver(feed, ready)
                ready = []
                self._left(feed, entry, entry.subject)
        if ready:
            self._deliver(feed, ready)
        if not feed.early:
            return
        for seq in [seq for seq in feed.early if seq <= feed.delivered]:
            del feed.early[seq]
        if feed.early and not feed.repairing:
            feed.repairing = True
            asyncio.get_running_loop().call_later(MOMENT_S, self._repair_soon, room_id)

    def _frame(self, entry: Entry) -> frames.Frame:
        return frames.event(self._namespace, entry.event, entry.payload)

    def _deliver(self, feed: Feed, entries: list[Entry]) -> None:
        """Entries that follow each other, joined once for all who get them."""
        metrics.counters["deliveries"] += len(feed.connections) * len(entries)
        for frame in frames.gathered([self._frame(entry) for entry in entries]):
            for connection in list(feed.connections):
                connection.send(frame)

    def _left(self, feed: Feed, entry: Entry, user_id: UUID) -> None:
        """The last entry for somebody's sockets, unless they are in again since."""
        if self._residents.ended(user_id, entry.room_id, entry.seq):
            for connection in [each for each in feed.connections if each.user.id == user_id]:
                self.expel(connection, entry.room_id)

    def expel(self, connection: Connection, room_id: UUID) -> None:
        """The connection is told that it hears no more of the room."""
        self.detach(connection, room_id)
        connection.emit("room:gone", {"room_id": room_id})

    # Repair.

    def _repair_soon(self, room_id: UUID) -> None:
        feed = self.feeds.get(room_id)
        if feed is None:
            return
        if feed.early:
            tasks.spawn(self._repair(room_id, feed), name="delivery repair")
        else:
            feed.repairing = False

    async def _repair(self, room_id: UUID, feed: Feed) -> None:
        """Read from the log what did not come by the bus."""
        feed.repairing = True
        try:
            entries = await log.read(room_id, feed.delivered or 0)
        finally:
            feed.repairing = False
        if entries and self.feeds.get(room_id) is feed:
            metrics.count("entries_repaired", by=len(entries))
            self.hear(Entries(room_id, tuple(entries)))

    def moved(self, room_id: UUID, seq: int) -> None:
        """The log goes up to `seq`: read what is not known of it."""
        feed = self.feeds.get(room_id)
        if feed is not None and feed.delivered is not None and feed.delivered < seq and not feed.repairing:
            feed.repairing = True
            tasks.spawn(self._repair(room_id, feed), name="delivery repair")

    def check_soon(self) -> None:
        """Signals were lost: check now, not in a second."""
        tasks.spawn(self.check(), name="delivery check at once")

    async def check(self) -> None:
        """Find what the bus lost: one query over the rooms that have members here."""
        self._tidy()
        rooms = [room_id for room_id, feed in self.feeds.items() if feed.delivered is not None]
        for start in range(0, len(rooms), ROOMS_PER_CHECK):
            known = {room_id: self._known(room_id) for room_id in rooms[start : start + ROOMS_PER_CHECK]}
            for room_id, (last_seq, members) in (await log.moved(known)).items():
                self._residents.counted(room_id, members)
                feed = self.feeds.get(room_id)
                if feed is None or feed.repairing:
                    continue
                while feed.delivered is not None and feed.delivered < last_seq:
                    before = feed.delivered
                    await self._repair(room_id, feed)
                    if feed.delivered == before:
                        break

    def _known(self, room_id: UUID) -> End:
        feed, card = self.feeds.get(room_id), self._residents.rooms.get(room_id)
        delivered = feed.delivered if feed is not None else None
        return End(delivered or 0, card.member_count if card is not None else 0)
