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
    """Of a client in a namespace."""

    PENDING = auto()
    OPEN = auto()
    ENDED = auto()


PENDING, OPEN, ENDED = ClientState.PENDING, ClientState.OPEN, ClientState.ENDED


class Namespace(Protocol):
    """One namespace, as the server below hands it its clients."""

    queues_connects: (
        bool  # whether CONNECTs wait while they exceed the admission limit, or a store is unavailable
    )

    def check(self, handshake_info: HandshakeInfo, auth: object) -> object:
        """Verify credentials in memory. Returns what `accept` gets, a ConnectRequest if `queued`.

        Raises HubbubError.
        """

    async def on_connect(self, sid: str, client: "NamespaceClient", request: object) -> None:
        """Accept a client, or raise HubbubError or Refused. Unavailable: it waits, if `queued`."""

    async def on_connected(self, sid: str) -> None:
        """The client was told that it is in."""

    @property
    def max_event_bytes(self) -> int:
        """Of larger events the edge gets the head alone."""

    def on_event(self, sid: str, event: ClientEvent) -> None:
        """Take an event of an accepted client, in the order it came. Must not block.

        The edge calls `remove` of the link's backlog when the event is answered.
        """

    def on_disconnected(self, sid: str) -> None:
        """The client is gone."""


class ClientHost(Protocol):
    """What a client of a namespace needs of its server."""

    def disconnect_client(self, client: "NamespaceClient") -> None:
        """End a client's connection to its namespace with a Socket.IO DISCONNECT."""


class NamespaceClient:
    """One client in one namespace, and its transport, as the rest of the package sees it."""

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
        self.eio_session = eio_session
        self.sid = sid
        self.namespace = namespace
        self.handler = handler
        self.state: ClientState = PENDING
        self.rooms: set[str] | None = None
        self.callbacks: dict[int, Callable[..., Any]] | None = None
        self.event_queue: Any = None
        self.backlog = Backlog(eio_session)  # events of the client that are not answered yet
        self.pending_events: deque[ClientEvent] | None = deque()
        self._held_frames: list[Frame] | None = []

    @property
    def handshake_info(self) -> HandshakeInfo:
        """Address and credentials of the handshake."""
        return self.eio_session.handshake_info

    @property
    def waiting_bytes(self) -> int:
        """Bytes that the client has not taken yet."""
        return self.eio_session.waiting_bytes

    def send(self, frame: Frame) -> None:
        """Queue a frame; never waits. Before the client is let in, frames are held back."""
        if self._held_frames is None:
            eio_session = self.eio_session
            if not eio_session.closed:
                eio_session.transport.send(frame)
        elif self.state is not ENDED:
            self._held_frames.append(frame)

    def accept(self, connect_frame: Frame) -> bool:
        """From now on the client belongs here, and is told. Whether something is held back for it."""
        self.state = OPEN
        self.eio_session.send(connect_frame)
        if not self._held_frames:
            self._held_frames = None
        return self._held_frames is not None

    def release_held(self) -> None:
        """Send what was held back."""
        if self.state is OPEN and self._held_frames is not None:
            held, self._held_frames = self._held_frames, None
            for frame in held:
                self.eio_session.send(frame)

    def mark_ended(self) -> None:
        """Nothing goes out any more, and nothing waits."""
        self.state = ENDED
        self._held_frames = []
        self.pending_events = None
        self.backlog.close()

    def receive(self, event: ClientEvent) -> None:
        """Hand over an event of the client; those that come before it is welcomed wait in order."""
        self.backlog.add(event.size)
        if self.pending_events is None:
            self.handler.on_event(self.sid, event)
        else:
            event.compact()
            self.pending_events.append(event)

    def process_pending(self) -> None:
        """The welcome is over: the events that waited, then the others as they come."""
        waiting, self.pending_events = self.pending_events or deque(), None
        for event in waiting:
            if self.state is OPEN:
                self.handler.on_event(self.sid, event)

    def end_namespace(self) -> None:
        """A Socket.IO DISCONNECT: a stock client stays away. The transport follows if it does not."""
        self._server.disconnect_client(self)

    def end_transport(self) -> None:
        """Close the transport after what is queued: a stock client comes back.

        On long-polling that is done without a close packet: after one, Python's stock client stays away.
        """
        self.eio_session.close(TRANSPORT_CLOSE)

    def expire(self) -> None:
        """Close the transport as after a ping timeout: a client that is alive reconnects."""
        self.eio_session.close(PING_TIMEOUT, flush=False)

    def abort(self) -> None:
        """Close the transport at once, whatever is queued."""
        self.eio_session.abort()
