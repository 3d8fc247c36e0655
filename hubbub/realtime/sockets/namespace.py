"""What the namespaces share: accepting a socket, its `ready`, its events, and its ends."""

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast
from uuid import UUID

from hubbub.core import clock, metrics
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
from hubbub.realtime.socketio import connect_request
from hubbub.realtime.socketio.connect_request import ConnectRequest
from hubbub.realtime.socketio.namespace import NamespaceClient
from hubbub.realtime.socketio.packets import ClientEvent
from hubbub.realtime.sockets import connection_log
from hubbub.realtime.sockets.connections import Connection, Connections, UserSockets
from hubbub.realtime.sockets.dispatch import Dispatcher, Events
from hubbub.realtime.sockets.token_expiry import TokenExpiry
from hubbub.schemas.sync import connection as wire
from hubbub.schemas.sync.connection import CloseCode
from hubbub.services.auth import sessions
from hubbub.services.context import Container, Context
from hubbub.services.instance.session_cache import AuthenticatedSession

if TYPE_CHECKING:
    from hubbub.schemas.events import Closing

log = logging.getLogger(__name__)

# Beyond the ping interval. The client of a socket that sent nothing for so long has disconnected.
SILENCE_MARGIN_S = 5.0
READY_TIMEOUT_S = 10.0  # from the acceptance of a socket to its `ready`


class SocketNamespace(ABC):
    """A namespace of the Socket.IO server. A subclass adds its events, its `ready` and its signals."""

    def __init__(self, container: Container, table: Events, user_sockets: UserSockets) -> None:
        self._container = container
        self._settings = container.settings
        self._user_sockets = user_sockets  # the sockets of each user in all namespaces
        self.connections = Connections(user_sockets)  # the sockets
        self.token_expiry = TokenExpiry(self.connections)  # closes sockets at the expiry of their token
        self._connect_requests: dict[str, ConnectRequest] = {}  # of accepted sockets before `ready`, by sid
        events = Events(table)
        events.add("auth:refresh", wire.RefreshAuth, self._refresh_auth)
        self.max_event_bytes = container.settings.max_event_bytes  # larger events are not decoded
        self._activity = container.activity  # which users sent events
        self._dispatcher = Dispatcher(events, self.max_event_bytes)  # runs events

    # What a subclass adds.

    @abstractmethod
    async def _send_ready(self, connection: Connection, request: ConnectRequest) -> None:
        """Subscribe a socket and release its `ready`, then call `_on_ready`. Raises HubbubError."""

    @abstractmethod
    def _on_removed(self, connection: Connection) -> None:
        """Release what `_send_ready` subscribed. Called once for each socket, also without a `ready`."""

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
        verified_request.memberships = None  # of an earlier attempt
        self._container.bus.subscribe_user(verified_request.user_id)  # before anything is read
        try:
            cached = await self._cached_session(verified_request)
            auth_session = cached or await self._authenticate(verified_request)
            self._check_capacity(auth_session.user.id)
        except BaseException:
            self._container.bus.unsubscribe_user(verified_request.user_id)
            raise
        connection = self._open(sid, client, auth_session)
        connection.accepted_from_cache = cached is not None
        self._connect_requests[sid] = verified_request
        self.connections.add(connection)
        if self._user_sockets.ended_sessions.any_since(
            started_at, auth_session.session_id, auth_session.user.id
        ):
            self.on_disconnected(sid)
            raise SessionRevoked

    async def _authenticate(self, request: ConnectRequest) -> AuthenticatedSession:
        """Read the session of a connect. The signals about its user are subscribed to. Raises HubbubError."""
        return await sessions.authenticate_claims(self._container, request.claims)

    def _open(self, sid: str, client: NamespaceClient, auth_session: AuthenticatedSession) -> Connection:
        handshake_info = client.handshake_info
        ctx = Context(
            self._container,
            auth_session.user.id,
            auth_session.session_id,
            auth_session.role,
            request_info=RequestInfo(rate_limit_key(handshake_info.ip), handshake_info.user_agent, sid),
            socket_id=sid,
        )
        return Connection(
            client, auth_session, ctx, self._settings.max_output_bytes, self._settings.limit_events
        )

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

    def _check_capacity(self, user_id: UUID) -> None:
        """Raise Unavailable while the instance shuts down, TooManyConnections as `_enforce_socket_limit`."""
        if self._container.draining:
            raise Unavailable
        self._enforce_socket_limit(user_id)

    def _enforce_socket_limit(self, user_id: UUID) -> None:
        """Close the silent sockets of a user with too many sockets. Raises TooManyConnections."""
        max_sockets, user_sockets = self._settings.sockets_per_user, self._user_sockets
        if user_sockets.count_of_user(user_id) < max_sockets:
            return
        active_since = clock.monotonic() - self._settings.ping_interval_ms / 1000 - SILENCE_MARGIN_S
        for connection in user_sockets.of_user(user_id):
            if connection.client.eio_session.received_at < active_since:
                metrics.count("silent_sockets")
                connection.client.expire()
        if user_sockets.count_of_user(user_id) >= max_sockets:
            raise TooManyConnections

    async def on_connected(self, sid: str) -> None:
        """Subscribe an accepted client and send `ready`."""
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

    def _on_ready(self, connection: Connection) -> None:
        """Log a socket whose `ready` was released, and watch its token."""
        connection_log.log_connected(connection)
        self.token_expiry.watch(connection)

    # Events.

    def run_immediate(self, sid: str, ack_id: int | None, name: str, text: str, size: int) -> bool:
        """FAST PATH: run an event from memory, with its ack. Return False, without an effect, if it can't."""
        connection = self.connections.by_sid.get(sid)
        if connection is None or connection.closed:
            return False
        if not self._dispatcher.run_immediate(connection, ack_id, name, text, size):
            return False
        self._record_activity(connection)
        return True

    def _record_activity(self, connection: Connection) -> None:
        if connection.active_in != self._activity.interval:
            connection.active_in = self._activity.interval
            self._activity.users.add(connection.user.id)

    def on_event(self, sid: str, event: ClientEvent) -> None:
        """Hand an event to the dispatcher, unless the socket is closed."""
        connection = self.connections.by_sid.get(sid)
        if connection is not None and not connection.closed:
            self._record_activity(connection)
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

    def on_transport_closing(self, sid: str, closing: object) -> None:
        """Send `closing` to a socket whose transport another namespace of its client closes."""
        if (connection := self.connections.by_sid.get(sid)) is not None:
            connection.mark_closed(cast("Closing", closing))

    def on_disconnected(self, sid: str) -> None:
        """Remove a socket."""
        self._connect_requests.pop(sid, None)
        connection = self.connections.remove(sid)
        if connection is None:
            return
        connection.closed = True
        if connection.connected_at:
            connection_log.log_disconnected(connection)
        self._container.bus.unsubscribe_user(connection.user.id)
        self._on_removed(connection)


def _retry_after_ms() -> int:
    """Return the delay of a reconnect in milliseconds, random so that clients spread."""
    return random.randint(1000, 3000)  # noqa: S311 - jitter, not a secret
