"""python-socketio's client manager: the clients of all namespaces and their rooms."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import socketio
from socketio import packet as sio_packet

from hubbub.core import tasks
from hubbub.realtime.engine import Engine, Frame
from hubbub.realtime.engine.packets import message_frame
from hubbub.realtime.socketio import frames
from hubbub.realtime.socketio.namespace import OPEN, NamespaceClient

MAX_CALLBACKS = 1000  # acks of one client that are awaited; beyond it the oldest callbacks are dropped


class ManagerHost(Protocol):
    """What the manager needs of its server."""

    eio: Engine
    packet_class: Any  # python-socketio's encoder of packets


class ClientManager(socketio.AsyncManager):
    """Implements the interface of python-socketio's manager.

    The cost of each operation depends only on the clients and rooms that it concerns.
    """

    server: ManagerHost

    def __init__(self) -> None:
        super().__init__()
        self._by_sid: dict[str, NamespaceClient] = {}  # clients of all namespaces
        # By namespace and room; the room None has all clients of the namespace. The members are by sid.
        self._room_members: dict[tuple[str, str | None], dict[str, NamespaceClient]] = {}
        self._last_ack_id = 0  # of the acks that the server requests

    def get(self, sid: str, namespace: str) -> NamespaceClient | None:
        """Return a client of a namespace by its sid."""
        client = self._by_sid.get(sid)
        return client if client is not None and client.namespace == namespace else None

    def add(self, client: NamespaceClient) -> None:
        """Add a client that is not accepted yet."""
        self._by_sid[client.sid] = client
        self._room_members.setdefault((client.namespace, None), {})[client.sid] = client

    def remove(self, client: NamespaceClient) -> None:
        """Remove a client, also from its rooms."""
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

    # Methods that python-socketio calls.

    def get_namespaces(self) -> Iterable[str]:
        return {namespace for namespace, room in self._room_members if room is None}

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        for client in self._recipients(namespace, room):
            yield client.sid, client.eio_session.sid

    def _recipients(self, namespace: str, room: Any) -> list[NamespaceClient]:
        """Return the clients in a room, or in one of several. The sid of a client is a room, too."""
        if room is None or isinstance(room, str):
            client = self.get(room, namespace) if room is not None else None
            if client is not None:
                return [client]
            return list(self._room_members.get((namespace, room), {}).values())
        result: dict[str, NamespaceClient] = {}
        for each in room:
            result.update({member.sid: member for member in self._recipients(namespace, each)})
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

    def basic_enter_room(self, sid: str, namespace: str, room: str, eio_sid: str | None = None) -> None:  # noqa: ARG002 - python-socketio's
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
        """Do nothing: no client of this instance has this sid."""

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
        """Encode an event once and queue it for all recipients. Never waits and creates no task."""
        arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        skipped = skip_sid if isinstance(skip_sid, list) else [skip_sid]
        audience = [client for client in self._recipients(namespace, to or room) if client.sid not in skipped]
        frame = None
        for client in audience:
            if callback is not None:
                self._last_ack_id += 1
                client.callbacks = client.callbacks or {}
                client.callbacks[self._last_ack_id] = callback
                if len(client.callbacks) > MAX_CALLBACKS:  # a client that sends no acks
                    del client.callbacks[next(iter(client.callbacks))]
                client.send(self.encode_packet(namespace, [event, *arguments], self._last_ack_id))
            else:
                frame = frame or self.encode_packet(namespace, [event, *arguments])
                client.send(frame)

    def encode_packet(
        self, namespace: str, data: Any, ack_id: int | None = None, kind: int = sio_packet.EVENT
    ) -> Frame:
        """Encode a packet with python-socketio, followed by its attachments."""
        packet = self.server.packet_class(kind, namespace=namespace, data=data, id=ack_id)
        encoded = packet.encode()
        if isinstance(encoded, list):
            return frames.join_frames(message_frame(part) for part in encoded)
        return message_frame(encoded)

    async def trigger_callback(self, sid: str, id: int, data: list[Any]) -> None:
        """Call the callback of an ack that the server requested. Other acks are ignored."""
        client = self._by_sid.get(sid)
        callback = client.callbacks.pop(id, None) if client is not None and client.callbacks else None
        if callback is not None and inspect.isawaitable(result := callback(*data)):
            await result

    def remove_callback(self, sid: str, namespace: str, callback: Callable[..., Any]) -> None:
        """Drop a callback whose ack is no longer awaited."""
        client = self.get(sid, namespace)
        if client is not None and client.callbacks:
            client.callbacks = {key: each for key, each in client.callbacks.items() if each is not callback}

    def on_ack(self, client: NamespaceClient, ack_id: int, data: list[Any]) -> None:
        """Handle an ack as `trigger_callback` does, in a task of its own."""
        tasks.spawn(self.trigger_callback(client.sid, ack_id, data), name="ack of a client")
