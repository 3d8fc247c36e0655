"""The /chat namespace: letting sockets in, telling them where they stand, letting them go."""

import asyncio
import logging
import random
from collections import Counter
from contextlib import suppress
from typing import Any
from uuid import UUID

from hubbub.cluster.bus import Entries, Missed, Signal
from hubbub.core import addresses, clock, metrics
from hubbub.core.allowances import neighbourhood
from hubbub.core.errors import (
    Draining,
    Forbidden,
    HubbubError,
    InvalidPayload,
    SessionRevoked,
    TooManyConnections,
    Unauthenticated,
    Unavailable,
)
from hubbub.core.limits import Turnstile
from hubbub.core.origins import Origin
from hubbub.core.tokens import AN_API_KEY
from hubbub.realtime import chat, frames
from hubbub.realtime.connections import Connection, Connections
from hubbub.realtime.delivery import Delivery
from hubbub.realtime.dispatch import Dispatcher, Events
from hubbub.realtime.expiry import Expiry
from hubbub.realtime.hints import Hints
from hubbub.realtime.links import Link
from hubbub.schemas import session as wire
from hubbub.schemas.base import parse
from hubbub.services import residency, sessions
from hubbub.services.comings import Comings
from hubbub.services.context import Context, Parts
from hubbub.services.presences import audience
from hubbub.services.stays import Admitted
from hubbub.services.truth import Truth

log = logging.getLogger(__name__)

BUSY_RETRY_MS = 5000
WELCOME_S = 10.0
WELCOMES = 5  # tries, while memberships end


class ChatServer:
    """One namespace's clients: an `Edge` of the Socket.IO server."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._settings = parts.settings
        self.connections = Connections()
        self.delivery = Delivery(parts.bus, parts.residents, chat.NAMESPACE)
        self.comings = Comings(parts)
        self.expiry = Expiry(self.connections)
        self._turnstile = Turnstile(parts.settings.handshakes_per_s)
        self._addresses: Counter[str] = Counter()
        self._hellos: dict[str, wire.Hello] = {}
        events = Events(chat.events)
        events.add("auth:refresh", wire.RefreshAuth, self._refresh)
        self._dispatcher = Dispatcher(events, parts.settings.max_event_bytes)
        self._hints = Hints(self.connections, self.delivery)
        self.truth = Truth(parts.residents, self._hear, self._hints.expel)
        parts.bus.listen(self._hear)
        metrics.gauge("connections", lambda: len(self.connections))

    def _hear(self, signal: Signal) -> None:
        """The residents first: what comes after them relies on what they know."""
        if isinstance(signal, Entries):  # nearly all
            self.delivery.hear(signal)
            return
        self._parts.residents.hear(signal)
        self._hints.hear(signal)
        if isinstance(signal, Missed):
            self.truth.check_soon()

    async def start(self) -> None:
        """Begin the slow loops."""
        self.truth.start()
        self.delivery.start()
        self.expiry.start()
        await self.comings.start()

    async def close(self) -> None:
        """Stop the slow loops; sockets were drained before."""
        await self.expiry.close()
        await self.truth.close()
        await self.delivery.close()
        with suppress(Unavailable):  # who is gone is known to be gone all the same, a little later
            await self.comings.close()

    # A socket comes.

    async def accept(self, sid: str, link: Link, auth: object) -> None:
        """Check who it is and whether there is room. Raises HubbubError: a `connect_error`."""
        if self._parts.draining:
            raise Draining(retry_after_ms=_soon())
        if wait_ms := self._turnstile.take():
            raise TooManyConnections("Too many connect at once.", retry_after_ms=wait_ms)
        hello = _hello(auth)
        began = clock.monotonic()
        token = hello.token or _token(link)
        admitted = sessions.recall(self._parts, token) or await self._admit(token)
        if self.connections.count_of(admitted.user.id) >= self._settings.sockets_per_user:
            raise TooManyConnections(retry_after_ms=BUSY_RETRY_MS)
        origin = link.origin
        client = addresses.client(origin.remote, origin.forwarded, self._settings.trusted_proxies)
        address = neighbourhood(client)
        if self._addresses[address] >= self._settings.sockets_per_address:
            raise TooManyConnections(retry_after_ms=BUSY_RETRY_MS)
        ctx = Context(
            self._parts,
            admitted.user.id,
            admitted.session_id,
            admitted.role,
            origin=Origin(address, link.origin.agent, sid),
            socket_id=sid,
        )
        connection = Connection(
            link, admitted, ctx, self._settings.max_output_bytes, self._settings.limit_events
        )
        connection.address = address
        self._addresses[address] += 1
        self._hellos[sid] = hello
        self.connections.add(connection)
        self._parts.bus.follow_user(admitted.user.id)
        if self.connections.ended_since(began, admitted.session_id, admitted.user.id):
            self.closed(sid)
            raise SessionRevoked

    async def _admit(self, token: str) -> Admitted:
        try:
            return await sessions.admit(self._parts, token)
        except Unavailable as error:
            raise Unavailable(error.message, retry_after_ms=_soon()) from error

    async def opened(self, sid: str) -> None:
        """The client knows that it is in: subscribe it, then tell it where it stands."""
        connection = self.connections.by_sid.get(sid)
        hello = self._hellos.pop(sid, None)
        if connection is None or hello is None:
            return
        if connection.gone:  # its session ended between its acceptance and now, when there was nothing to end
            connection.link.end_namespace()
            return
        try:
            async with asyncio.timeout(WELCOME_S):
                await self._welcome(connection, hello)
        except HubbubError as error:
            connection.close("overloaded", error.message, _soon())
        except TimeoutError:
            connection.close("overloaded", "That took too long. Connect again.", _soon())
        except Exception:
            log.exception("a socket could not be welcomed")
            connection.close("overloaded", "Something went wrong. Connect again.", _soon())

    async def _welcome(self, connection: Connection, hello: wire.Hello) -> None:
        resident = self._parts.residents.enter(connection.admitted)
        connection.entered = True
        if not resident.loaded:  # what is read from now on is kept true by what is heard from now on
            await self._parts.bus.settled()
        await residency.load(self._parts, resident)
        if connection.gone:
            return
        back = self._back(connection, hello)
        for _ in range(WELCOMES):
            attached = set(resident.rooms)
            welcome = await self._subscribe(connection, attached, back)
            if attached <= resident.rooms.keys():
                break
            # A membership ended meanwhile: what was held back of that room belongs to nothing in `ready`.
            self._unsubscribe(connection)
        ready = wire.Ready(
            user=connection.user,
            session_id=connection.session_id,
            server_time=clock.rfc3339(clock.now()),
            epoch=self._parts.epoch,
            rooms=welcome.rooms,
            rooms_complete=welcome.complete,
        )
        connection.release(frames.event_of(chat.NAMESPACE, "ready", ready))
        for room_id in welcome.gone:
            connection.emit("room:gone", {"room_id": room_id})
        self.expiry.watch(connection)
        if connection.sid in self.connections.by_sid:
            self.comings.arrived(connection.user.id)

    async def _subscribe(
        self, connection: Connection, rooms: set[UUID], back: residency.Back | None
    ) -> residency.Welcome:
        """First subscribed, then read: what falls in between is told twice, and never not at all."""
        if unknown := self.delivery.attach(connection, rooms):
            await self._parts.bus.settled()
            async with self._parts.doors.turns:
                await self.delivery.begin(unknown)
        return await residency.welcome(connection.ctx, back, self.delivery.ends(rooms))

    def _unsubscribe(self, connection: Connection) -> None:
        connection.start_over()
        for room_id in list(connection.rooms):
            self.delivery.detach(connection, room_id)

    def _back(self, connection: Connection, hello: wire.Hello) -> residency.Back | None:
        """What the client has of this history, if it was here before."""
        if not hello.cursors or hello.epoch != self._parts.epoch:
            return None
        absence = self._parts.residents.came_back(connection.user.id, connection.session_id)
        return residency.Back(hello.cursors, absence) if absence is not None else None

    # A socket asks.

    def event(self, sid: str, ack_id: int | None, arguments: list[Any], size: int) -> None:
        """Hand an event to the dispatcher, if the socket may still speak."""
        connection = self.connections.by_sid.get(sid)
        if connection is not None and not connection.gone:
            self._dispatcher.receive(connection, ack_id, arguments, size)

    async def _refresh(self, ctx: Context, command: wire.RefreshAuth) -> wire.Expiry:
        """A new access token of the same user and session."""
        admitted = await sessions.admit(self._parts, command.token)
        if admitted.user.id != ctx.user_id or admitted.session_id != ctx.session_id:
            raise Forbidden("That token belongs to another session.")
        connection = self.connections.by_sid.get(ctx.socket_id or "")
        if connection is not None:
            connection.expires_at = admitted.expires_at
            self.expiry.watch(connection)
        return wire.Expiry(expires_at=clock.rfc3339(admitted.expires_at))

    # A socket goes.

    def protocol_error(self, sid: str) -> None:
        """It sent what is no Socket.IO packet."""
        if (connection := self.connections.by_sid.get(sid)) is not None:
            connection.close("protocol_error", "That was not a valid packet.")

    def closed(self, sid: str) -> None:
        """Forget a socket, and its user with the last one."""
        self._hellos.pop(sid, None)
        connection = self.connections.remove(sid)
        if connection is None:
            return
        connection.gone = True
        self._parts.bus.unfollow_user(connection.user.id)
        self._addresses[connection.address] -= 1
        if not self._addresses[connection.address]:
            del self._addresses[connection.address]
        self._unsubscribe(connection)
        if not connection.entered:
            return
        user_id, residents = connection.user.id, self._parts.residents
        rooms = audience(residents, user_id)
        residents.leave(user_id, connection.session_id)
        if not residents.present(user_id):
            self._parts.typists.gone(user_id)
            self.comings.left(user_id, rooms)


def _soon() -> int:
    """When to come again, in milliseconds: not all at once."""
    return random.randint(1000, 3000)  # noqa: S311 - jitter, not a secret


def _hello(auth: object) -> wire.Hello:
    if auth is None:
        return wire.Hello()
    try:
        return parse(wire.Hello, auth)
    except InvalidPayload as error:
        raise Unauthenticated(f"auth: {error.message}") from None


def _token(link: Link) -> str:
    header = link.origin.authorization
    if header[:7].lower() == "bearer ":
        return header[7:].strip()
    if not link.origin.token:
        raise Unauthenticated(AN_API_KEY if link.origin.api_key else None)
    return link.origin.token
