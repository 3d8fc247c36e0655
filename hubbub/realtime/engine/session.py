"""One client's Engine.IO session: what stays the same when its transport changes."""

from typing import TYPE_CHECKING, Any, Protocol

from hubbub.core import clock, metrics
from hubbub.realtime.engine import packets
from hubbub.realtime.engine.bounds import Intake
from hubbub.realtime.engine.packets import Frame, ProtocolError

if TYPE_CHECKING:
    from hubbub.realtime.engine.handshake_info import HandshakeInfo
    from hubbub.realtime.engine.serial_queue import SerialQueue
    from hubbub.realtime.engine.server import Engine
    from hubbub.realtime.engine.shares import Share
    from hubbub.realtime.engine.timers import Timer
    from hubbub.realtime.engine.websocket import WebSocket

CLIENT_GONE, SERVER_ENDED = "client disconnect", "server disconnect"
SILENT, LOST, BROKEN = "ping timeout", "transport close", "transport error"
NORMAL, PROTOCOL_ERROR, POLICY_VIOLATION = 1000, 1002, 1008  # close codes of RFC 6455, 7.4.1


class Transport(Protocol):
    """A transport, as its session uses it."""

    name: str

    @property
    def waiting_bytes(self) -> int:
        """What the client has not taken yet."""

    def send(self, frame: Frame) -> None:
        """Queue; goes out at the end of the loop's turn."""

    def close(self, reason: str, *, flush: bool, code: int = NORMAL) -> None:
        """Close, after what is queued or instead of it; `code` is the close code on WebSocket."""

    def abort(self) -> None:
        """Hang up at once."""

    def pause(self) -> None:
        """Read no more."""

    def resume(self) -> None:
        """Read again."""

    def accepted(self) -> None:
        """Go on with input that waits for the session to be accepted."""


class SessionHandler(Protocol):
    """Whom the sessions speak to, without a task in between."""

    def opened(self, session: "Session", request: Any) -> None:
        """Somebody came."""

    def message(self, session: "Session", data: str | bytes) -> None:
        """Somebody said something, in order. Raises Malformed: the session ends."""

    def malformed(self, session: "Session") -> None:
        """Send what is to be sent before the session ends for what its client sent."""

    def closed(self, session: "Session", reason: str) -> None:
        """Somebody is gone."""

    def flooding(self, session: "Session") -> None:
        """End an accepted session that exceeded its packet or byte limit for `Bounds.flooding_s`."""


class Session:
    """A client between handshake and goodbye."""

    __slots__ = (
        "_heartbeat",
        "_holds",
        "_waits_for_pong",
        "closed",
        "connect_by",
        "engine",
        "intake",
        "lane",
        "limit",
        "links",
        "origin",
        "partial",
        "received_at",
        "refusals",
        "share",
        "sid",
        "state",
        "upgrading",
        "waits",
        "way",
    )

    def __init__(
        self, engine: "Engine", sid: str, origin: "HandshakeInfo", way: Transport, share: "Share"
    ) -> None:
        self.engine = engine
        self.sid = sid
        self.origin = origin
        self.way = way
        self.closed = False
        self.upgrading: WebSocket | None = None
        self.limit: Timer | None = None  # the receiver's own time limit
        self.links: dict[str, Any] = {}  # the receiver's
        self.partial: Any = None  # the receiver's
        self.connect_by = 0.0  # the receiver's: when the time for a CONNECT is over
        self.refusals = 0  # the receiver's: refused CONNECTs
        self.state: dict[str, Any] | None = None  # python-socketio's `session`
        self.lane: SerialQueue | None = None
        self.received_at = clock.monotonic()  # when the last bytes of the client came
        self.share = share  # of the client's IP address
        self.intake = Intake(engine.bounds, self.received_at)  # what the client may still send
        self.waits = False  # whether a CONNECT waits for its answer: input over the limits waits too
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

    def accept(self) -> None:
        """Lift the limits of connections that are not accepted: a namespace is open. Safe to call twice."""
        if not self.intake.accepted:
            self.intake.accept(clock.monotonic())
            if not self.closed:
                self.way.accepted()

    # Out.

    @property
    def max_output(self) -> int:
        """Bytes that may wait for the client to read them."""
        most = self.engine.max_output
        return most if self.intake.accepted else min(most, self.engine.bounds.early_output_bytes)

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
            raise ProtocolError("not a packet for a server")

    def receive_binary(self, data: bytes) -> None:
        """A binary message. Raises Malformed."""
        self.engine.deliver(self, data)

    def malformed(self, why: str) -> None:
        """End the session for a packet that breaks the protocol: close code 1002."""
        if not self.closed:
            self.engine.receiver.malformed(self)
        self.engine.log_protocol_error(self, why)
        self.close(BROKEN, flush=True, code=PROTOCOL_ERROR)

    def refuse(self, why: str) -> None:
        """End the session for a limit that it exceeded: close code 1008."""
        metrics.count("input_limit_closures", why)
        self.engine.warn(self, "a client exceeded a limit", why)
        self.close(BROKEN, flush=True, code=POLICY_VIOLATION)

    def flooding(self) -> None:
        """End the session: it exceeded a limit for too long."""
        metrics.count("input_limit_closures", "flooding")
        if self.intake.accepted:
            self.engine.receiver.flooding(self)
        if not self.closed and not self.intake.accepted:
            self.refuse("flooding before acceptance")

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
        if self._waits_for_pong and not self.held:  # else the PONG may have come, and waits to be read
            self.close(SILENT, flush=False)
            return
        self._waits_for_pong = True
        self._heartbeat = self.engine.timers.after(self.engine.ping_timeout, self._beat)
        self.way.send(packets.PING)

    def _pong(self) -> None:
        if self._waits_for_pong:
            self._waits_for_pong = False
            self.intake.give_back()
            self._heartbeat.cancel()
            self._heartbeat = self.engine.timers.after(self.engine.ping_interval, self._beat)

    # The end.

    def close(self, reason: str = SERVER_ENDED, *, flush: bool = True, code: int = NORMAL) -> None:
        """End it; what is queued goes out first if `flush`. Again is no error."""
        if self._end():
            self.way.close(reason, flush=flush, code=code)
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
