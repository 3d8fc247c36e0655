"""python-socketio's client manager for several instances, over the bus."""

from collections.abc import Iterable
from typing import Any

from hubbub.cluster import socketio_signals
from hubbub.cluster.bus import Bus, Signal
from hubbub.realtime.socketio.manager import ClientManager
from hubbub.realtime.socketio.namespace import OPEN


class ClusterManager(ClientManager):
    """`emit`, `disconnect`, `enter_room`, `leave_room` and `close_room` for the clients of all instances.

    Acks work for clients of this instance only. A callback for clients of other instances is never called.
    """

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus  # reaches the other instances
        bus.add_handler(self._on_signal)
        bus.subscribe_topic(socketio_signals.SOCKETS_TOPIC)

    async def emit(  # noqa: PLR0913 - python-socketio's signature
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **kwargs: Any,
    ) -> None:
        """Queue an event for one client of this instance here, and publish any other event on the bus."""
        room = to or room
        is_local = isinstance(room, str) and self.get(room, namespace) is not None
        if is_local or callback is not None or kwargs.get("ignore_queue"):
            await super().emit(event, data, namespace, room, skip_sid, callback)
            return
        for signal in socketio_signals.to_signals(event, data, namespace, room, skip_sid):
            self._bus.publish(signal)

    async def disconnect(self, sid: str, namespace: str, **_kwargs: Any) -> None:
        """Disconnect a client of another instance from a namespace."""
        self._bus.publish(socketio_signals.Disconnected(sid, namespace))

    async def enter_room(self, sid: str, namespace: str, room: str, eio_sid: str | None = None) -> None:
        if self.get(sid, namespace) is not None:
            self.basic_enter_room(sid, namespace, room, eio_sid)
        else:
            self._bus.publish(socketio_signals.RoomEntered(sid, namespace, room))

    async def leave_room(self, sid: str, namespace: str, room: str) -> None:
        if self.get(sid, namespace) is not None:
            self.basic_leave_room(sid, namespace, room)
        else:
            self._bus.publish(socketio_signals.RoomEntered(sid, namespace, room, left=True))

    async def close_room(self, room: str, namespace: str) -> None:
        self._bus.publish(socketio_signals.RoomClosed(namespace, room))

    def _on_signal(self, signal: Signal) -> None:
        match signal:
            case socketio_signals.Emitted():
                self._on_emitted(signal)
            case socketio_signals.Disconnected():
                client = self.get(signal.sid, signal.namespace)
                if client is not None and client.state is OPEN:
                    client.end_namespace()
            case socketio_signals.RoomEntered() if self.get(signal.sid, signal.namespace) is not None:
                if signal.left:
                    self.basic_leave_room(signal.sid, signal.namespace, signal.room)
                else:
                    self.basic_enter_room(signal.sid, signal.namespace, signal.room)
            case socketio_signals.RoomClosed():
                self.basic_close_room(signal.room, signal.namespace)

    def _on_emitted(self, signal: socketio_signals.Emitted) -> None:
        recipients = self._recipients(signal.namespace, _as_list(signal.rooms))
        frame = None
        for client in recipients:
            if client.sid not in signal.skip:
                frame = frame or self.encode_packet(signal.namespace, [signal.event, *signal.data])
                client.send(frame)


def _as_list(rooms: Iterable[str] | None) -> list[str] | None:
    return None if rooms is None else list(rooms)
