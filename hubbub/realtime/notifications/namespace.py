"""The namespace /notifications: subscribes its sockets to inboxes, sends `ready`, and delivers signals."""

from hubbub.cluster.bus import (
    ANNOUNCEMENTS_TOPIC,
    AnnouncementStored,
    InboxAppended,
    InboxHint,
    Signal,
    SignalsLost,
)
from hubbub.core import clock, tasks
from hubbub.realtime.notifications import events as table
from hubbub.realtime.notifications.announcements import AnnouncementWatch
from hubbub.realtime.notifications.delivery import InboxDelivery
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.connect_request import ConnectRequest
from hubbub.realtime.sockets.connections import Connection, UserSockets
from hubbub.realtime.sockets.draining import close_in_waves
from hubbub.realtime.sockets.namespace import SocketNamespace
from hubbub.schemas.notifications.events import InboxReady
from hubbub.services.context import Container
from hubbub.services.eventlog.epochs import Cause
from hubbub.services.notifications import inbox

EPOCH_MESSAGE = "The epoch of the server has changed. Reconnect."


class NotificationsNamespace(SocketNamespace):
    """The namespace /notifications of the Socket.IO server: its components and its sockets."""

    def __init__(self, container: Container, user_sockets: UserSockets) -> None:
        super().__init__(container, table.events, user_sockets)
        self.delivery = InboxDelivery()  # the feeds of inboxes
        self._announcements = AnnouncementWatch(container, self.delivery)  # appends them for users here
        container.bus.add_handler(self._on_signal)
        container.bus.subscribe_topic(ANNOUNCEMENTS_TOPIC)
        container.epoch_watch.add_listener(self._on_epoch_change)

    def _on_signal(self, signal: Signal) -> None:
        match signal:
            case InboxAppended():
                self.delivery.on_appended(signal)
            case InboxHint():
                self.delivery.on_hint(signal)
            case AnnouncementStored():
                self._announcements.check_soon()
            case SignalsLost():
                self.delivery.check_soon()

    def _on_epoch_change(self, cause: Cause) -> None:
        """Close the sockets in waves, unless the epoch was raised by the claim of a client."""
        if cause is Cause.CLAIM:
            return
        self.delivery.reset()
        self._announcements.reset()
        sockets = list(self.connections.by_sid.values())
        for connection in sockets:
            connection.epoch_outdated = True
        if sockets:
            waves = close_in_waves(sockets, self._settings.drain_s, EPOCH_MESSAGE)
            tasks.spawn(waves, name="inboxes of another epoch")

    async def start(self) -> None:
        """Start the periodic tasks."""
        self.delivery.start()
        self._announcements.start()
        self.token_expiry.start()

    async def close(self) -> None:
        """Stop the periodic tasks, after the sockets were drained."""
        await self.token_expiry.close()
        await self._announcements.close()
        await self.delivery.close()

    async def _send_ready(self, connection: Connection, _request: ConnectRequest) -> None:
        """Subscribe first and read the end second, so that no entry is missed in between."""
        user_id, epoch = connection.user.id, self._container.epoch_watch.epoch
        # The reconciler ends the sockets of sessions that it finds among the cached ones.
        self._container.membership_cache.add_socket(connection.auth_session)
        connection.in_membership_cache = True
        self.delivery.attach(connection)
        await self._container.bus.wait_subscribed()
        position = await inbox.position(self._container, user_id)
        self.delivery.set_position(user_id, position.last_seq)
        if connection.closed or connection.epoch_outdated:
            return
        ready = InboxReady(
            user=connection.user,
            session_id=connection.session_id,
            server_time=clock.rfc3339(clock.now()),
            epoch=epoch,
            last_seq=position.last_seq,
            unread=position.unread,
        )
        connection.release(frames.encode_event(table.NAMESPACE, ready))
        self._on_ready(connection)

    def _on_removed(self, connection: Connection) -> None:
        self.delivery.detach(connection)
        if connection.in_membership_cache:
            self._container.membership_cache.remove_socket(
                connection.user.id, connection.session_id, received_rooms=False
            )
