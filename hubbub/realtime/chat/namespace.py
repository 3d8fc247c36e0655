"""The namespace /chat: subscribes its sockets to rooms, sends `ready`, and delivers signals of the bus."""

from contextlib import suppress

from hubbub.cluster.bus import EntriesAppended, MemberJoined, Signal, SignalsLost, Typing
from hubbub.core import clock
from hubbub.core.errors import Unavailable
from hubbub.realtime.chat import epoch_change
from hubbub.realtime.chat import events as chat
from hubbub.realtime.chat.delivery import Delivery
from hubbub.realtime.chat.signal_handler import SignalHandler
from hubbub.realtime.chat.subscriber import Subscriber
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.connect_request import ConnectRequest
from hubbub.realtime.sockets.connections import Connection, UserSockets
from hubbub.realtime.sockets.namespace import SocketNamespace
from hubbub.schemas.events import Ready, RoomGoneHint
from hubbub.services.auth import sessions
from hubbub.services.context import Container
from hubbub.services.eventlog.epochs import Cause
from hubbub.services.instance import loaded_memberships
from hubbub.services.instance.session_cache import AuthenticatedSession
from hubbub.services.presence.presence import audience
from hubbub.services.presence.tracker import PresenceTracker
from hubbub.services.sync.reconciler import Reconciler


class ChatNamespace(SocketNamespace):
    """The namespace /chat of the Socket.IO server: its components and its sockets."""

    def __init__(self, container: Container, user_sockets: UserSockets | None = None) -> None:
        super().__init__(container, chat.events, user_sockets if user_sockets is not None else UserSockets())
        self.delivery = Delivery(
            container.bus,
            container.membership_cache,
            container.epoch_watch,
            container.typing_tracker,
            container.url_signer,
            chat.NAMESPACE,
        )
        self.presence_tracker = PresenceTracker(container)  # publishes who is online
        # Applies signals.
        self._signal_handler = SignalHandler(self.connections, self._user_sockets, self.delivery)
        container.typing_tracker.emit = self._signal_handler.emit_typing
        self.reconciler = Reconciler(container.membership_cache, self._on_signal, self._signal_handler.expel)
        # Subscribes new sockets to rooms.
        self._subscriber = Subscriber(container, self.delivery, self.reconciler)
        container.bus.add_handler(self._on_signal)

    def _on_signal(self, signal: Signal) -> None:
        """Handle a signal. The membership cache is first, since the other handlers rely on it."""
        if isinstance(signal, EntriesAppended):  # nearly all signals
            self.delivery.on_entries(signal)
            return
        if isinstance(signal, Typing):
            self._container.typing_tracker.on_signal(signal)
            return
        membership_cache = self._container.membership_cache
        already_member = isinstance(signal, MemberJoined) and membership_cache.already_cached(signal)
        membership_cache.on_signal(signal)
        self._signal_handler.on_signal(signal, already_member=already_member)
        if isinstance(signal, SignalsLost):
            self.reconciler.check_soon()

    def _on_epoch_change(self, cause: Cause) -> None:
        epoch_change.discard(self._container, self.connections, self.delivery, cause)

    async def start(self) -> None:
        """Start the periodic tasks."""
        self.reconciler.start()
        self.delivery.start()
        self._container.epoch_watch.start(self.delivery.delivered_seq, self._on_epoch_change)
        self.token_expiry.start()
        self.presence_tracker.start()

    async def close(self) -> None:
        """Stop the periodic tasks, after the sockets were drained."""
        await self.token_expiry.close()
        await self._container.epoch_watch.close()
        await self.reconciler.close()
        await self.delivery.close()
        with suppress(Unavailable):  # the expiry of the lease publishes the same, a little later
            await self.presence_tracker.close()

    async def _authenticate(self, request: ConnectRequest) -> AuthenticatedSession:
        """Read the memberships of a user who is not cached with the session."""
        container = self._container
        if container.membership_cache.get_any(request.user_id) is not None:
            return await super()._authenticate(request)
        await container.bus.wait_subscribed()
        authenticated, request.memberships = await sessions.authenticate_with_memberships(
            container, request.claims
        )
        return authenticated

    async def _send_ready(self, connection: Connection, request: ConnectRequest) -> None:
        epoch = self._container.epoch_watch.epoch
        cached_user = self._container.membership_cache.add_socket(connection.auth_session)
        loaded_memberships.adopt(self._container.membership_cache, cached_user, request.memberships)
        connection.in_membership_cache = True
        cursors = request.cursors if request.epoch == epoch else None
        snapshot = await self._subscriber.subscribe(connection, cached_user, cursors, epoch)
        if snapshot is None:
            return
        ready = Ready(
            user=connection.user,
            session_id=connection.session_id,
            server_time=clock.rfc3339(clock.now()),
            epoch=epoch,
            rooms=snapshot.rooms,
            rooms_complete=snapshot.complete,
        )
        connection.release(frames.encode_event(chat.NAMESPACE, ready))
        for room_id in snapshot.former_room_ids:
            connection.emit(RoomGoneHint(room_id=room_id))
        self._on_ready(connection)
        if connection.sid in self.connections.by_sid:
            self.presence_tracker.user_connected(connection.user.id)

    def _on_removed(self, connection: Connection) -> None:
        """Unsubscribe a socket, and remove its user from the membership cache with the last one."""
        self._subscriber.unsubscribe(connection)
        if not connection.in_membership_cache:
            return
        user_id, membership_cache = connection.user.id, self._container.membership_cache
        rooms = audience(membership_cache, user_id)
        membership_cache.remove_socket(user_id, connection.session_id)
        if not any(each.in_membership_cache for each in self.connections.of_user(user_id)):
            self.presence_tracker.user_disconnected(user_id, rooms)
