"""Clients in their namespaces and rooms: what python-socketio calls its manager."""

import inspect
from collections import deque
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import socketio
from socketio import packet as sio_packet

from hubbub.core import tasks
from hubbub.realtime.engine import Frame, HandshakeInfo, Session
from hubbub.realtime.engine.packets import message_frame
from hubbub.realtime.engine.session import PING_TIMEOUT, TRANSPORT_CLOSE
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.backlog import Backlog
from hubbub.realtime.socketio.packets import ClientEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from hubbub.realtime.socketio.server import Namespace, SocketIOServer


class ClientState(Enum):
    """Of a client in a namespace."""

    PENDING = auto()
    OPEN = auto()
    ENDED = auto()


PENDING, OPEN, ENDED = ClientState.PENDING, ClientState.OPEN, ClientState.ENDED
MAX_CALLBACKS = 1000  # acks that one client may owe; past it the oldest are forgotten


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
        self, server: "SocketIOServer", eio_session: Session, sid: str, namespace: str, handler: "Namespace"
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


class ClientManager(socketio.AsyncManager):
    """The manager's interface on top of links: each operation costs what it touches, nothing more."""

    server: "SocketIOServer"

    def __init__(self) -> None:
        super().__init__()
        self._by_sid: dict[str, NamespaceClient] = {}
        self._room_members: dict[tuple[str, str | None], dict[str, NamespaceClient]] = {}
        self._last_ack_id = 0

    def get(self, sid: str, namespace: str) -> NamespaceClient | None:
        """A client by its sid."""
        client = self._by_sid.get(sid)
        return client if client is not None and client.namespace == namespace else None

    def add(self, client: NamespaceClient) -> None:
        """Somebody knocked."""
        self._by_sid[client.sid] = client
        self._room_members.setdefault((client.namespace, None), {})[client.sid] = client

    def remove(self, client: NamespaceClient) -> None:
        """Somebody left, all rooms included."""
        del self._by_sid[client.sid]
        for room in (None, *(client.rooms or ())):
            self._remove_from_room(client, room)
        client.rooms = None

    def _remove_from_room(self, client: NamespaceClient, room: str | None) -> None:
        key = (client.namespace, room)
        members = self._room_members.get(key)
        if members is not None:
            members.pop(client.sid, None)
            if not members:
                del self._room_members[key]

    # What python-socketio asks.

    def get_namespaces(self) -> Iterable[str]:
        return {namespace for namespace, room in self._room_members if room is None}

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        for client in self._recipients(namespace, room):
            yield client.sid, client.eio_session.sid

    def _recipients(self, namespace: str, room: Any) -> list[NamespaceClient]:
        """Who is in a room, or one of several, or has that sid."""
        if room is None or isinstance(room, str):
            client_by_sid = self.get(room, namespace) if room is not None else None
            return (
                [client_by_sid]
                if client_by_sid is not None
                else list(self._room_members.get((namespace, room), {}).values())
            )
        result: dict[str, NamespaceClient] = {}
        for each in room:
            result.update({client.sid: client for client in self._recipients(namespace, each)})
        return list(result.values())

    def is_connected(self, sid: str, namespace: str) -> bool:
        client = self.get(sid, namespace)
        return client is not None and client.state is OPEN

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        session = self.server.eio.sockets.get(eio_sid)
        client = session.namespace_clients.get(namespace) if session is not None else None
        return client.sid if client is not None else None

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        client = self.get(sid, namespace)
        return client.eio_session.sid if client is not None else None

    def is_sid_room(self, namespace: str, room: str) -> bool:
        return self.get(room, namespace) is not None

    def basic_enter_room(self, sid: str, namespace: str, room: str, eio_sid: str | None = None) -> None:  # noqa: ARG002 - theirs
        client = self.get(sid, namespace)
        if client is None:
            raise ValueError("sid is not connected to requested namespace")
        if self.is_sid_room(namespace, room) and sid != room:
            raise ValueError("cannot enter a sid room")
        client.rooms = client.rooms or set()
        client.rooms.add(room)
        self._room_members.setdefault((namespace, room), {})[sid] = client

    def basic_leave_room(self, sid: str, namespace: str, room: str) -> None:
        client = self.get(sid, namespace)
        if client is not None and client.rooms is not None and room in client.rooms:
            client.rooms.discard(room)
            self._remove_from_room(client, room)

    def basic_close_room(self, room: str, namespace: str) -> None:
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot close a sid room")
        for sid in list(self._room_members.get((namespace, room), ())):
            self.basic_leave_room(sid, namespace, room)

    async def disconnect(self, sid: str, namespace: str, **_kwargs: Any) -> None:
        """Nobody here has this sid."""

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        client = self.get(sid, namespace)
        return [] if client is None else [sid, *(room for room in client.rooms or () if room != sid)]

    async def emit(  # noqa: PLR0913 - python-socketio's signature
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **_kwargs: Any,
    ) -> None:
        """Encode once and queue for everybody; never waits, makes no tasks."""
        arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        skipped = skip_sid if isinstance(skip_sid, list) else [skip_sid]
        audience = [client for client in self._recipients(namespace, to or room) if client.sid not in skipped]
        frame = None
        for client in audience:
            if callback is not None:
                self._last_ack_id += 1
                client.callbacks = client.callbacks or {}
                client.callbacks[self._last_ack_id] = callback
                if len(client.callbacks) > MAX_CALLBACKS:  # a client that answers nothing
                    del client.callbacks[next(iter(client.callbacks))]
                client.send(self.encode_packet(namespace, [event, *arguments], self._last_ack_id))
            else:
                frame = frame or self.encode_packet(namespace, [event, *arguments])
                client.send(frame)

    def encode_packet(
        self, namespace: str, data: Any, ack_id: int | None = None, kind: int = sio_packet.EVENT
    ) -> Frame:
        """A packet made by python-socketio, with its binary parts behind it."""
        packet = self.server.packet_class(kind, namespace=namespace, data=data, id=ack_id)
        encoded = packet.encode()
        if isinstance(encoded, list):
            return frames.join_frames(message_frame(part) for part in encoded)
        return message_frame(encoded)

    async def trigger_callback(self, sid: str, id: int, data: list[Any]) -> None:
        """An ack that the server asked for; others are passed over."""
        client = self._by_sid.get(sid)
        callback = client.callbacks.pop(id, None) if client is not None and client.callbacks else None
        if callback is not None and inspect.isawaitable(result := callback(*data)):
            await result

    def remove_callback(self, sid: str, namespace: str, callback: "Callable[..., Any]") -> None:
        """Nobody waits for that answer any more."""
        client = self.get(sid, namespace)
        if client is not None and client.callbacks:
            client.callbacks = {key: each for key, each in client.callbacks.items() if each is not callback}

    def on_ack(self, client: NamespaceClient, ack_id: int, data: list[Any]) -> None:
        """The same, in a task of its own."""
        tasks.spawn(self.trigger_callback(client.sid, ack_id, data), name="ack of a client")
