"""The only module that touches the insides of python-socketio 5.18; links.py has its manager.

What is overridden, and why; tests/realtime/test_stock.py fails when a new version changes it:

- the Engine.IO server, at `_engineio_server_class` (docs/decisions/0006-transport.md);
- the handling of messages: the stock server runs the `connect` and `disconnect` handlers for a client's
  ordinary events of those names, starts a task per event, so that events of one client overtake each other,
  runs a `connect` handler that raises TypeError twice, lets a client connect to a namespace twice, logs a
  traceback for each malformed packet and keeps the connection;
- the manager: the stock one delivers to clients that are not let in yet, makes a task per recipient, and
  walks through all rooms at each disconnect.
"""

import asyncio
import logging
from functools import partial
from typing import Any, Protocol

import socketio
from socketio import packet as sio_packet

from hubbub.core import metrics, tasks
from hubbub.core.errors import HubbubError, Internal
from hubbub.realtime import frames, packets
from hubbub.realtime.engine import Engine, Frame, Malformed, Session
from hubbub.realtime.engine.origin import environ
from hubbub.realtime.handlers import Handlers, Refused
from hubbub.realtime.links import ENDED, OPEN, PENDING, Link, Links
from hubbub.schemas import errors

log = logging.getLogger(__name__)

CONNECT_SECONDS = 15.0  # for a connect handler
JOIN_SECONDS = 10.0  # for a client to send its CONNECT
PARTS_SECONDS = 10.0  # for the binary parts of a packet to come
WELCOME_SECONDS = 0.002  # between a CONNECT and what the connect handler had to say
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
        connect_timeout: float = JOIN_SECONDS,
        accept_timeout: float = CONNECT_SECONDS,
        **options: Any,
    ) -> None:
        super().__init__(async_mode="aiohttp", client_manager=Links(), **options)
        self.edges = edges or {}
        self._connect_timeout = connect_timeout
        self._accept_timeout = accept_timeout
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
                self._relax(session)
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
        self._limit(session, PARTS_SECONDS, "attachments missing")
        return None

    def _relax(self, session: Session) -> None:
        """Nothing is overdue of a client that is somewhere; of another one, its CONNECT is."""
        if session.limit is not None:
            session.limit.cancel()
            session.limit = None
        if not any(link.state is OPEN for link in session.links.values()):
            self._limit(session, self._connect_timeout, "no CONNECT in time")

    def _receive(self, session: Session, packet: packets.Packet) -> None:
        kind = packet.kind
        if kind == packets.CONNECT:
            self._connect(session, packet.namespace, packet.data)
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
            self._relax(session)
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

    def _edge(self, namespace: str) -> Edge | None:
        edge = self.edges.get(namespace)
        if edge is not None:
            return edge
        known = namespace in self.handlers or namespace in self.namespace_handlers
        if not known and (self.namespaces == "*" or "*" in self.handlers or "*" in self.namespace_handlers):
            known = self.namespaces == "*" or namespace in self.namespaces
        if not known:
            return None
        return self._by_handlers.setdefault(namespace, Handlers(self, namespace))

    def _connect(self, session: Session, namespace: str, auth: Any) -> None:
        if namespace in session.links:
            raise Malformed("connected already")
        edge = self._edge(namespace)
        if edge is None:
            session.send(frames.connect_error(namespace, {"message": "Invalid namespace"}))
            return
        if isinstance(edge, Handlers) and not isinstance(auth, dict | list | None):
            raise Malformed("not a CONNECT")  # other edges say themselves what they want
        link = Link(self, session, self.eio.generate_id(), namespace, edge)
        session.links[namespace] = link
        self.manager.add(link)
        tasks.spawn(self._accept(link, auth), name="connect of a client")

    async def _accept(self, link: Link, auth: Any) -> None:
        refusal: Any = None
        try:
            async with asyncio.timeout(self._accept_timeout):
                await link.edge.accept(link.sid, link, auth)
        except Refused as refused:
            refusal = refused.said
        except HubbubError as error:
            refusal = _shown(error)
        except TimeoutError:
            refusal = _shown(HubbubError("That took too long."))
        except Exception:
            log.exception("a connect handler failed")
            refusal = _shown(Internal())
        if link.state is ENDED:  # gone meanwhile
            link.edge.closed(link.sid)
        elif refusal is not None:
            link.session.send(frames.connect_error(link.namespace, refusal))
            self._forget(link)
            self._relax(link.session)
        else:
            held = link.let_in(frames.connect(link.namespace, link.sid))
            self._relax(link.session)
            if held:
                # A client that awaits one message after the other loses the second of two in one read.
                await asyncio.sleep(WELCOME_SECONDS)
                link.release()
            await link.edge.opened(link.sid)
            link.catch_up()

    def _forget(self, link: Link) -> None:
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
        self._forget(link)
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
        ignore_queue: bool = False,  # noqa: ARG002, FBT001, FBT002 - python-socketio's signature
    ) -> None:
        """Disconnect a client from a namespace."""
        link = self.manager.get(sid, namespace or "/")
        if link is not None and link.state is OPEN:
            self.end(link)

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        session = self.eio.sockets.get(eio_sid)
        if session is not None:
            session.send(self.manager.encoded(pkt.namespace, pkt.data, pkt.id, pkt.packet_type))

    def answered(self, link: Link, ack_id: int, answer: Any) -> None:
        """The ack of a handler's answer: a tuple is several arguments, None is none."""
        data = list(answer) if isinstance(answer, tuple) else [] if answer is None else [answer]
        frame: Frame = self.manager.encoded(link.namespace, data, ack_id, sio_packet.ACK)
        link.send(frame)


def _shown(error: HubbubError) -> dict[str, Any]:
    metrics.count("refused_sockets", error.code)
    return {"message": error.message, "data": errors.show(error)}
