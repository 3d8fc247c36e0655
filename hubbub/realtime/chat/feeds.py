"""The feeds of the rooms that an instance delivers, and their comparison with the database."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.core import clock
from hubbub.core.batching import slices
from hubbub.services.eventlog import event_log
from hubbub.services.eventlog.epoch_watch import EpochWatch
from hubbub.services.eventlog.event_log import LogEnd
from hubbub.services.instance.membership_cache import MembershipCache

if TYPE_CHECKING:
    from hubbub.cluster.bus import Bus
    from hubbub.realtime.sockets.connections import Connection
    from hubbub.schemas.eventlog.entries import Entry

ROOMS_PER_QUERY = 5000
UNUSED_FEED_TTL_S = 60.0  # for which a room without members here stays subscribed: they may reconnect soon
MAX_UNUSED_FEEDS = 20_000  # rooms without members that stay subscribed
# Entries that wait for their predecessors, or for joining connections. Beyond it the log is read again.
MAX_BUFFERED_ENTRIES = 1000


class Feed:
    """The connections of a room, and the position in its log up to which they have received it.

    What only a change needs exists while there is something in it: most rooms are quiet.
    """

    __slots__ = (
        "connections",
        "delivered_seq",
        "early_entries",
        "joining",
        "recent_entries",
        "repairing",
        "starting_after",
    )

    def __init__(self) -> None:
        self.delivered_seq: int | None = None  # the last delivered seq; None until the log's end was read
        # Entries that wait for their predecessors, by seq. None until the first entry.
        self.early_entries: dict[int, Entry] | None = None
        # Connections that get each next entry. A set of five takes three times the memory of a dictionary.
        self.connections: dict[Connection, None] = {}
        # Connections that get the entries after a later seq, by that seq. None: none.
        self.starting_after: dict[int, set[Connection]] | None = None
        self.joining: dict[Connection, None] | None = None  # their position is not known yet; None: none
        # Entries delivered while there are joining connections. None: none.
        self.recent_entries: list[Entry] | None = None
        self.repairing = False  # whether missing entries are being read from the log, or soon will be

    @property
    def audience(self) -> Mapping["Connection", None]:
        """The connections that get hints."""
        return self.connections | self.joining if self.joining else self.connections

    @property
    def unused(self) -> bool:
        return not (self.connections or self.starting_after or self.joining)

    def join(self, connection: "Connection") -> None:
        """Add a connection whose position is not known yet."""
        if self.joining is None:
            self.joining = {}
        self.joining[connection] = None

    def start_later(self, connection: "Connection", sent_seq: int) -> None:
        """Deliver the entries after `sent_seq`, which was not delivered yet, to a connection."""
        if self.starting_after is None:
            self.starting_after = {}
        self.starting_after.setdefault(sent_seq, set()).add(connection)

    def keep_early(self, entry: "Entry") -> None:
        """Keep an entry until all before it are delivered."""
        if self.early_entries is None:
            self.early_entries = {}
        self.early_entries[entry.seq] = entry

    def buffer(self, entry: "Entry") -> None:
        """Keep a delivered entry for joining connections. If there are too many, the log is read instead."""
        if self.recent_entries is None or len(self.recent_entries) >= MAX_BUFFERED_ENTRIES:
            self.recent_entries = []
        self.recent_entries.append(entry)

    def start_after(self, connection: "Connection", sent_seq: int | None) -> list["Entry"] | None:
        """Deliver the entries after `sent_seq` (None: from now on) to a joining connection.

        Returns those among them that were delivered before. Returns None if they are not kept: then the
        connection is no longer joining.
        """
        delivered_seq = self.delivered_seq or 0
        sent_seq = delivered_seq if sent_seq is None else sent_seq
        entries = [entry for entry in self.recent_entries or () if entry.seq > sent_seq]
        self._remove_joining(connection)
        if sent_seq + len(entries) < delivered_seq:
            return None
        if delivered_seq < sent_seq:
            self.start_later(connection, sent_seq)
        else:
            self.connections[connection] = None
        return entries

    def remove(self, connection: "Connection") -> None:
        """Stop delivering to a connection."""
        self.connections.pop(connection, None)
        self._remove_joining(connection)
        if self.starting_after:
            self.starting_after = {
                seq: rest for seq, some in self.starting_after.items() if (rest := some - {connection})
            } or None

    def _remove_joining(self, connection: "Connection") -> None:
        if self.joining is not None:
            self.joining.pop(connection, None)
        if not self.joining:
            self.joining = self.recent_entries = None


class Feeds(dict[UUID, Feed]):
    """The feeds of the rooms to which this instance is subscribed, by room.

    A feed without connections is kept for UNUSED_FEED_TTL_S.
    """

    def __init__(self, bus: "Bus", epoch_watch: EpochWatch) -> None:
        super().__init__()
        self._bus = bus  # for subscriptions to rooms
        self._epoch_watch = epoch_watch  # keeps the positions of ended feeds
        self._unused_since: dict[UUID, float] = {}  # monotonic time by room, the oldest first

    def open(self, room_id: UUID) -> Feed:
        """Return the feed of a room. Subscribe to the room if it is new."""
        self._unused_since.pop(room_id, None)
        feed = self.get(room_id)
        if feed is None:
            feed = self[room_id] = Feed()
            self._bus.subscribe_room(room_id)
        return feed

    def prune(self, room_id: UUID) -> None:
        """Mark a feed without connections as unused. It ends after UNUSED_FEED_TTL_S."""
        feed = self.get(room_id)
        if feed is None or not feed.unused:
            return
        if feed.delivered_seq is None:
            self._end(room_id)
        else:
            self._unused_since.setdefault(room_id, clock.monotonic())

    def end_expired(self) -> None:
        """End the feeds that were unused for UNUSED_FEED_TTL_S."""
        now = clock.monotonic()
        for room_id, since in list(self._unused_since.items()):
            if now - since < UNUSED_FEED_TTL_S and len(self._unused_since) <= MAX_UNUSED_FEEDS:
                break
            delivered_seq = self[room_id].delivered_seq
            self._end(room_id)
            self._epoch_watch.record_acknowledged(room_id, delivered_seq or 0)

    def end_unused(self) -> None:
        """End the feeds without connections, whose positions are of another epoch."""
        for room_id in list(self._unused_since):
            self._end(room_id)

    def end_all(self) -> None:
        """End all feeds."""
        for room_id in list(self):
            self._end(room_id)

    def _end(self, room_id: UUID) -> None:
        del self[room_id]
        self._unused_since.pop(room_id, None)
        self._bus.unsubscribe_room(room_id)


async def repair_gaps(
    feeds: Mapping[UUID, Feed],
    membership_cache: MembershipCache,
    epoch_watch: EpochWatch,
    repair: Callable[[UUID, Feed], Awaitable[None]],
) -> None:
    """Find entries that the bus lost, with one query over the rooms that have members here, and `repair`.

    A log that ends before the delivered position is evidence that the history went back. Raises Unavailable.
    """
    epoch = epoch_watch.epoch
    room_ids = [room_id for room_id, feed in feeds.items() if feed.delivered_seq is not None]
    for batch in slices(room_ids, ROOMS_PER_QUERY):
        known = {room_id: _known_end(feeds.get(room_id), membership_cache, room_id) for room_id in batch}
        for room_id, (last_seq, member_count) in (await event_log.changed_ends(known)).items():
            if last_seq < known[room_id].last_seq:
                await epoch_watch.handle_rollback(epoch, room_id, last_seq)
                return
            membership_cache.set_member_count(room_id, member_count)
            feed = feeds.get(room_id)
            if feed is not None and not feed.repairing:
                await _repair_up_to(last_seq, room_id, feed, repair)


async def _repair_up_to(
    last_seq: int, room_id: UUID, feed: Feed, repair: Callable[[UUID, Feed], Awaitable[None]]
) -> None:
    """Repair a feed until it ends at `last_seq`, or nothing more is delivered."""
    while feed.delivered_seq is not None and feed.delivered_seq < last_seq:
        before = feed.delivered_seq
        await repair(room_id, feed)
        if feed.delivered_seq == before:
            break


def _known_end(feed: Feed | None, membership_cache: MembershipCache, room_id: UUID) -> LogEnd:
    cached_room = membership_cache.rooms.get(room_id)
    delivered_seq = feed.delivered_seq if feed is not None else None
    return LogEnd(delivered_seq or 0, cached_room.member_count if cached_room is not None else 0)
