"""One client's Engine.IO session: what stays the same when its transport changes."""

from typing import TYPE_CHECKING, Any, Protocol

from hubbub.realtime.engine import payload
from hubbub.realtime.engine.payload import Frame, Malformed

if TYPE_CHECKING:
    from hubbub.realtime.engine.lane import Lane
    from hubbub.realtime.engine.origin import Origin
    from hubbub.realtime.engine.server import Engine
    from hubbub.realtime.engine.timers import Timer
    from hubbub.realtime.engine.websocket import WebSocket

CLIENT_GONE, SERVER_ENDED = "client disconnect", "server disconnect"
SILENT, LOST, BROKEN = "ping timeout", "transport close", "transport error"


class Way(Protocol):
    """A transport, as its session uses it."""

    name: str

    @property
    def waiting_bytes(self) -> int:
        """What the client has not taken yet."""

    def send(self, frame: Frame) -> None:
        """Queue; goes out at the end of the loop's turn."""

    def close(self, reason: str, *, flush: bool) -> None:
        """Say goodbye, after what is queued or instead of it."""

    def abort(self) -> None:
        """Hang up at once."""

    def pause(self) -> None:
        """Read no more."""

    def resume(self) -> None:
        """Read again."""


class Receiver(Protocol):
    """Whom the sessions speak to, without a task in between."""

    def opened(self, session: "Session", request: Any) -> None:
        """Somebody came."""

    def message(self, session: "Session", data: str | bytes) -> None:
        """Somebody said something, in order. Raises Malformed: the session ends."""

    def closed(self, session: "Session", reason: str) -> None:
        """Somebody is gone."""


class Session:
    """A client between handshake and goodbye."""

    __slots__ = (
        "_heartbeat",
        "_holds",
        "_waits_for_pong",
        "closed",
        "engine",
        "lane",
        "limit",
        "links",
        "origin",
        "partial",
        "sid",
        "state",
        "upgrading",
        "way",
    )

    def __init__(self, engine: "Engine", sid: str, origin: "Origin", way: Way) -> None:
        self.engine = engine
        self.sid = sid
        self.origin = origin
        self.way = way
        self.closed = False
        self.upgrading: WebSocket | None = None
        self.limit: Timer | None = None  # the receiver's own time limit
        self.links: dict[str, Any] = {}  # the receiver's
        self.partial: Any = None  # the receiver's
        self.state: dict[str, Any] | None = None  # python-socketio's `session`
        self.lane: Lane | None = None
        self._holds = 0
        self._waits_for_pong = False
        self._heartbeat = engine.timers.after(engine.ping_interval, self._beat)

    @property
    def session(self) -> dict[str, Any]:
        """What python-socketio keeps for its users."""
        if self.state is None:
            self.state = {}
        return self.state

    @property
    def upgraded(self) -> bool:
        return self.way.name == "websocket"

    # Out.

    def send(self, frame: Frame) -> None:
        """Queue a packet; never waits."""
        if not self.closed:
            self.way.send(frame)

    @property
    def waiting_bytes(self) -> int:
        return self.way.waiting_bytes

    # In.

    def receive(self, packet: str) -> None:
        """A text packet with its type in front. Raises Malformed."""
        kind = packet[:1]
        if kind == "4":
            self.engine.deliver(self, packet[1:])
        elif kind == "3":
            self._pong()
        elif kind == "1":
            self.close(CLIENT_GONE)
        else:
            raise Malformed("not a packet for a server")

    def receive_binary(self, data: bytes) -> None:
        """A binary message. Raises Malformed."""
        self.engine.deliver(self, data)

    def malformed(self, why: str) -> None:
        """End the session, and say so shortly."""
        self.engine.complain(self, why)
        self.close(BROKEN, flush=True)

    # The brake.

    def pause(self) -> None:
        """Read no more until as many `resume`."""
        self._holds += 1
        if self._holds == 1 and not self.closed:
            self.way.pause()

    def resume(self) -> None:
        self._holds -= 1
        if self._holds == 0:
            self.way.resume()

    @property
    def held(self) -> bool:
        return self._holds > 0

    # Heartbeats: a ping, its pong within `ping_timeout`, a pause of `ping_interval`.

    def _beat(self) -> None:
        if self._waits_for_pong:
            self.close(SILENT, flush=False)
            return
        self._waits_for_pong = True
        self._heartbeat = self.engine.timers.after(self.engine.ping_timeout, self._beat)
        self.way.send(payload.PING)

    def _pong(self) -> None:
        if self._waits_for_pong:
            self._waits_for_pong = False
            self._heartbeat.cancel()
            self._heartbeat = self.engine.timers.after(self.engine.ping_interval, self._beat)

    # The end.

    def close(self, reason: str = SERVER_ENDED, *, flush: bool = True) -> None:
        """End it; what is queued goes out first if `flush`. Again is no error."""
        if self._end():
            self.way.close(reason, flush=flush)
            self.engine.gone(self, reason)

    def abort(self, reason: str = BROKEN) -> None:
        """End it at once, whatever is queued."""
        if self._end():
            self.way.abort()
            self.engine.gone(self, reason)

    def _end(self) -> bool:
        if self.closed:
            return False
        self.closed = True
        self._heartbeat.cancel()
        if self.limit is not None:
            self.limit.cancel()
        if self.upgrading is not None:
            self.upgrading.close(BROKEN, flush=False)
            self.upgrading = None
        return True
