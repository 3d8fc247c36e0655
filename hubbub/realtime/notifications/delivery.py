"""Delivers entries of inboxes to the sockets of their users, for each user in the order of seq, each once.

The next entry in order is sent at once. A gap is read from the database. A periodic check finds entries that
the bus lost.
"""

from uuid import UUID

from hubbub.cluster.bus import InboxAppended, InboxHint
from hubbub.core import metrics, tasks
from hubbub.core.batching import slices
from hubbub.db import database
from hubbub.realtime.notifications.events import NAMESPACE
from hubbub.realtime.socketio import frames
from hubbub.realtime.sockets.connections import Connection
from hubbub.schemas.base import encode
from hubbub.schemas.notifications.events import NotificationNew
from hubbub.services.notifications import inbox

GAP_CHECK_INTERVAL_S = 0.8  # an entry that the bus lost is delivered within a second
USERS_PER_QUERY = 5000
REPAIR_PAGE = 100  # entries that one query reads


class InboxFeed:
    """The sockets of one user here, and the seq up to which they have received the inbox."""

    __slots__ = ("connections", "delivered_seq", "early", "repairing")

    def __init__(self) -> None:
        self.connections: set[Connection] = set()  # also those that wait for `ready`: their frames are held
        self.delivered_seq: int | None = None  # None until the end of the inbox was read
        self.early = False  # whether an entry arrived while the end of the inbox was read
        self.repairing = False  # whether missing entries are being read


class InboxDelivery:
    """Delivers the inboxes of the users that have a socket of /notifications on this instance."""

    def __init__(self) -> None:
        self.feeds: dict[UUID, InboxFeed] = {}  # by user
        self._task = tasks.PeriodicTask(self.check, name="inbox check", interval_s=GAP_CHECK_INTERVAL_S)
        self._immediate_check = tasks.CoalescingTask(self.check, name="inbox check at once")

    def start(self) -> None:
        """Start the periodic check."""
        database.on_available(self.check_soon)
        self._task.start()

    async def close(self) -> None:
        await self._task.close()

    def attach(self, connection: Connection) -> None:
        """Send all further entries of the user's inbox to a socket, whose frames are held until `ready`."""
        self.feeds.setdefault(connection.user.id, InboxFeed()).connections.add(connection)

    def set_position(self, user_id: UUID, last_seq: int) -> None:
        """Set how far the sockets of a user have the inbox, unless it is known."""
        feed = self.feeds.get(user_id)
        if feed is not None and feed.delivered_seq is None:
            feed.delivered_seq = last_seq
            if feed.early:
                self._start_repair(user_id, feed)

    def detach(self, connection: Connection) -> None:
        """Stop delivering to a socket. Safe to call twice."""
        feed = self.feeds.get(connection.user.id)
        if feed is not None:
            feed.connections.discard(connection)
            if not feed.connections:
                del self.feeds[connection.user.id]

    def reset(self) -> None:
        """End all feeds after a change of the epoch. Their sockets get no more entries."""
        self.feeds.clear()

    # Entries.

    def on_appended(self, signal: InboxAppended) -> None:
        """Send the entries that are next in order. Read the log if some are missing."""
        feed = self.feeds.get(signal.user_id)
        if feed is None:
            return
        if feed.delivered_seq is None:
            feed.early = True
            return
        if signal.first_seq > feed.delivered_seq + 1:
            self._start_repair(signal.user_id, feed)
            return
        for seq, payload in enumerate(signal.payloads, signal.first_seq):
            self._send(feed, seq, payload)

    def _send(self, feed: InboxFeed, seq: int, payload: str) -> None:
        """Send the entry `seq`, unless it was sent before."""
        if feed.delivered_seq is None or seq != feed.delivered_seq + 1:
            return
        feed.delivered_seq = seq
        frame = frames.event(NAMESPACE, NotificationNew.event_name, payload)
        metrics.counters["deliveries"] += len(feed.connections)
        for connection in list(feed.connections):
            connection.send(frame)

    def on_hint(self, signal: InboxHint) -> None:
        """Send a hint to the other sockets of its user."""
        feed = self.feeds.get(signal.user_id)
        frame = frames.event(NAMESPACE, signal.event, signal.payload)
        for connection in list(feed.connections) if feed is not None else ():
            if connection.sid != signal.skip_socket:
                connection.send(frame, hint=True)

    # Repair.

    def _start_repair(self, user_id: UUID, feed: InboxFeed) -> None:
        if not feed.repairing:
            feed.repairing = True
            tasks.spawn(self._repair(user_id, feed), name="inbox repair")

    async def _repair(self, user_id: UUID, feed: InboxFeed) -> None:
        """Read and send the entries that signals did not carry here. Raises Unavailable."""
        feed.repairing = True
        try:
            while self.feeds.get(user_id) is feed and feed.delivered_seq is not None:
                entries = await inbox.entries_after(user_id, feed.delivered_seq, REPAIR_PAGE)
                if not entries:
                    return
                metrics.count("entries_refetched", by=len(entries))
                for entry in entries:
                    # A row may be missing, since read notifications are removed after a time.
                    feed.delivered_seq = max(feed.delivered_seq, entry.seq - 1)
                    self._send(feed, entry.seq, encode(entry).decode())
        finally:
            feed.repairing = False

    def check_soon(self) -> None:
        """Run the check now, since signals were lost."""
        self._immediate_check.trigger()

    async def check(self) -> None:
        """Find entries that the bus lost, with one query over the users that have sockets here."""
        known = [
            (user_id, feed.delivered_seq)
            for user_id, feed in self.feeds.items()
            if feed.delivered_seq is not None and not feed.repairing
        ]
        for batch in slices(known, USERS_PER_QUERY):
            for user_id in await inbox.ahead(dict(batch)):
                feed = self.feeds.get(user_id)
                if feed is not None and not feed.repairing:
                    await self._repair(user_id, feed)
