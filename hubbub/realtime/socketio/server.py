"""The Socket.IO server. It overrides internals of python-socketio 5.18; manager.py does for its manager.

These parts are overridden; tests/realtime/socketio/test_server.py fails when a new version changes them:

- The Engine.IO server, at `_engineio_server_class` (docs/decisions/0006-transport.md).
- The handling of messages. The stock server runs the `connect` and `disconnect` handlers for a client's
  ordinary events of those names, starts a task per event, so that events of one client overtake each other,
  runs a `connect` handler that raises TypeError twice, accepts a client in a namespace twice, logs a
  traceback for each malformed packet and keeps the connection.
- `call`. The stock one keeps the callback of an ack that is never received.
- The manager. The stock one delivers to clients that are not accepted yet, creates a task per recipient, and
  visits all rooms at each disconnect.
"""

import asyncio
from typing import Any

import socketio
from socketio import packet as sio_packet
from socketio.exceptions import TimeoutError as SocketTimeout

from hubbub.realtime.engine import Engine, Frame, Session
from hubbub.realtime.engine.handshake_info import wsgi_environ
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.connect import DISCONNECT_GRACE_S, ConnectHandler
from hubbub.realtime.socketio.connect_queue import AdmissionLimits
from hubbub.realtime.socketio.handler_namespace import HandlerNamespace
from hubbub.realtime.socketio.manager import ClientManager
from hubbub.realtime.socketio.namespace import ENDED, OPEN, PENDING, Namespace, NamespaceClient
from hubbub.realtime.socketio.reader import PacketReader

CONNECT_HANDLER_TIMEOUT_S = 10.0  # for a connect handler
CONNECT_TIMEOUT_S = 10.0  # for a client to send its CONNECT


class SocketIOServer(socketio.AsyncServer):
    """A Socket.IO server that hands the events of its clients to namespaces, in order.

    A client cannot trigger the handlers of reserved events. `native_namespaces` implement `Namespace`. All
    other namespaces work by registered handlers, as python-socketio documents them.
    """

    eio: Engine
    manager: ClientManager

    def __init__(
        self,
        native_namespaces: dict[str, Namespace] | None = None,
        *,
        client_manager: ClientManager | None = None,
        connect_timeout: float = CONNECT_TIMEOUT_S,
        handler_timeout: float = CONNECT_HANDLER_TIMEOUT_S,
        admission: AdmissionLimits | None = None,
        **options: Any,
    ) -> None:
        super().__init__(async_mode="aiohttp", client_manager=client_manager or ClientManager(), **options)
        self.native_namespaces = native_namespaces or {}  # by name
        # Accepts clients.
        self.connect_handler = ConnectHandler(self, connect_timeout, handler_timeout, admission)
        self.reader = PacketReader(self)  # reads packets
        # Namespaces of registered handlers, by name.
        self._handler_namespaces: dict[str, HandlerNamespace] = {}
        self.eio.session_handler = self

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    # The methods of `SessionHandler`.

    @property
    def needs_request(self) -> bool:
        """Whether functions or classes of python-socketio are registered. They get the request."""
        return bool(self.handlers or self.namespace_handlers)

    def on_opened(self, session: Session, request: Any) -> None:
        """Start the time limit for the CONNECT of a new session."""
        if self.needs_request:
            self.environ[session.sid] = wsgi_environ(request)
        self.connect_handler.start_connect_timer(session)

    def on_message(self, session: Session, data: str | bytes) -> None:
        """Handle a packet or one of its attachments. Raises ProtocolError."""
        self.reader.read(session, data)

    def on_protocol_error(self, session: Session) -> None:
        """Send closing events before a session ends for a violation of the protocol."""
        self._emit_closing_event(session, "on_protocol_error")

    def on_flooding(self, session: Session) -> None:
        """End a session that exceeded its limit of packets or bytes for too long."""
        clients = list(session.namespace_clients.values())
        self._emit_closing_event(session, "on_flooding")
        if all(client.state is not ENDED for client in clients):  # no namespace disconnected the client
            session.refuse("flooding")

    def _emit_closing_event(self, session: Session, callback_name: str) -> None:
        for client in list(session.namespace_clients.values()):
            callback = getattr(client.handler, callback_name, None)
            if client.state is OPEN and callback is not None:
                callback(client.sid)

    def on_closed(self, session: Session, reason: str) -> None:
        """Disconnect the client of an ended session from all its namespaces."""
        session.partial_packet = None
        for client in list(session.namespace_clients.values()):
            self.detach_client(client, reason)
        self.environ.pop(session.sid, None)

    def refuse(self, session: Session, reason: str) -> None:
        """End a session for repeated refused requests: closing events, then close code 1008."""
        self.on_protocol_error(session)
        session.refuse(reason)

    def drain(self) -> None:
        """Refuse every handshake from now on, and close the transports of CONNECTs that wait."""
        self.eio.draining = True
        if self.connect_handler.queue is not None:
            self.connect_handler.queue.drain()

    # Begin and end of clients.

    def find_namespace(self, namespace: str) -> Namespace | None:
        """Return a namespace by its name, None if it is unknown."""
        native = self.native_namespaces.get(namespace)
        if native is not None:
            return native
        known = namespace in self.handlers or namespace in self.namespace_handlers
        if not known and (self.namespaces == "*" or "*" in self.handlers or "*" in self.namespace_handlers):
            known = self.namespaces == "*" or namespace in self.namespaces
        if not known:
            return None
        return self._handler_namespaces.setdefault(namespace, HandlerNamespace(self, namespace))

    def remove_client(self, client: NamespaceClient) -> None:
        """Remove a client from its namespace, whether it was accepted or not."""
        if client.state is PENDING:
            self.connect_handler.remove_from_queue(client)
        client.mark_ended()
        client.eio_session.namespace_clients.pop(client.namespace, None)
        self.manager.remove(client)

    def detach_client(self, client: NamespaceClient, reason: str) -> None:
        """Remove a client and call the callbacks of its namespace. Safe to call twice."""
        if client.state is ENDED:
            return
        was_open = client.state is OPEN
        on_disconnecting = getattr(client.handler, "on_disconnecting", None)
        if was_open and on_disconnecting is not None:
            on_disconnecting(client, reason)
        self.remove_client(client)
        if was_open:
            client.handler.on_disconnected(client.sid)

    def disconnect_client(self, client: NamespaceClient) -> None:
        """Send a DISCONNECT and remove a client. Close the transport unless another namespace uses it."""
        if client.state is ENDED:
            return
        eio_session = client.eio_session
        client.release_held()
        eio_session.send(frames.disconnect(client.namespace))
        self.detach_client(client, self.reason.SERVER_DISCONNECT)
        if not eio_session.namespace_clients and not eio_session.closed:
            # A stock client closes the transport when it reads the DISCONNECT. The end of a session closes
            # that of other clients within a second.
            if eio_session.handler_timer is not None:
                eio_session.handler_timer.cancel()
            eio_session.handler_timer = self.eio.timers.after(DISCONNECT_GRACE_S, eio_session.close)

    # Methods of python-socketio's interface that depend on its internals.

    async def disconnect(
        self,
        sid: str,
        namespace: str | None = None,
        ignore_queue: bool = False,  # noqa: FBT001, FBT002 - python-socketio's signature
    ) -> None:
        """Disconnect a client from a namespace."""
        client = self.manager.get(sid, namespace or "/")
        if client is None and not ignore_queue:
            await self.manager.disconnect(sid, namespace or "/")  # may be a client of another instance
        elif client is not None and client.state is OPEN:
            self.disconnect_client(client)

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
        client_sid = to or sid
        if client_sid is None:
            raise ValueError("Cannot use call() to broadcast.")
        ack: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

        def on_ack(*arguments: Any) -> None:
            if not ack.done():
                ack.set_result(arguments)

        try:
            async with asyncio.timeout(timeout):
                await self.emit(
                    event,
                    data,
                    to=client_sid,
                    namespace=namespace,
                    callback=on_ack,
                    ignore_queue=ignore_queue,
                )
                response = await ack
        except TimeoutError:
            raise SocketTimeout from None
        finally:
            self.manager.remove_callback(client_sid, namespace or "/", on_ack)
        return response if len(response) > 1 else response[0] if response else None

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        session = self.eio.sockets.get(eio_sid)
        if session is not None:
            session.send(self.manager.encode_packet(pkt.namespace, pkt.data, pkt.id, pkt.packet_type))

    def send_ack(self, client: NamespaceClient, ack_id: int, result: Any) -> None:
        """Send the result of a handler as an ack. A tuple is several arguments, None is none."""
        data = list(result) if isinstance(result, tuple) else [] if result is None else [result]
        frame: Frame = self.manager.encode_packet(client.namespace, data, ack_id, sio_packet.ACK)
        client.send(frame)
