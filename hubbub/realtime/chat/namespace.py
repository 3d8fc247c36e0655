"""The /chat namespace: letting sockets in, telling them where they stand, letting them go."""

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
from hubbub.realtime.socketio.manager import NamespaceClient
from hubbub.realtime.socketio.packets import ClientEvent
from hubbub.schemas.sync import connection as wire
from hubbub.services.auth import sessions
from hubbub.services.context import Container, Context
from hubbub.services.eventlog.epochs import Cause
from hubbub.services.instance.session_cache import AuthenticatedSession
from hubbub.services.presence.presence import audience
from hubbub.services.presence.tracker import PresenceTracker
from hubbub.services.sync.reconciler import Reconciler

log = logging.getLogger(__name__)

SILENT_S = 5.0  # beyond the ping interval: of a socket that sent nothing for so long, its client is gone
WELCOME_S = 10.0


class ChatNamespace:
    """One namespace's clients: an `Edge` of the Socket.IO server."""

    def __init__(self, parts: Container) -> None:
        self._parts = parts
        self._settings = parts.settings
        self.connections = Connections()
        self.delivery = Delivery(parts.bus, parts.residents, parts.epochs, parts.typists, chat.NAMESPACE)
        self.comings = PresenceTracker(parts)
        self.expiry = TokenExpiry(self.connections)
        self._requests: dict[str, ConnectRequest] = {}
        events = Events(chat.events)
        events.add("auth:refresh", wire.RefreshAuth, self._refresh)
        self._dispatcher = Dispatcher(events, parts.settings.max_event_bytes)
        self._hints = SignalHandler(self.connections, self.delivery)
        parts.typists.emit = self._hints.typing
        self.truth = Reconciler(parts.residents, self._hear, self._hints.expel)
        self._subscriber = Subscriber(parts, self.delivery, self.truth)
        parts.bus.listen(self._hear)
        metrics.gauge("connections", lambda: len(self.connections))

    def _hear(self, signal: Signal) -> None:
        """The residents first: what comes after them relies on what they know."""
        if isinstance(signal, EntriesAppended):  # nearly all
            self.delivery.hear(signal)
            return
        if isinstance(signal, Typing):
            self._parts.typists.on_signal(signal)
            return
        residents = self._parts.residents
        known = isinstance(signal, MemberJoined) and residents.knows(signal)
        residents.hear(signal)
        self._hints.hear(signal, known=known)
        if isinstance(signal, SignalsLost):
            self.truth.check_soon()

    def _discard(self, cause: Cause) -> None:
        epoch_change.discard(self._parts, self.connections, self.delivery, cause)

    async def start(self) -> None:
        """Begin the slow loops."""
        self.truth.start()
        self.delivery.start()
        self._parts.epochs.start(self.delivery.delivered, self._discard)
        self.expiry.start()
        await self.comings.start()

    async def close(self) -> None:
        """Stop the slow loops; sockets were drained before."""
        await self.expiry.close()
        await self._parts.epochs.close()
        await self.truth.close()
        await self.delivery.close()
        with suppress(Unavailable):  # who is gone is known to be gone all the same, a little later
            await self.comings.close()

    # A socket comes.

    queued = True

    def check(self, origin: engine.HandshakeInfo, auth: object) -> ConnectRequest:
        """Verify the token of a CONNECT, in memory. Raises Unauthenticated, TokenExpired."""
        return connect_request.read(self._parts.tokens, origin, auth)

    async def accept(self, sid: str, link: NamespaceClient, request: object) -> None:
        """Accept a client whose session lives and whose user may have one more socket.

        Raises SessionRevoked, Suspended, Unauthenticated, TokenExpired, TooManyConnections; Unavailable
        where the cause is temporary.
        """
        asked = cast("ConnectRequest", request)
        if asked.waited and asked.claims.expires_at <= clock.now():
            raise TokenExpired
        began = clock.monotonic()
        remembered = await self._remembered(asked)
        admitted = remembered or await sessions.look_up(self._parts, asked.claims)
        if self._parts.draining:
            raise Unavailable
        self._make_room(admitted.user.id)
        origin = link.origin
        client = client_ip.resolve(origin.remote, origin.forwarded, self._settings.trusted_proxies)
        address = rate_limit_key(client)
        ctx = Context(
            self._parts,
            admitted.user.id,
            admitted.session_id,
            admitted.role,
            origin=RequestInfo(address, link.origin.agent, sid),
            socket_id=sid,
        )
        connection = Connection(
            link, admitted, ctx, self._settings.max_output_bytes, self._settings.limit_events
        )
        connection.current = remembered is not None
        self._requests[sid] = asked
        self.connections.add(connection)
        self._parts.bus.follow_user(admitted.user.id)
        if self.connections.ended_since(began, admitted.session_id, admitted.user.id):
            self.closed(sid)
            raise SessionRevoked

    async def _remembered(self, asked: ConnectRequest) -> AuthenticatedSession | None:
        """The client's session, if memory holds all that was published about the user before this call."""
        residents, user_id = self._parts.residents, asked.claims.user_id
        if residents.get(user_id) is None or not residents.certain:
            return None
        return (
            sessions.authenticate_cached(self._parts, asked.claims)
            if await self._parts.bus.current(user_id)
            else None
        )

    def _make_room(self, user_id: UUID) -> None:
        """Close those sockets of a user with too many whose clients are gone. Raises TooManyConnections."""
        most, connections = self._settings.sockets_per_user, self.connections
        if connections.count_of(user_id) < most:
            return
        heard_since = clock.monotonic() - self._settings.ping_interval_ms / 1000 - SILENT_S
        for connection in connections.of_user(user_id):
            if connection.link.session.received_at < heard_since:
                metrics.count("silent_sockets")
                connection.link.expire()
        if connections.count_of(user_id) >= most:
            raise TooManyConnections

    async def opened(self, sid: str) -> None:
        """The client knows that it is in: subscribe it, then tell it where it stands."""
        connection = self.connections.by_sid.get(sid)
        request = self._requests.pop(sid, None)
        if connection is None or request is None:
            return
        if connection.gone:  # its session ended between its acceptance and now, when there was nothing to end
            connection.link.end_namespace()
            return
        try:
            async with asyncio.timeout(WELCOME_S):
                await self._welcome(connection, request)
        except HubbubError as error:
            connection.close("overloaded", error.message, _soon())
        except TimeoutError:
            connection.close("overloaded", "That took too long. Connect again.", _soon())
        except Exception:
            log.exception("a socket could not be welcomed")
            connection.close("overloaded", "Something went wrong. Connect again.", _soon())

    async def _welcome(self, connection: Connection, request: ConnectRequest) -> None:
        epoch = self._parts.epochs.value
        resident = self._parts.residents.enter(connection.admitted)
        connection.entered = True
        cursors = request.cursors if request.epoch == epoch else None
        welcome = await self._subscriber.subscribe(connection, resident, cursors, epoch)
        if welcome is None:
            return
        ready = wire.Ready(
            user=connection.user,
            session_id=connection.session_id,
            server_time=clock.rfc3339(clock.now()),
            epoch=epoch,
            rooms=welcome.rooms,
            rooms_complete=welcome.complete,
        )
        connection.release(frames.event_of(chat.NAMESPACE, "ready", ready))
        for room_id in welcome.gone:
            connection.emit("room:gone", {"room_id": room_id})
        connection_log.connected(connection)
        self.expiry.watch(connection)
        if connection.sid in self.connections.by_sid:
            self.comings.arrived(connection.user.id)

    # A socket asks.

    @property
    def max_event_bytes(self) -> int:
        """Larger events are refused by their head."""
        return self._settings.max_event_bytes

    def event(self, sid: str, event: ClientEvent) -> None:
        """Hand an event to the dispatcher, if the socket may still speak."""
        connection = self.connections.by_sid.get(sid)
        if connection is not None and not connection.gone:
            self._dispatcher.receive(connection, event)

    async def _refresh(self, ctx: Context, command: wire.RefreshAuth) -> wire.Expiry:
        """A new access token of the same user and session."""
        admitted = await sessions.authenticate(self._parts, command.token)
        if admitted.user.id != ctx.user_id or admitted.session_id != ctx.session_id:
            raise Forbidden("That token belongs to another session.")
        connection = self.connections.by_sid.get(ctx.socket_id or "")
        if connection is None:
            return wire.Expiry(expires_at=clock.rfc3339(admitted.expires_at))
        self.expiry.renewed(connection, admitted.expires_at)
        return wire.Expiry(expires_at=clock.rfc3339(connection.expires_at))

    # A socket goes.

    def protocol_error(self, sid: str) -> None:
        """It sent what is no Socket.IO packet."""
        if (connection := self.connections.by_sid.get(sid)) is not None:
            connection.close("protocol_error", "That was not a valid packet.")

    def flooding(self, sid: str) -> None:
        """Close a socket that exceeded its packet or byte limit for too long."""
        if (connection := self.connections.by_sid.get(sid)) is not None:
            connection.close("flooding", "Too many packets or bytes for too long.")

    def closed(self, sid: str) -> None:
        """Forget a socket, and its user with the last one."""
        self._requests.pop(sid, None)
        connection = self.connections.remove(sid)
        if connection is None:
            return
        connection.gone = True
        if connection.connected_at:
            connection_log.disconnected(connection)
        self._parts.bus.unfollow_user(connection.user.id)
        self._subscriber.unsubscribe(connection)
        if not connection.entered:
            return
        user_id, residents = connection.user.id, self._parts.residents
        rooms = audience(residents, user_id)
        residents.leave(user_id, connection.session_id)
        if not residents.present(user_id):
            self.comings.left(user_id, rooms)


def _soon() -> int:
    """When to come again, in milliseconds: not all at once."""
    return random.randint(1000, 3000)  # noqa: S311 - jitter, not a secret
