"""FAST PATH: delivers entries from the bus to the sockets, in each room in the order of seq, each once.

The next entry in order is sent at once. An early entry waits for its predecessors for REORDER_WAIT_S, after
which they are read from the log. A periodic check finds entries that the bus lost. A connection that joins
behind the position of the feed gets the missing entries from the log first.
"""

import asyncio
from collections.abc import Iterable, Mapping
from uuid import UUID

from hubbub.cluster.bus import Bus, EntriesAppended
from hubbub.core import metrics, tasks
from hubbub.core.errors import Unavailable
from hubbub.core.files.url_signatures import UrlSigner
from hubbub.db import database
from hubbub.realtime.chat import feeds
from hubbub.realtime.chat.feeds import MAX_BUFFERED_ENTRIES, Feed, Feeds
from hubbub.realtime.socketio import frames
from hubbub.realtime.sockets.connections import Connection
from hubbub.schemas.eventlog.entries import Entry
from hubbub.schemas.events import RoomGoneHint
from hubbub.services.eventlog import event_log
from hubbub.services.eventlog.epoch_watch import EpochWatch
from hubbub.services.instance.membership_cache import MembershipCache
from hubbub.services.instance.typing_tracker import TypingTracker

REORDER_WAIT_S = 0.02  # for which an early entry waits for its predecessors
GAP_CHECK_INTERVAL_S = 0.8  # an entry that the bus lost is delivered within a second


class Delivery:
    """Delivers the entries of the rooms that have members on this instance."""

    def __init__(
        self,
        bus: Bus,
        membership_cache: MembershipCache,
        epoch_watch: EpochWatch,
        typing_tracker: TypingTracker,
        url_signer: UrlSigner,
        namespace: str,
    ) -> None:
        self._membership_cache = membership_cache  # decides whether a membership ended
        self._epoch_watch = epoch_watch  # notified of logs that went back
        self._typing_tracker = typing_tracker  # notified of entries in rooms with typing users
        self._url_signer = url_signer  # signs the URLs in entries that are read from the log
        self._namespace = namespace  # name in each packet
        self.feeds = Feeds(bus, epoch_watch)  # by room
        self._immediate_check = tasks.CoalescingTask(self.check, name="delivery check at once")
        self.reset_count = 0  # a read of the log that began before the last reset is not used
        self._task = tasks.PeriodicTask(self.check, name="delivery check", interval_s=GAP_CHECK_INTERVAL_S)

    def start(self) -> None:
        """Start the periodic check."""
        database.on_available(self.check_soon)
        self._task.start()

    async def close(self) -> None:
        await self._task.close()

    # Subscriptions of connections.

    def attach(self, connection: Connection, room_ids: Iterable[UUID]) -> list[UUID]:
        """Subscribe a connection to rooms. Its entries are kept until `start_after`.

        Returns the rooms whose position is unknown, for `set_ends`.
        """
        unknown: list[UUID] = []
        if connection.epoch_outdated:
            return unknown
        for room_id in room_ids:
            if room_id in connection.rooms:
                continue
            feed = self.feeds.open(room_id)
            feed.join(connection)
            connection.rooms.add(room_id)
            if feed.delivered_seq is None:
                unknown.append(room_id)
        return unknown

    def start_after(self, connection: Connection, positions: Mapping[UUID, int | None]) -> None:
        """Deliver to an attached connection the entries after `positions`, by room (None: from now on).

        Each is delivered once. The client has the earlier entries, or reads them by `sync`.
        """
        for room_id, position in positions.items():
            feed = self.feeds.get(room_id)
            if feed is None or connection not in (feed.joining or ()):
                continue
            entries = feed.start_after(connection, position)
            if entries is None:
                connection.rooms.discard(room_id)
                self.add_member(connection, room_id, (position or 0) + 1)
            for entry in entries or ():
                connection.send(self._frame(entry))
                if self._ends_membership(entry, connection):
                    self.expel(connection, room_id)
                    break

    def positions(self, room_ids: Iterable[UUID]) -> dict[UUID, int | None]:
        """Return the positions of the feeds of rooms, None where one is unknown."""
        return {room_id: self.delivered_seq(room_id) for room_id in room_ids}

    def delivered_seq(self, room_id: UUID) -> int | None:
        """Return the seq up to which a room is delivered here, None if it is not delivered."""
        feed = self.feeds.get(room_id)
        return feed.delivered_seq if feed is not None else None

    def reset(self, connections: Iterable[Connection]) -> None:
        """End all feeds after a change of the epoch. The connections get no more entries."""
        self.reset_count += 1
        for connection in connections:
            connection.epoch_outdated = True
            connection.rooms.clear()
        self.feeds.end_all()

    def set_ends(self, last_seqs: Mapping[UUID, int | None], began: int) -> None:
        """Set where the logs of new feeds end. They were read when the `reset_count` was `began`."""
        if began != self.reset_count:
            return
        for room_id, last_seq in last_seqs.items():
            feed = self.feeds.get(room_id)
            if last_seq is not None and feed is not None and feed.delivered_seq is None:
                feed.delivered_seq = last_seq
                self._advance(room_id, feed)

    def add_member(self, connection: Connection, room_id: UUID, seq: int) -> None:
        """Deliver the entry `seq` of a room and all later ones to a connection, in order."""
        if not self._try_attach(connection, room_id, seq - 1):
            tasks.spawn(self._catch_up(connection, room_id, seq - 1), name="delivery admit")

    def _try_attach(self, connection: Connection, room_id: UUID, sent_seq: int) -> bool:
        """Attach a connection that has all entries up to `sent_seq`. Return False if the feed is ahead."""
        if connection.closed or connection.epoch_outdated or room_id in connection.rooms:
            return True
        feed = self.feeds.open(room_id)
        if feed.delivered_seq is None:
            feed.delivered_seq = sent_seq
        if feed.delivered_seq > sent_seq:
            return False
        connection.rooms.add(room_id)
        if feed.delivered_seq < sent_seq:
            feed.start_later(connection, sent_seq)
        else:
            feed.connections[connection] = None
        self._advance(room_id, feed)
        return True

    async def _catch_up(self, connection: Connection, room_id: UUID, sent_seq: int) -> None:
        """Send earlier entries from the log, until the connection has the position of the feed."""
        try:
            while not self._try_attach(connection, room_id, sent_seq):
                try:
                    entries = await event_log.read(self._url_signer, room_id, sent_seq)
                except Unavailable:  # retry: nothing else sends these entries later
                    await asyncio.sleep(GAP_CHECK_INTERVAL_S)
                    continue
                if (
                    connection.closed
                    or connection.epoch_outdated
                    or room_id in connection.rooms
                    or not entries
                ):
                    return
                for entry in entries:
                    if entry.seq > (self.feeds.open(room_id).delivered_seq or 0):
                        break
                    connection.send(self._frame(entry))
                    sent_seq = entry.seq
                    if self._ends_membership(entry, connection):
                        connection.emit(RoomGoneHint(room_id=room_id))
                        return
        finally:
            self.feeds.prune(room_id)

    def _ends_membership(self, entry: Entry, connection: Connection) -> bool:
        user_id = connection.user.id
        left = entry.event == "member:left" and entry.subject == user_id
        return left and self._membership_cache.end_membership(user_id, entry.room_id, entry.seq)

    def detach(self, connection: Connection, room_id: UUID) -> None:
        """Stop delivering a room to a connection."""
        connection.rooms.discard(room_id)
        feed = self.feeds.get(room_id)
        if feed is not None:
            feed.remove(connection)
            self.feeds.prune(room_id)

    # Entries.

    def on_entries(self, signal: EntriesAppended) -> None:
        """Deliver the next entries, keep early ones, drop those that were delivered."""
        feed = self.feeds.get(signal.room_id)
        if feed is None:
            return
        for entry in signal.entries:
            if feed.delivered_seq is None or entry.seq > feed.delivered_seq:
                feed.keep_early(entry)
        self._advance(signal.room_id, feed)

    def _advance(self, room_id: UUID, feed: Feed) -> None:
        early = feed.early_entries
        if early is not None and len(early) > MAX_BUFFERED_ENTRIES:
            early.clear()  # the log has them
        if early is None or feed.delivered_seq is None:
            return
        ready: list[Entry] = []
        while (entry := early.pop(feed.delivered_seq + 1, None)) is not None:
            feed.delivered_seq += 1
            ready.append(entry)
            if feed.joining:
                feed.buffer(entry)
            if entry.event == "member:left" and entry.subject is not None:
                self._deliver(feed, ready)
                ready = []
                self._expel_user(feed, entry, entry.subject)
            if (
                feed.starting_after
                and (starting := feed.starting_after.pop(feed.delivered_seq, None)) is not None
            ):
                self._deliver(feed, ready)
                ready = []
                feed.connections.update(dict.fromkeys(starting))
        if ready:
            self._deliver(feed, ready)
        if early:
            self._schedule_repair(room_id, feed, early)

    def _schedule_repair(self, room_id: UUID, feed: Feed, early: dict[int, Entry]) -> None:
        for seq in [seq for seq in early if seq <= (feed.delivered_seq or 0)]:
            del early[seq]
        if early and not feed.repairing:
            feed.repairing = True
            asyncio.get_running_loop().call_later(REORDER_WAIT_S, self._start_repair, room_id)

    def _frame(self, entry: Entry) -> frames.Frame:
        return frames.event(self._namespace, entry.event, entry.payload)

    def _deliver(self, feed: Feed, entries: list[Entry]) -> None:
        """Send consecutive entries, joined once for all recipients."""
        metrics.counters["deliveries"] += len(feed.connections) * len(entries)
        for frame in frames.coalesce([self._frame(entry) for entry in entries]):
            for connection in list(feed.connections):
                connection.send(frame)
        if entries and entries[0].room_id in self._typing_tracker.rooms:
            self._typing_tracker.on_entries(entries[0].room_id, entries)

    def _expel_user(self, feed: Feed, entry: Entry, user_id: UUID) -> None:
        """Expel the sockets of a user whose membership ended, unless a new one began since."""
        if self._membership_cache.end_membership(user_id, entry.room_id, entry.seq):
            for connection in [each for each in feed.connections if each.user.id == user_id]:
                self.expel(connection, entry.room_id)

    def expel(self, connection: Connection, room_id: UUID) -> None:
        """Stop delivering a room to a connection, and send it `room:gone`."""
        self.detach(connection, room_id)
        connection.emit(RoomGoneHint(room_id=room_id))

    # Repair.

    def _start_repair(self, room_id: UUID) -> None:
        feed = self.feeds.get(room_id)
        if feed is not None and feed.early_entries:
            tasks.spawn(self._repair(room_id, feed), name="delivery repair")
        elif feed is not None:
            feed.repairing = False

    async def _repair(self, room_id: UUID, feed: Feed) -> None:
        """Read from the log the entries that were not received from the bus."""
        feed.repairing = True
        try:
            entries = await event_log.read(self._url_signer, room_id, feed.delivered_seq or 0)
        finally:
            feed.repairing = False
        if entries and self.feeds.get(room_id) is feed:
            metrics.count("entries_refetched", by=len(entries))
            self.on_entries(EntriesAppended(room_id, tuple(entries)))

    def on_log_advanced(self, room_id: UUID, seq: int) -> None:
        """Read the missing entries of a log that ends at `seq`."""
        feed = self.feeds.get(room_id)
        if (
            feed is not None
            and feed.delivered_seq is not None
            and feed.delivered_seq < seq
            and not feed.repairing
        ):
            feed.repairing = True
            tasks.spawn(self._repair(room_id, feed), name="delivery repair")

    def check_soon(self) -> None:
        """Run the check now, since signals were lost."""
        self._immediate_check.trigger()

    async def check(self) -> None:
        """Find entries that the bus lost, with one query over the rooms that have members here."""
        self.feeds.end_expired()
        await feeds.repair_gaps(self.feeds, self._membership_cache, self._epoch_watch, self._repair)
