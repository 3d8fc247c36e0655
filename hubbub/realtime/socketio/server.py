"""The only module that touches the insides of python-socketio 5.18; links.py has its manager.

What is overridden, and why; tests/realtime/socketio/test_server.py fails when a new version changes it:

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
from typing import Any, Protocol

import socketio
from socketio import packet as sio_packet
from socketio.exceptions import TimeoutError as SocketTimeout

from hubbub.realtime.engine import Engine, Frame, HandshakeInfo, Session
from hubbub.realtime.engine.handshake_info import environ
from hubbub.realtime.socketio import frames, packets
from hubbub.realtime.socketio.connect import LEAVE_SECONDS, ConnectHandler
from hubbub.realtime.socketio.connect_queue import AdmissionLimits
from hubbub.realtime.socketio.handler_namespace import HandlerNamespace
from hubbub.realtime.socketio.manager import ENDED, OPEN, PENDING, ClientManager, NamespaceClient
from hubbub.realtime.socketio.reader import PacketReader

CONNECT_SECONDS = 10.0  # for a connect handler
JOIN_SECONDS = 10.0  # for a client to send its CONNECT


class Namespace(Protocol):
    """One namespace, as the server below hands it its clients."""

    queued: bool  # whether CONNECTs wait while they exceed the admission limit, or a store is unavailable

    def check(self, origin: HandshakeInfo, auth: object) -> object:
        """Verify credentials in memory. Returns what `accept` gets, a ConnectRequest if `queued`.

        Raises HubbubError.
        """

    async def accept(self, sid: str, link: NamespaceClient, request: object) -> None:
        """Accept a client, or raise HubbubError or Refused. Unavailable: it waits, if `queued`."""

    async def opened(self, sid: str) -> None:
        """The client was told that it is in."""

    @property
    def max_event_bytes(self) -> int:
        """Of larger events the edge gets the head alone."""

    def event(self, sid: str, event: packets.ClientEvent) -> None:
        """Take an event of an accepted client, in the order it came. Must not block.

        The edge calls `remove` of the link's backlog when the event is answered.
        """

    def closed(self, sid: str) -> None:
        """The client is gone."""


class SocketIOServer(socketio.AsyncServer):
    """A Socket.IO server that hands its clients to edges, in order, and lets nobody pose as it.

    Namespaces without an edge work by handlers, as python-socketio's documentation has it.
    """

    def __init__(
        self,
        edges: dict[str, Namespace] | None = None,
        *,
        links: ClientManager | None = None,
        connect_timeout: float = JOIN_SECONDS,
        accept_timeout: float = CONNECT_SECONDS,
        admission: AdmissionLimits | None = None,
        **options: Any,
    ) -> None:
        super().__init__(async_mode="aiohttp", client_manager=links or ClientManager(), **options)
        self.edges = edges or {}
        self.entrance = ConnectHandler(self, connect_timeout, accept_timeout, admission)
        self.reader = PacketReader(self)
        self._by_handlers: dict[str, HandlerNamespace] = {}
        self.eio.receiver = self

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    # What the transport tells: `Receiver`.

    def opened(self, session: Session, request: Any) -> None:
        """A client came; it has some seconds to ask for a namespace."""
        if self.handlers or self.namespace_handlers:
            self.environ[session.sid] = environ(request)
        self.entrance.opened(session)

    def message(self, session: Session, data: str | bytes) -> None:
        """Handle one packet, or a part of one. Raises Malformed."""
        self.reader.read(session, data)

    def malformed(self, session: Session) -> None:
        """Let the edges emit a last event: the session is about to end for what its client sent."""
        self._last_event(session, "protocol_error")

    def flooding(self, session: Session) -> None:
        """End a session that exceeded its limit of packets or bytes for too long."""
        links = list(session.links.values())
        self._last_event(session, "flooding")
        if all(link.state is not ENDED for link in links):  # no edge disconnected the client
            session.refuse("flooding")

    def _last_event(self, session: Session, of: str) -> None:
        for link in list(session.links.values()):
            emit = getattr(link.edge, of, None)
            if link.state is OPEN and emit is not None:
                emit(link.sid)

    def closed(self, session: Session, reason: str) -> None:
        """A client is gone, from all its namespaces."""
        session.partial = None
        for link in list(session.links.values()):
            self.leave(link, reason)
        self.environ.pop(session.sid, None)

    def refuse(self, session: Session, why: str) -> None:
        """End a session for what it asked again and again: close code 1008."""
        self.malformed(session)
        session.refuse(why)

    def drain(self) -> None:
        """Refuse every handshake from now on, and close the transports of CONNECTs that wait."""
        self.eio.leaving = True
        if self.entrance.queue is not None:
            self.entrance.queue.drain()

    # Clients come and go.

    def edge_of(self, namespace: str) -> Namespace | None:
        """Whose the namespace is; None if it is unknown."""
        edge = self.edges.get(namespace)
        if edge is not None:
            return edge
        known = namespace in self.handlers or namespace in self.namespace_handlers
        if not known and (self.namespaces == "*" or "*" in self.handlers or "*" in self.namespace_handlers):
            known = self.namespaces == "*" or namespace in self.namespaces
        if not known:
            return None
        return self._by_handlers.setdefault(namespace, HandlerNamespace(self, namespace))

    def forget(self, link: NamespaceClient) -> None:
        """The client is no longer in the namespace, or was never let in."""
        if link.state is PENDING:
            self.entrance.leave(link)
        link.ended()
        link.session.links.pop(link.namespace, None)
        self.manager.remove(link)

    def leave(self, link: NamespaceClient, reason: str) -> None:
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

    def end(self, link: NamespaceClient) -> None:
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

    def answered(self, link: NamespaceClient, ack_id: int, answer: Any) -> None:
        """The ack of a handler's answer: a tuple is several arguments, None is none."""
        data = list(answer) if isinstance(answer, tuple) else [] if answer is None else [answer]
        frame: Frame = self.manager.encoded(link.namespace, data, ack_id, sio_packet.ACK)
        link.send(frame)
