"""The interface of a namespace, and a client that is connected to one."""

from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

from hubbub.realtime.engine import Frame, HandshakeInfo, Session
from hubbub.realtime.engine.transport import PING_TIMEOUT, TRANSPORT_CLOSE
from hubbub.realtime.socketio.backlog import Backlog
from hubbub.realtime.socketio.packets import ClientEvent

if TYPE_CHECKING:
    from collections.abc import Callable


class ClientState(Enum):
    """The state of a client in a namespace."""

    PENDING = auto()  # its CONNECT is undecided
    OPEN = auto()  # it is accepted
    ENDED = auto()  # it was refused, or it disconnected


PENDING, OPEN, ENDED = ClientState.PENDING, ClientState.OPEN, ClientState.ENDED


class Namespace(Protocol):
    """A namespace, as the server calls it.

    Optional methods, each for an accepted client: `on_disconnecting(client, reason)` before a disconnect,
    `on_protocol_error(sid)` and `on_flooding(sid)` to send a closing event, and
    `on_transport_closing(sid, closing)` to send that of another namespace, which ends the transport.
    """

    # Whether a CONNECT waits while the admission limit is exceeded or a store is unavailable.
    queues_connects: bool

    def check(self, handshake_info: HandshakeInfo, auth: object) -> object:
        """Verify credentials in memory. Return the `request` of `on_connect`.

        It is a ConnectRequest if `queues_connects`. Raises HubbubError.
        """

    async def on_connect(self, sid: str, client: "NamespaceClient", request: object) -> None:
        """Accept a client, or raise HubbubError or ConnectRefused.

        After Unavailable the client waits, if `queues_connects`.
        """

    async def on_connected(self, sid: str) -> None:
        """Handle an accepted client after its CONNECT packet was queued."""

    @property
    def max_event_bytes(self) -> int:
        """The limit for events. Of a larger one the namespace gets only the name."""

    def run_immediate(self, sid: str, ack_id: int | None, name: str, text: str, size: int) -> bool:
        """Handle an event at once, if nothing has to be awaited for that. It is not in the backlog.

        Returns False, without any effect, for all others. `on_event` gets them.
        """

    def on_event(self, sid: str, event: ClientEvent) -> None:
        """Handle an event of an accepted client. Called in the order of the events. Must not block.

        The namespace calls `backlog.remove` of the client when the event is finished.
        """

    def on_disconnected(self, sid: str) -> None:
        """Handle the end of an accepted client, or of one that ended during `on_connect`."""


class ClientHost(Protocol):
    """What a client of a namespace needs of its server."""

    def disconnect_client(self, client: "NamespaceClient") -> None:
        """End a client's connection to its namespace with a Socket.IO DISCONNECT."""


class NamespaceClient:
    """A client in one namespace, and the interface to its transport for the rest of the package."""

    __slots__ = (
        "_held_frames",
        "_server",
        "backlog",
        "callbacks",
        "eio_session",
        "event_queue",
        "handler",
        "namespace",
        "pending_events",
        "rooms",
        "sid",
        "state",
    )

    def __init__(
        self, server: ClientHost, eio_session: Session, sid: str, namespace: str, handler: Namespace
    ) -> None:
        self._server = server
        self.eio_session = eio_session  # its Engine.IO session, shared by its namespaces
        self.sid = sid  # Socket.IO id
        self.namespace = namespace
        self.handler = handler  # receives its events
        self.state: ClientState = PENDING
        self.rooms: set[str] | None = None  # rooms of python-socketio that it entered; None: none
        self.callbacks: dict[int, Callable[..., Any]] | None = None  # awaited acks, by id; None: none
        self.event_queue: Any = None  # the SerialQueue of HandlerNamespace
        self.backlog = Backlog(eio_session)  # counts its events that are not finished
        self.pending_events: deque[ClientEvent] | None = deque()  # events before `process_pending`
        self._held_frames: list[Frame] | None = []  # frames before `release_held`; None: sent at once

    @property
    def handshake_info(self) -> HandshakeInfo:
        """IP address and credentials of the handshake."""
        return self.eio_session.handshake_info

    @property
    def waiting_bytes(self) -> int:
        """Bytes that the client has not read yet."""
        return self.eio_session.waiting_bytes

    def send(self, frame: Frame) -> None:
        """Queue a frame. Never waits. Frames are held until the client is accepted."""
        if self._held_frames is None:
            eio_session = self.eio_session
            if not eio_session.closed:
                eio_session.transport.send(frame)
        elif self.state is not ENDED:
            self._held_frames.append(frame)

    def accept(self, connect_frame: Frame) -> bool:
        """Accept the client and send `connect_frame`. Return whether frames are held for it."""
        self.state = OPEN
        self.eio_session.send(connect_frame)
        if not self._held_frames:
            self._held_frames = None
        return self._held_frames is not None

    def release_held(self) -> None:
        """Send the held frames, and from now on each frame at once."""
        if self.state is OPEN and self._held_frames is not None:
            held, self._held_frames = self._held_frames, None
            for frame in held:
                self.eio_session.send(frame)

    def mark_ended(self) -> None:
        """Mark the client as ended. Later frames and waiting events are dropped."""
        self.state = ENDED
        self._held_frames = []
        self.pending_events = None
        self.backlog.close()

    def receive(self, event: ClientEvent) -> None:
        """Hand an event to the namespace. Events before `process_pending` wait in order."""
        self.backlog.add(event.size)
        if self.pending_events is None:
            self.handler.on_event(self.sid, event)
        else:
            event.compact()
            self.pending_events.append(event)

    def receive_plain(self, ack_id: int | None, name: str, text: str, size: int) -> None:
        """Do what `receive` does with an event without attachments, after `process_pending`."""
        if not self.handler.run_immediate(self.sid, ack_id, name, text, size):
            self.backlog.add(size)
            self.handler.on_event(self.sid, ClientEvent(ack_id, name, text, size))

    def process_pending(self) -> None:
        """Hand over the events that waited. Later events are handed over at once."""
        waiting, self.pending_events = self.pending_events or deque(), None
        for event in waiting:
            if self.state is OPEN:
                self.handler.on_event(self.sid, event)

    def end_namespace(self) -> None:
        """Send a Socket.IO DISCONNECT, after which a stock client does not reconnect.

        The transport is closed after DISCONNECT_GRACE_S if the client has not closed it.
        """
        self._server.disconnect_client(self)

    def announce_transport_end(self, closing: object) -> None:
        """Pass a closing event to the other namespaces of this client: their transport ends as well."""
        for other in list(self.eio_session.namespace_clients.values()):
            callback = getattr(other.handler, "on_transport_closing", None)
            if other is not self and other.state is OPEN and callback is not None:
                callback(other.sid, closing)

    def end_transport(self) -> None:
        """Close the transport after the queued frames, so that a stock client reconnects.

        Long-polling ends without a close packet, after which Python's stock client would not reconnect.
        """
        self.eio_session.close(TRANSPORT_CLOSE)

    def expire(self) -> None:
        """Close the transport as after a ping timeout. A client that is alive reconnects."""
        self.eio_session.close(PING_TIMEOUT, flush=False)

    def abort(self) -> None:
        """Close the transport at once, without the queued frames."""
        self.eio_session.abort()
