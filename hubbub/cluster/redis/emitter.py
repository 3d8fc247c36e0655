"""Emits events to the clients of all instances from a worker, a script or another application."""

import secrets
from collections.abc import Iterable
from typing import Self

from hubbub.cluster import socketio_signals
from hubbub.cluster.bus import Signal
from hubbub.cluster.redis.codec import PUBLISHER_ID_BYTES, Channels, encode
from hubbub.cluster.redis.topology import from_url
from hubbub.core import clock

# Between two checks of the server's role: a replica accepts messages and delivers none of them.
ROLE_CHECK_INTERVAL_S = 1.0


class Emitter:
    """Emits to the clients of all instances, as `socketio.AsyncRedisManager(url, write_only=True)` does.

    Use it as an async context manager, or `close` it. Events are not stored: a client that is not connected
    never receives them. Each call raises `redis.exceptions.RedisError` while Redis is unavailable.
    """

    def __init__(self, url: str, prefix: str = "hubbub") -> None:
        self._topology = from_url(url)  # the servers
        self._channels = Channels(prefix)  # names of channels
        self._role_checked_at = float("-inf")  # monotonic time
        self._publisher_id = secrets.token_bytes(PUBLISHER_ID_BYTES)  # begins each message

    async def emit(
        self,
        event: str,
        data: object = None,
        namespace: str | None = None,
        room: str | Iterable[str] | None = None,
        skip_sid: str | Iterable[str] | None = None,
        to: str | Iterable[str] | None = None,
    ) -> None:
        """Send an event to all sockets of a namespace, or of `room` (`to` is the same).

        A room is a sid, or a room that sockets entered. On `/chat` it may also be the id of a room, or
        `user:` and the id of a user. Raises ValueError.
        """
        for signal in socketio_signals.to_signals(event, data, namespace, to or room, skip_sid):
            await self._publish(signal)

    async def disconnect(self, sid: str, namespace: str | None = None) -> None:
        """Disconnect a socket from a namespace."""
        await self._publish(socketio_signals.Disconnected(sid, namespace or "/"))

    async def enter_room(self, sid: str, namespace: str | None, room: str) -> None:
        """Add a socket to a room of python-socketio, which is not a room of hubbub with members."""
        await self._publish(socketio_signals.RoomEntered(sid, namespace or "/", room))

    async def leave_room(self, sid: str, namespace: str | None, room: str) -> None:
        """Remove a socket from a room of python-socketio."""
        await self._publish(socketio_signals.RoomEntered(sid, namespace or "/", room, left=True))

    async def close_room(self, room: str, namespace: str | None = None) -> None:
        """Remove all sockets from a room of python-socketio."""
        await self._publish(socketio_signals.RoomClosed(namespace or "/", room))

    async def _publish(self, signal: Signal) -> None:
        if clock.monotonic() - self._role_checked_at > ROLE_CHECK_INTERVAL_S:
            await self._topology.require_master()
            self._role_checked_at = clock.monotonic()
        command = "SPUBLISH" if self._topology.sharded else "PUBLISH"
        await self._topology.client.execute_command(
            command, self._channels.for_signal(signal), self._publisher_id + encode(signal)
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._topology.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
