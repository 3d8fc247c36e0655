"""One client's Engine.IO session: what stays the same when its transport changes."""

from typing import TYPE_CHECKING, Any, Protocol

from hubbub.core import clock, metrics
from hubbub.realtime.engine import packets
from hubbub.realtime.engine.bounds import InputLimiter
from hubbub.realtime.engine.packets import Frame, ProtocolError
from hubbub.realtime.engine.rfc6455 import CloseCode
from hubbub.realtime.engine.transport import (
    CLIENT_DISCONNECT,
    PING_TIMEOUT,
    SERVER_DISCONNECT,
    TRANSPORT_ERROR,
    Transport,
)

if TYPE_CHECKING:
    from hubbub.realtime.engine.bounds import Bounds
    from hubbub.realtime.engine.handshake_info import HandshakeInfo
    from hubbub.realtime.engine.serial_queue import SerialQueue
    from hubbub.realtime.engine.shares import IpShare
    from hubbub.realtime.engine.timers import Timer, Timers


class SessionHandler(Protocol):
    """Whom the sessions speak to, without a task in between."""

    def on_opened(self, session: "Session", request: Any) -> None:
        """Somebody came."""

    def on_message(self, session: "Session", data: str | bytes) -> None:
        """Somebody said something, in order. Raises Malformed: the session ends."""

    def on_protocol_error(self, session: "Session") -> None:
        """Send what is to be sent before the session ends for what its client sent."""

    def on_closed(self, session: "Session", reason: str) -> None:
        """Somebody is gone."""

    def on_flooding(self, session: "Session") -> None:
        """End an accepted session that exceeded its packet or byte limit for `Bounds.flooding_s`."""


class Host(Protocol):
    """What a session and its transports need of the Engine.IO server."""

    bounds: "Bounds"  # limits of connections
    timers: "Timers"
    ping_interval: float  # seconds from a PONG to the next PING
    ping_timeout: float  # seconds from a PING to its PONG
    max_output_bytes: int  # bytes that may wait for a client to read them
    session_handler: SessionHandler

    def deliver_message(self, session: "Session", data: str | bytes) -> None:
        """Hand a message to the session handler, in order. Raises ProtocolError."""

    def on_closed(self, session: "Session", reason: str) -> None:
        """Forget a session that was closed. Called once per session."""

    def log_protocol_error(self, session: "Session", reason: str) -> None:
        """Count a violation of the protocol and log at most one of them a second."""

    def warn(self, session: "Session", message: str, reason: str) -> None:
        """Log why a connection ends, at most once a second."""


class TransportHost(Host, Protocol):
    """What the transports need besides."""

    STALLED_BYTES: int  # bytes in the write buffer of a WebSocket from which on it counts as stalled
    max_payload: int  # bytes of one message, or of the body of one POST
    body_timeout: float  # seconds for the body of a POST
    close_timeout: float  # seconds for the close frame of the client
    websockets: "set[Any]"  # all open WebSockets, also those of no session

    def schedule_flush(self, transport: Any) -> None:
        """Write what is queued on a transport at the end of this turn of the event loop."""

    def on_probe(self, session: "Session") -> None:
        """End the waiting poll of a session whose upgrade candidate was probed."""

    def on_upgraded(self, session: "Session", websocket: Any) -> None:
        """Make the upgrade candidate the transport of its session."""

    def linger(self, session: "Session") -> None:
        """Keep the last frames of an ended session for the poll that fetches them."""

    def stop_lingering(self, session: "Session") -> None:
        """Forget an ended session whose last frames were fetched."""


class Session:
    """A client between handshake and goodbye."""

    __slots__ = (
        "_awaiting_pong",
        "_heartbeat",
        "_pause_count",
        "closed",
        "connect_deadline",
        "connect_pending",
        "engine",
        "event_queue",
        "handler_timer",
        "handshake_info",
        "input_limiter",
        "ip_share",
        "namespace_clients",
        "partial_packet",
        "received_at",
        "refused_connects",
        "sid",
        "state",
        "transport",
        "upgrade_candidate",
    )

    def __init__(
        self,
        engine: "Host",
        sid: str,
        handshake_info: "HandshakeInfo",
        transport: Transport,
        ip_share: "IpShare",
    ) -> None:
        self.engine = engine
        self.sid = sid
        self.handshake_info = handshake_info
        self.transport = transport
        self.closed = False
        self.upgrade_candidate: Transport | None = None
        self.handler_timer: Timer | None = None  # the receiver's own time limit
        self.namespace_clients: dict[str, Any] = {}  # the receiver's
        self.partial_packet: Any = None  # the receiver's
        self.connect_deadline = 0.0  # the receiver's: when the time for a CONNECT is over
        self.refused_connects = 0  # the receiver's: refused CONNECTs
        self.state: dict[str, Any] | None = None  # python-socketio's `session`
        self.event_queue: SerialQueue | None = None
        self.received_at = clock.monotonic()  # when the last bytes of the client came
        self.ip_share = ip_share  # of the client's IP address
        self.input_limiter = InputLimiter(engine.bounds, self.received_at)  # what the client may still send
        self.connect_pending = (
            False  # whether a CONNECT waits for its answer: input over the limits waits too
        )
        self._pause_count = 0
        self._awaiting_pong = False
        self._heartbeat = engine.timers.after(engine.ping_interval, self._on_heartbeat)

    @property
    def session(self) -> dict[str, Any]:
        """What python-socketio keeps for its users."""
        if self.state is None:
            self.state = {}
        return self.state

    @property
    def upgraded(self) -> bool:
        return self.transport.name == "websocket"

    def accept(self) -> None:
        """Lift the limits of connections that are not accepted: a namespace is open. Safe to call twice."""
        if not self.input_limiter.accepted:
            self.input_limiter.accept(clock.monotonic())
            if not self.closed:
                self.transport.on_accepted()

    # Out.

    @property
    def max_output_bytes(self) -> int:
        """Bytes that may wait for the client to read them."""
        limit = self.engine.max_output_bytes
        return (
            limit if self.input_limiter.accepted else min(limit, self.engine.bounds.unaccepted_output_bytes)
        )

    def send(self, frame: Frame) -> None:
        """Queue a packet; never waits."""
        if not self.closed:
            self.transport.send(frame)

    @property
    def waiting_bytes(self) -> int:
        return self.transport.waiting_bytes

    # In.

    def receive(self, packet: str) -> None:
        """A text packet with its type in front. Raises Malformed."""
        kind = packet[:1]
        if kind == "4":
            self.engine.deliver_message(self, packet[1:])
        elif kind == "3":
            self._on_pong()
        elif kind == "1":
            self.close(CLIENT_DISCONNECT)
        else:
            raise ProtocolError("not a packet for a server")

    def receive_binary(self, data: bytes) -> None:
        """A binary message. Raises Malformed."""
        self.engine.deliver_message(self, data)

    def fail_protocol(self, reason: str) -> None:
        """End the session for a packet that breaks the protocol: close code 1002."""
        if not self.closed:
            self.engine.session_handler.on_protocol_error(self)
        self.engine.log_protocol_error(self, reason)
        self.close(TRANSPORT_ERROR, flush=True, code=CloseCode.PROTOCOL_ERROR)

    def refuse(self, reason: str) -> None:
        """End the session for a limit that it exceeded: close code 1008."""
        metrics.count("input_limit_closures", reason)
        self.engine.warn(self, "a client exceeded a limit", reason)
        self.close(TRANSPORT_ERROR, flush=True, code=CloseCode.POLICY_VIOLATION)

    def close_flooding(self) -> None:
        """End the session: it exceeded a limit for too long."""
        metrics.count("input_limit_closures", "flooding")
        if self.input_limiter.accepted:
            self.engine.session_handler.on_flooding(self)
        if not self.closed and not self.input_limiter.accepted:
            self.refuse("flooding before acceptance")

    # The brake.

    def pause(self) -> None:
        """Read no more until as many `resume`."""
        self._pause_count += 1
        if self._pause_count == 1 and not self.closed:
            self.transport.pause()

    def resume(self) -> None:
        self._pause_count -= 1
        if self._pause_count == 0:
            self.transport.resume()

    @property
    def paused(self) -> bool:
        return self._pause_count > 0

    # Heartbeats: a ping, its pong within `ping_timeout`, a pause of `ping_interval`.

    def _on_heartbeat(self) -> None:
        if self._awaiting_pong and not self.paused:  # else the PONG may have come, and waits to be read
            self.close(PING_TIMEOUT, flush=False)
            return
        self._awaiting_pong = True
        self._heartbeat = self.engine.timers.after(self.engine.ping_timeout, self._on_heartbeat)
        self.transport.send(packets.PING)

    def _on_pong(self) -> None:
        if self._awaiting_pong:
            self._awaiting_pong = False
            self.input_limiter.refund_packet()
            self._heartbeat.cancel()
            self._heartbeat = self.engine.timers.after(self.engine.ping_interval, self._on_heartbeat)

    # The end.

    def close(
        self, reason: str = SERVER_DISCONNECT, *, flush: bool = True, code: int = CloseCode.NORMAL_CLOSURE
    ) -> None:
        """End it; what is queued goes out first if `flush`. Again is no error."""
        if self._mark_closed():
            self.transport.close(reason, flush=flush, code=code)
            self.engine.on_closed(self, reason)

    def abort(self, reason: str = TRANSPORT_ERROR) -> None:
        """End it at once, whatever is queued."""
        if self._mark_closed():
            self.transport.abort()
            self.engine.on_closed(self, reason)

    def _mark_closed(self) -> bool:
        if self.closed:
            return False
        self.closed = True
        self._heartbeat.cancel()
        if self.handler_timer is not None:
            self.handler_timer.cancel()
        if self.upgrade_candidate is not None:
            self.upgrade_candidate.close(TRANSPORT_ERROR, flush=False)
            self.upgrade_candidate = None
        return True
