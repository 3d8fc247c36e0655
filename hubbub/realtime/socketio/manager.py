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
from hubbub.realtime.engine.packets import message
from hubbub.realtime.engine.session import LOST, SILENT
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.backlog import Backlog
from hubbub.realtime.socketio.packets import ClientEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from hubbub.realtime.socketio.server import Namespace, SocketIOServer


class State(Enum):
    """Of a client in a namespace."""

    PENDING = auto()
    OPEN = auto()
    ENDED = auto()


PENDING, OPEN, ENDED = State.PENDING, State.OPEN, State.ENDED
CALLBACKS = 1000  # acks that one client may owe; past it the oldest are forgotten


class NamespaceClient:
    """One client in one namespace, and its transport, as the rest of the package sees it."""

    __slots__ = (
        "_held",
        "_server",
        "backlog",
        "callbacks",
        "edge",
        "inbox",
        "lane",
        "namespace",
        "rooms",
        "session",
        "sid",
        "state",
    )

    def __init__(
        self, server: "SocketIOServer", session: Session, sid: str, namespace: str, edge: "Namespace"
    ) -> None:
        self._server = server
        self.session = session
        self.sid = sid
        self.namespace = namespace
        self.edge = edge
        self.state: State = PENDING
        self.rooms: set[str] | None = None
        self.callbacks: dict[int, Callable[..., Any]] | None = None
        self.lane: Any = None
        self.backlog = Backlog(session)  # events of the client that are not answered yet
        self.inbox: deque[ClientEvent] | None = deque()
        self._held: list[Frame] | None = []

    @property
    def origin(self) -> HandshakeInfo:
        """Address and credentials of the handshake."""
        return self.session.origin

    @property
    def waiting_bytes(self) -> int:
        """Bytes that the client has not taken yet."""
        return self.session.waiting_bytes

    def send(self, frame: Frame) -> None:
        """Queue a frame; never waits. Before the client is let in, frames are held back."""
        if self._held is None:
            session = self.session
            if not session.closed:
                session.way.send(frame)
        elif self.state is not ENDED:
            self._held.append(frame)

    def let_in(self, first: Frame) -> bool:
        """From now on the client belongs here, and is told. Whether something is held back for it."""
        self.state = OPEN
        self.session.send(first)
        if not self._held:
            self._held = None
        return self._held is not None

    def release(self) -> None:
        """Send what was held back."""
        if self.state is OPEN and self._held is not None:
            held, self._held = self._held, None
            for frame in held:
                self.session.send(frame)

    def ended(self) -> None:
        """Nothing goes out any more, and nothing waits."""
        self.state = ENDED
        self._held = []
        self.inbox = None
        self.backlog.close()

    def take(self, event: ClientEvent) -> None:
        """Hand over an event of the client; those that come before it is welcomed wait in order."""
        self.backlog.add(event.size)
        if self.inbox is None:
            self.edge.event(self.sid, event)
        else:
            event.keep()
            self.inbox.append(event)

    def catch_up(self) -> None:
        """The welcome is over: the events that waited, then the others as they come."""
        waiting, self.inbox = self.inbox or deque(), None
        for event in waiting:
            if self.state is OPEN:
                self.edge.event(self.sid, event)

    def end_namespace(self) -> None:
        """A Socket.IO DISCONNECT: a stock client stays away. The transport follows if it does not."""
        self._server.end(self)

    def end_transport(self) -> None:
        """Close the transport after what is queued: a stock client comes back.

        On long-polling that is done without a close packet: after one, Python's stock client stays away.
        """
        self.session.close(LOST)

    def expire(self) -> None:
        """Close the transport as after a ping timeout: a client that is alive reconnects."""
        self.session.close(SILENT, flush=False)

    def abort(self) -> None:
        """Close the transport at once, whatever is queued."""
        self.session.abort()


class ClientManager(socketio.AsyncManager):
    """The manager's interface on top of links: each operation costs what it touches, nothing more."""

    def __init__(self) -> None:
        super().__init__()
        self._by_sid: dict[str, NamespaceClient] = {}
        self._members: dict[tuple[str, str | None], dict[str, NamespaceClient]] = {}
        self._next_ack = 0

    def get(self, sid: str, namespace: str) -> NamespaceClient | None:
        """A client by its sid."""
        link = self._by_sid.get(sid)
        return link if link is not None and link.namespace == namespace else None

    def add(self, link: NamespaceClient) -> None:
        """Somebody knocked."""
        self._by_sid[link.sid] = link
        self._members.setdefault((link.namespace, None), {})[link.sid] = link

    def remove(self, link: NamespaceClient) -> None:
        """Somebody left, all rooms included."""
        del self._by_sid[link.sid]
        for room in (None, *(link.rooms or ())):
            self._drop(link, room)
        link.rooms = None

    def _drop(self, link: NamespaceClient, room: str | None) -> None:
        key = (link.namespace, room)
        members = self._members.get(key)
        if members is not None:
            members.pop(link.sid, None)
            if not members:
                del self._members[key]

    # What python-socketio asks.

    def get_namespaces(self) -> Iterable[str]:
        return {namespace for namespace, room in self._members if room is None}

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        for link in self._audience(namespace, room):
            yield link.sid, link.session.sid

    def _audience(self, namespace: str, room: Any) -> list[NamespaceClient]:
        """Who is in a room, or one of several, or has that sid."""
        if room is None or isinstance(room, str):
            one = self.get(room, namespace) if room is not None else None
            return [one] if one is not None else list(self._members.get((namespace, room), {}).values())
        found: dict[str, NamespaceClient] = {}
        for each in room:
            found.update({link.sid: link for link in self._audience(namespace, each)})
        return list(found.values())

    def is_connected(self, sid: str, namespace: str) -> bool:
        link = self.get(sid, namespace)
        return link is not None and link.state is OPEN

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        session = self.server.eio.sockets.get(eio_sid)
        link = session.links.get(namespace) if session is not None else None
        return link.sid if link is not None else None

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        link = self.get(sid, namespace)
        return link.session.sid if link is not None else None

    def is_sid_room(self, namespace: str, room: str) -> bool:
        return self.get(room, namespace) is not None

    def basic_enter_room(self, sid: str, namespace: str, room: str, eio_sid: str | None = None) -> None:  # noqa: ARG002 - theirs
        link = self.get(sid, namespace)
        if link is None:
            raise ValueError("sid is not connected to requested namespace")
        if self.is_sid_room(namespace, room) and sid != room:
            raise ValueError("cannot enter a sid room")
        link.rooms = link.rooms or set()
        link.rooms.add(room)
        self._members.setdefault((namespace, room), {})[sid] = link

    def basic_leave_room(self, sid: str, namespace: str, room: str) -> None:
        link = self.get(sid, namespace)
        if link is not None and link.rooms is not None and room in link.rooms:
            link.rooms.discard(room)
            self._drop(link, room)

    def basic_close_room(self, room: str, namespace: str) -> None:
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot close a sid room")
        for sid in list(self._members.get((namespace, room), ())):
            self.basic_leave_room(sid, namespace, room)

    async def disconnect(self, sid: str, namespace: str, **_kwargs: Any) -> None:
        """Nobody here has this sid."""

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        link = self.get(sid, namespace)
        return [] if link is None else [sid, *(room for room in link.rooms or () if room != sid)]

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
        audience = [link for link in self._audience(namespace, to or room) if link.sid not in skipped]
        frame = None
        for link in audience:
            if callback is not None:
                self._next_ack += 1
                link.callbacks = link.callbacks or {}
                link.callbacks[self._next_ack] = callback
                if len(link.callbacks) > CALLBACKS:  # a client that answers nothing
                    del link.callbacks[next(iter(link.callbacks))]
                link.send(self.encoded(namespace, [event, *arguments], self._next_ack))
            else:
                frame = frame or self.encoded(namespace, [event, *arguments])
                link.send(frame)

    def encoded(
        self, namespace: str, data: Any, ack_id: int | None = None, kind: int = sio_packet.EVENT
    ) -> Frame:
        """A packet made by python-socketio, with its binary parts behind it."""
        packet = self.server.packet_class(kind, namespace=namespace, data=data, id=ack_id)
        encoded = packet.encode()
        if isinstance(encoded, list):
            return frames.joined(message(part) for part in encoded)
        return message(encoded)

    async def trigger_callback(self, sid: str, id: int, data: list[Any]) -> None:
        """An ack that the server asked for; others are passed over."""
        link = self._by_sid.get(sid)
        callback = link.callbacks.pop(id, None) if link is not None and link.callbacks else None
        if callback is not None and inspect.isawaitable(answer := callback(*data)):
            await answer

    def forget_callback(self, sid: str, namespace: str, callback: "Callable[..., Any]") -> None:
        """Nobody waits for that answer any more."""
        link = self.get(sid, namespace)
        if link is not None and link.callbacks:
            link.callbacks = {key: each for key, each in link.callbacks.items() if each is not callback}

    def acked(self, link: NamespaceClient, ack_id: int, data: list[Any]) -> None:
        """The same, in a task of its own."""
        tasks.spawn(self.trigger_callback(link.sid, ack_id, data), name="ack of a client")
