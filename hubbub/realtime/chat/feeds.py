"""The rooms that an instance delivers, and their comparison with the database."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.core import clock
from hubbub.services.eventlog import event_log
from hubbub.services.eventlog.epoch_watch import EpochWatch
from hubbub.services.eventlog.event_log import End
from hubbub.services.instance.membership_cache import MembershipCache

if TYPE_CHECKING:
    from hubbub.cluster.bus import Bus
    from hubbub.realtime.chat.connections import Connection
    from hubbub.schemas.eventlog.entries import Entry

ROOMS_PER_QUERY = 5000
LINGER_S = 60.0  # how long a room without members here is subscribed: they may reconnect in a moment
LINGERING = 20_000  # how many such rooms
EARLY = 1000  # entries that wait for their predecessors, or for a place; past it the log is read again


class Feed:
    """The connections of a room, and the position in its log up to which they have received it."""

    __slots__ = ("connections", "delivered", "early", "joining", "kept", "later", "repairing")

    def __init__(self) -> None:
        self.delivered: int | None = None  # None until the end of the log was read
        self.early: dict[int, Entry] = {}
        self.connections: set[Connection] = set()
        self.later: dict[int, set[Connection]] = {}  # those that get what follows a seq still to come
        self.joining: set[Connection] = set()  # those whose position is not known yet
        self.kept: list[Entry] = []  # delivered since the first of them came
        self.repairing = False

    @property
    def audience(self) -> set["Connection"]:
        """Those that get hints."""
        return self.connections | self.joining if self.joining else self.connections

    @property
    def unused(self) -> bool:
        return not (self.connections or self.later or self.joining)

    def keep(self, entry: "Entry") -> None:
        """Hold a delivered entry for those that are joining; too many are read from the log instead."""
        if len(self.kept) >= EARLY:
            self.kept = []
        self.kept.append(entry)

    def place(self, connection: "Connection", sent: int | None) -> list["Entry"] | None:
        """Deliver to a joining connection what follows `sent` (None: from now on).

        Returns what of it was delivered already; None, and it is no longer joining, if that is not at hand.
        """
        delivered = self.delivered or 0
        sent = delivered if sent is None else sent
        entries = [entry for entry in self.kept if entry.seq > sent]
        self._leave_joining(connection)
        if sent + len(entries) < delivered:
            return None
        if delivered < sent:
            self.later.setdefault(sent, set()).add(connection)
        else:
            self.connections.add(connection)
        return entries

    def remove(self, connection: "Connection") -> None:
        """Deliver nothing more to a connection."""
        self.connections.discard(connection)
        self._leave_joining(connection)
        if self.later:
            self.later = {seq: rest for seq, some in self.later.items() if (rest := some - {connection})}

    def _leave_joining(self, connection: "Connection") -> None:
        self.joining.discard(connection)
        if self.kept and not self.joining:
            self.kept = []


class Feeds(dict[UUID, Feed]):
    """The rooms to which this instance is subscribed; one without connections stays for a while."""

    def __init__(self, bus: "Bus", epochs: EpochWatch) -> None:
        super().__init__()
        self._bus = bus
        self._epochs = epochs
        self._unused: dict[UUID, float] = {}  # since then, in the order of that

    def open(self, room_id: UUID) -> Feed:
        """The feed of a room, subscribed from now on."""
        self._unused.pop(room_id, None)
        feed = self.get(room_id)
        if feed is None:
            feed = self[room_id] = Feed()
            self._bus.follow(room_id)
        return feed

    def prune(self, room_id: UUID) -> None:
        """A connection has left a room: without any, the feed ends after a while."""
        feed = self.get(room_id)
        if feed is None or not feed.unused:
            return
        if feed.delivered is None:
            self._end(room_id)
        else:
            self._unused.setdefault(room_id, clock.monotonic())

    def tidy(self) -> None:
        """Unsubscribe from rooms to which no connection came back."""
        now = clock.monotonic()
        for room_id, since in list(self._unused.items()):
            if now - since < LINGER_S and len(self._unused) <= LINGERING:
                break
            delivered = self[room_id].delivered
            self._end(room_id)
            self._epochs.acknowledged(room_id, delivered or 0)

    def forget(self) -> None:
        """End the feeds without connections: what they have delivered is of another epoch."""
        for room_id in list(self._unused):
            self._end(room_id)

    def reset(self) -> None:
        """End all feeds."""
        for room_id in list(self):
            self._end(room_id)

    def _end(self, room_id: UUID) -> None:
        del self[room_id]
        self._unused.pop(room_id, None)
        self._bus.unfollow(room_id)


async def compare(
    feeds: Mapping[UUID, Feed],
    residents: MembershipCache,
    epochs: EpochWatch,
    repair: Callable[[UUID, Feed], Awaitable[None]],
) -> None:
    """Find and `repair` what the bus lost: one query over the rooms that have members here.

    A log that ends before what was delivered is evidence that the history went back. Raises Unavailable.
    """
    epoch = epochs.value
    rooms = [room_id for room_id, feed in feeds.items() if feed.delivered is not None]
    for start in range(0, len(rooms), ROOMS_PER_QUERY):
        some = rooms[start : start + ROOMS_PER_QUERY]
        known = {room_id: _known(feeds.get(room_id), residents, room_id) for room_id in some}
        for room_id, (last_seq, members) in (await event_log.moved(known)).items():
            if last_seq < known[room_id].last_seq:
                await epochs.went_back(epoch, room_id, last_seq)
                return
            residents.counted(room_id, members)
            feed = feeds.get(room_id)
            if feed is None or feed.repairing:
                continue
            while feed.delivered is not None and feed.delivered < last_seq:
                before = feed.delivered
                await repair(room_id, feed)
                if feed.delivered == before:
                    break


def _known(feed: Feed | None, residents: MembershipCache, room_id: UUID) -> End:
    card = residents.rooms.get(room_id)
    delivered = feed.delivered if feed is not None else None
    return End(delivered or 0, card.member_count if card is not None else 0)
