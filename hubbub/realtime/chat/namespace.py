"""The namespace /chat: accepts sockets, sends `ready`, hands over their events, and closes them."""

import asyncio
import logging
import random
from contextlib import suppress
from typing import cast
from uuid import UUID

from hubbub.cluster.bus import EntriesAppended, MemberJoined, Signal, SignalsLost, Typing
from hubbub.core import client_ip, clock, metrics
from hubbub.core.client_ip import rate_limit_key
from hubbub.core.errors import (
    Forbidden,
    HubbubError,
    SessionRevoked,
    TokenExpired,
    TooManyConnections,
    Unavailable,
)
from hubbub.core.request_info import RequestInfo
from hubbub.realtime import engine
from hubbub.realtime.chat import connection_log, epoch_change
from hubbub.realtime.chat import events as chat
from hubbub.realtime.chat.connections import Connection, Connections
from hubbub.realtime.chat.delivery import Delivery
from hubbub.realtime.chat.dispatch import Dispatcher, Events
from hubbub.realtime.chat.signal_handler import SignalHandler
from hubbub.realtime.chat.subscriber import Subscriber
from hubbub.realtime.chat.token_expiry import TokenExpiry
from hubbub.realtime.socketio import connect_request, frames
from hubbub.realtime.socketio.connect_request import ConnectRequest
from hubbub.realtime.socketio.namespace import NamespaceClient
from hubbub.realtime.socketio.packets import ClientEvent
from hubbub.schemas.events import Ready, RoomGoneHint
from hubbub.schemas.sync import connection as wire
from hubbub.schemas.sync.connection import CloseCode
from hubbub.services.auth import sessions
from hubbub.services.context import Container, Context
from hubbub.services.eventlog.epochs import Cause
from hubbub.services.instance.session_cache import AuthenticatedSession
from hubbub.services.presence.presence import audience
from hubbub.services.presence.tracker import PresenceTracker
from hubbub.services.sync.reconciler import Reconciler

log = logging.getLogger(__name__)

# Beyond the ping interval. The client of a socket that sent nothing for so long has disconnected.
SILENCE_MARGIN_S = 5.0
READY_TIMEOUT_S = 10.0  # from the acceptance of a socket to its `ready`


class ChatNamespace:
    """The namespace /chat of the Socket.IO server: its components and its sockets."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._settings = container.settings
        self.connections = Connections()  # the sockets
        self.delivery = Delivery(
            container.bus,
            container.membership_cache,
            container.epoch_watch,
            container.typing_tracker,
            chat.NAMESPACE,
        )
        self.presence_tracker = PresenceTracker(container)  # publishes who is online
        self.token_expiry = TokenExpiry(self.connections)  # closes sockets at the expiry of their token
        self._connect_requests: dict[str, ConnectRequest] = {}  # of accepted sockets before `ready`, by sid
        events = Events(chat.events)
        events.add("auth:refresh", wire.RefreshAuth, self._refresh_auth)
        self._dispatcher = Dispatcher(events, container.settings.max_event_bytes)  # runs events
        self._signal_handler = SignalHandler(self.connections, self.delivery)  # applies signals to sockets
        container.typing_tracker.emit = self._signal_handler.emit_typing
        self.reconciler = Reconciler(container.membership_cache, self._on_signal, self._signal_handler.expel)
        # Subscribes new sockets to rooms.
        self._subscriber = Subscriber(container, self.delivery, self.reconciler)
        container.bus.add_handler(self._on_signal)
        metrics.gauge("connections", lambda: len(self.connections))

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

    # Connects.

    queues_connects = True

    def check(self, handshake_info: engine.HandshakeInfo, auth: object) -> ConnectRequest:
        """Verify the token of a CONNECT, in memory. Raises Unauthenticated, TokenExpired."""
        return connect_request.verify(self._container.token_issuer, handshake_info, auth)

    async def on_connect(self, sid: str, client: NamespaceClient, request: object) -> None:
        """Accept a client whose session is valid and whose user may have one more socket.

        Raises SessionRevoked, Suspended, Unauthenticated, TokenExpired, TooManyConnections, and Unavailable
        for a temporary cause.
        """
        verified_request = cast("ConnectRequest", request)
        if verified_request.was_queued and verified_request.claims.expires_at <= clock.now():
            raise TokenExpired
        started_at = clock.monotonic()
        cached = await self._cached_session(verified_request)
        auth_session = cached or await sessions.authenticate_claims(self._container, verified_request.claims)
        if self._container.draining:
            raise Unavailable
        self._enforce_socket_limit(auth_session.user.id)
        handshake_info = client.handshake_info
        ip_address = client_ip.resolve(
            handshake_info.remote_ip, handshake_info.forwarded_for, self._settings.trusted_proxies
        )
        ip_key = rate_limit_key(ip_address)
        ctx = Context(
            self._container,
            auth_session.user.id,
            auth_session.session_id,
            auth_session.role,
            request_info=RequestInfo(ip_key, client.handshake_info.user_agent, sid),
            socket_id=sid,
        )
        connection = Connection(
            client, auth_session, ctx, self._settings.max_output_bytes, self._settings.limit_events
        )
        connection.accepted_from_cache = cached is not None
        self._connect_requests[sid] = verified_request
        self.connections.add(connection)
        self._container.bus.subscribe_user(auth_session.user.id)
        if self.connections.ended_since(started_at, auth_session.session_id, auth_session.user.id):
            self.on_disconnected(sid)
            raise SessionRevoked

    async def _cached_session(self, request: ConnectRequest) -> AuthenticatedSession | None:
        """Return the session from the cache, if all signals about the user before this call were received."""
        membership_cache, user_id = self._container.membership_cache, request.claims.user_id
        if membership_cache.get(user_id) is None or not membership_cache.up_to_date:
            return None
        return (
            sessions.authenticate_cached(self._container, request.claims)
            if await self._container.bus.is_current(user_id)
            else None
        )

    def _enforce_socket_limit(self, user_id: UUID) -> None:
        """Close the silent sockets of a user with too many sockets. Raises TooManyConnections."""
        max_sockets, connections = self._settings.sockets_per_user, self.connections
        if connections.count_of_user(user_id) < max_sockets:
            return
        active_since = clock.monotonic() - self._settings.ping_interval_ms / 1000 - SILENCE_MARGIN_S
        for connection in connections.of_user(user_id):
            if connection.client.eio_session.received_at < active_since:
                metrics.count("silent_sockets")
                connection.client.expire()
        if connections.count_of_user(user_id) >= max_sockets:
            raise TooManyConnections

    async def on_connected(self, sid: str) -> None:
        """Subscribe an accepted client to its rooms and send `ready`."""
        connection = self.connections.by_sid.get(sid)
        request = self._connect_requests.pop(sid, None)
        if connection is None or request is None:
            return
        if connection.closed:  # its session ended after `on_connect`, when nothing could be closed
            connection.client.end_namespace()
            return
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                await self._send_ready(connection, request)
        except HubbubError as error:
            connection.close(CloseCode.OVERLOADED, error.message, _retry_after_ms())
        except TimeoutError:
            connection.close(CloseCode.OVERLOADED, "The connect took too long. Reconnect.", _retry_after_ms())
        except Exception:
            log.exception("sending `ready` failed")
            connection.close(
                CloseCode.OVERLOADED, "An internal error occurred. Reconnect.", _retry_after_ms()
            )

    async def _send_ready(self, connection: Connection, request: ConnectRequest) -> None:
        epoch = self._container.epoch_watch.epoch
        cached_user = self._container.membership_cache.add_socket(connection.auth_session)
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
        connection_log.log_connected(connection)
        self.token_expiry.watch(connection)
        if connection.sid in self.connections.by_sid:
            self.presence_tracker.user_connected(connection.user.id)

    # Events.

    @property
    def max_event_bytes(self) -> int:
        """The limit for events. Larger ones are rejected without decoding."""
        return self._settings.max_event_bytes

    def on_event(self, sid: str, event: ClientEvent) -> None:
        """Hand an event to the dispatcher, unless the socket is closed."""
        connection = self.connections.by_sid.get(sid)
        if connection is not None and not connection.closed:
            self._dispatcher.receive(connection, event)

    async def _refresh_auth(self, ctx: Context, command: wire.RefreshAuth) -> wire.Expiry:
        """Accept a new access token of the same user and session. Return its expiry. Raises Forbidden."""
        connect_request.require_no_api_key(command.token)
        auth_session = await sessions.authenticate(self._container, command.token)
        if auth_session.user.id != ctx.user_id or auth_session.session_id != ctx.session_id:
            raise Forbidden("The token belongs to another session.")
        connection = self.connections.by_sid.get(ctx.socket_id or "")
        if connection is None:
            return wire.Expiry(expires_at=clock.rfc3339(auth_session.expires_at))
        self.token_expiry.renew(connection, auth_session.expires_at)
        return wire.Expiry(expires_at=clock.rfc3339(connection.expires_at))

    # Ends of sockets.

    def on_protocol_error(self, sid: str) -> None:
        """Send `closing` to a socket whose client violated the protocol."""
        if (connection := self.connections.by_sid.get(sid)) is not None:
            connection.close(CloseCode.PROTOCOL_ERROR, "The packet is not valid.")

    def on_flooding(self, sid: str) -> None:
        """Close a socket that exceeded its packet or byte limit for too long."""
        if (connection := self.connections.by_sid.get(sid)) is not None:
            connection.close(CloseCode.FLOODING, "Too many packets or bytes for too long.")

    def on_disconnected(self, sid: str) -> None:
        """Remove a socket, and its user from the membership cache with the last one."""
        self._connect_requests.pop(sid, None)
        connection = self.connections.remove(sid)
        if connection is None:
            return
        connection.closed = True
        if connection.connected_at:
            connection_log.log_disconnected(connection)
        self._container.bus.unsubscribe_user(connection.user.id)
        self._subscriber.unsubscribe(connection)
        if not connection.in_membership_cache:
            return
        user_id, membership_cache = connection.user.id, self._container.membership_cache
        rooms = audience(membership_cache, user_id)
        membership_cache.remove_socket(user_id, connection.session_id)
        if not membership_cache.is_connected(user_id):
            self.presence_tracker.user_disconnected(user_id, rooms)


def _retry_after_ms() -> int:
    """Return the delay of a reconnect in milliseconds, random so that clients spread."""
    return random.randint(1000, 3000)  # noqa: S311 - jitter, not a secret
