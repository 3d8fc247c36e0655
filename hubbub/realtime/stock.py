"""The only module that touches the insides of python-socketio 5.18; links.py has its manager.

What is overridden, and why; tests/realtime/test_stock.py fails when a new version changes it:

- the Engine.IO server, at `_engineio_server_class` (docs/decisions/0006-transport.md);
- the handling of messages: the stock server runs the `connect` and `disconnect` handlers for a client's
  ordinary events of those names, starts a task per event, so that events of one client overtake each other,
  runs a `connect` handler that raises TypeError twice, lets a client connect to a namespace twice, logs a
  traceback for each malformed packet and keeps the connection;
- `call`: the stock one keeps the callback of an answer that never comes;
- the manager: the stock one delivers to clients that are not let in yet, makes a task per recipient, and
  walks through all rooms at each disconnect.
"""

import asyncio
from functools import partial
from typing import Any, Protocol

import socketio
from socketio import packet as sio_packet
from socketio.exceptions import TimeoutError as SocketTimeout

from hubbub.realtime import frames, packets
from hubbub.realtime.engine import Engine, Frame, Malformed, Session
from hubbub.realtime.engine.origin import environ
from hubbub.realtime.entrance import Entrance
from hubbub.realtime.handlers import Handlers
from hubbub.realtime.links import ENDED, OPEN, PENDING, Link, Links

CONNECT_SECONDS = 15.0  # for a connect handler
JOIN_SECONDS = 10.0  # for a client to send its CONNECT
PARTS_SECONDS = 10.0  # for the binary parts of a packet to come
LEAVE_SECONDS = 2.0  # for a client to close by itself after a DISCONNECT


class Edge(Protocol):
    """One namespace, as the server below hands it its clients."""

    async def accept(self, sid: str, link: Link, auth: object) -> None:
        """Let a client in, or raise HubbubError or Refused."""

    async def opened(self, sid: str) -> None:
        """The client was told that it is in."""

    def event(self, sid: str, ack_id: int | None, arguments: list[Any], size: int) -> None:
        """An event of an admitted client, in the order it came. Must not block."""

    def closed(self, sid: str) -> None:
        """The client is gone."""


class Server(socketio.AsyncServer):
    """A Socket.IO server that hands its clients to edges, in order, and lets nobody pose as it.

    Namespaces without an edge work by handlers, as python-socketio's documentation has it.
    """

    def __init__(
        self,
        edges: dict[str, Edge] | None = None,
        *,
        links: Links | None = None,
        connect_timeout: float = JOIN_SECONDS,
        accept_timeout: float = CONNECT_SECONDS,
        **options: Any,
    ) -> None:
        super().__init__(async_mode="aiohttp", client_manager=links or Links(), **options)
        self.edges = edges or {}
        self._connect_timeout = connect_timeout
        self.entrance = Entrance(self, accept_timeout)
        self.parts_timeout = PARTS_SECONDS
        self._by_handlers: dict[str, Handlers] = {}
        self.eio.receiver = self

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    # What the transport tells: `Receiver`.

    def opened(self, session: Session, request: Any) -> None:
        """A client came; it has some seconds to ask for a namespace."""
        if self.handlers or self.namespace_handlers:
            self.environ[session.sid] = environ(request)
        self._limit(session, self._connect_timeout, "no CONNECT in time")

    def _limit(self, session: Session, seconds: float, why: str) -> None:
        if session.limit is not None:
            session.limit.cancel()
        session.limit = self.eio.timers.after(seconds, partial(self._expire, session, why))

    def _expire(self, session: Session, why: str) -> None:
        session.limit = None
        if session.partial is None and any(link.state is PENDING for link in session.links.values()):
            return  # a connect handler has a limit of its own
        if session.partial is not None:
            self._tell(session)
        session.malformed(why)

    def message(self, session: Session, data: str | bytes) -> None:
        """One packet, or a part of one. Raises Malformed."""
        try:
            packet = self._whole(session, data)
            if packet is not None:
                self._receive(session, packet)
        except Malformed:
            self._tell(session)
            raise

    def _whole(self, session: Session, data: str | bytes) -> packets.Packet | None:
        partial_packet: packets.Partial | None = session.partial
        if isinstance(data, bytes):
            if partial_packet is None:
                raise Malformed("attachment of nothing")
            packet = partial_packet.add(data, self.eio.max_payload)
            if packet is not None:
                session.partial = None
                self.relax(session)
            return packet
        if partial_packet is not None:
            raise Malformed("attachment missing")
        packet = packets.parse(data)
        if packet.kind < packets.BINARY_EVENT:
            return packet
        if packet.namespace not in session.links:
            raise Malformed("not connected")
        waiting = packets.Partial(packet)
        if not packet.attachments:
            return waiting.whole()
        session.partial = waiting
        self._limit(session, self.parts_timeout, "attachments missing")
        return None

    def relax(self, session: Session) -> None:
        """Nothing is overdue of a client that is somewhere; of another one, its CONNECT is."""
        if session.limit is not None:
            session.limit.cancel()
            session.limit = None
        if not any(link.state is OPEN for link in session.links.values()):
            self._limit(session, self._connect_timeout, "no CONNECT in time")

    def _receive(self, session: Session, packet: packets.Packet) -> None:
        kind = packet.kind
        if kind == packets.CONNECT:
            self.entrance.knock(session, packet.namespace, packet.data)
            return
        link: Link | None = session.links.get(packet.namespace)
        if link is None:
            if kind == packets.DISCONNECT:
                return
            raise Malformed("not connected")
        if kind in {packets.EVENT, packets.BINARY_EVENT}:
            link.take(packet.id, packet.data, packet.size)
        elif kind == packets.DISCONNECT:
            self.leave(link, self.reason.CLIENT_DISCONNECT)
            self.relax(session)
        elif packet.id is not None:
            self.manager.acked(link, packet.id, packet.data)

    def closed(self, session: Session, reason: str) -> None:
        """A client is gone, from all its namespaces."""
        session.partial = None
        for link in list(session.links.values()):
            self.leave(link, reason)
        self.environ.pop(session.sid, None)

    def _tell(self, session: Session) -> None:
        """What the client sent ends its connection; an edge may have a last word."""
        for link in list(session.links.values()):
            protocol_error = getattr(link.edge, "protocol_error", None)
            if link.state is OPEN and protocol_error is not None:
                protocol_error(link.sid)

    # Clients come and go.

    def edge_of(self, namespace: str) -> Edge | None:
        """Whose the namespace is; None if it is unknown."""
        edge = self.edges.get(namespace)
        if edge is not None:
            return edge
        known = namespace in self.handlers or namespace in self.namespace_handlers
        if not known and (self.namespaces == "*" or "*" in self.handlers or "*" in self.namespace_handlers):
            known = self.namespaces == "*" or namespace in self.namespaces
        if not known:
            return None
        return self._by_handlers.setdefault(namespace, Handlers(self, namespace))

    def forget(self, link: Link) -> None:
        """The client is no longer in the namespace, or was never let in."""
        link.ended()
        if link.inbox is not None and len(link.inbox) >= 1:
            link.catch_up()
        link.session.links.pop(link.namespace, None)
        self.manager.remove(link)

    def leave(self, link: Link, reason: str) -> None:
        """The client is no longer in the namespace. Again is no error."""
        if link.state is ENDED:
            return
        was_open = link.state is OPEN
        leaving = getattr(link.edge, "leaving", None)
        if was_open and leaving is not None:
            leaving(link, reason)
        self.forget(link)
        if was_open:
            link.edge.closed(link.sid)

    def end(self, link: Link) -> None:
        """The namespace is over for this client; its transport too, unless another namespace uses it."""
        if link.state is ENDED:
            return
        session = link.session
        link.release()
        session.send(frames.disconnect(link.namespace))
        self.leave(link, self.reason.SERVER_DISCONNECT)
        if not session.links and not session.closed:
            # A stock client closes by itself when it reads the DISCONNECT; the others get 2 s.
            if session.limit is not None:
                session.limit.cancel()
            session.limit = self.eio.timers.after(LEAVE_SECONDS, session.close)

    # python-socketio's own interface, where it leans on its insides.

    async def disconnect(
        self,
        sid: str,
        namespace: str | None = None,
        ignore_queue: bool = False,  # noqa: FBT001, FBT002 - python-socketio's signature
    ) -> None:
        """Disconnect a client from a namespace."""
        link = self.manager.get(sid, namespace or "/")
        if link is None and not ignore_queue:
            await self.manager.disconnect(sid, namespace or "/")  # of another instance, perhaps
        elif link is not None and link.state is OPEN:
            self.end(link)

    async def call(  # noqa: PLR0913 - python-socketio's signature
        self,
        event: str,
        data: Any = None,
        to: str | None = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float = 60,
        ignore_queue: bool = False,  # noqa: FBT001, FBT002 - likewise
    ) -> Any:
        """Emit to one client and await its ack. Raises socketio.exceptions.TimeoutError."""
        client = to or sid
        if client is None:
            raise ValueError("Cannot use call() to broadcast.")
        answer: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

        def answered(*arguments: Any) -> None:
            if not answer.done():
                answer.set_result(arguments)

        try:
            async with asyncio.timeout(timeout):
                await self.emit(
                    event, data, to=client, namespace=namespace, callback=answered, ignore_queue=ignore_queue
                )
                given = await answer
        except TimeoutError:
            raise SocketTimeout from None
        finally:
            self.manager.forget_callback(client, namespace or "/", answered)
        return given if len(given) > 1 else given[0] if given else None

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        session = self.eio.sockets.get(eio_sid)
        if session is not None:
            session.send(self.manager.encoded(pkt.namespace, pkt.data, pkt.id, pkt.packet_type))

    def answered(self, link: Link, ack_id: int, answer: Any) -> None:
        """The ack of a handler's answer: a tuple is several arguments, None is none."""
        data = list(answer) if isinstance(answer, tuple) else [] if answer is None else [answer]
        frame: Frame = self.manager.encoded(link.namespace, data, ack_id, sio_packet.ACK)
        link.send(frame)
