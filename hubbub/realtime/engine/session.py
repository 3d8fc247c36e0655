"""The Engine.IO session of one client, which stays the same when its transport changes."""

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
    from hubbub.core.turn_budget import TurnBudget
    from hubbub.realtime.engine.bounds import Bounds
    from hubbub.realtime.engine.handshake_info import HandshakeInfo
    from hubbub.realtime.engine.serial_queue import SerialQueue
    from hubbub.realtime.engine.shares import IpShare
    from hubbub.realtime.engine.timers import Timer, Timers


class SessionHandler(Protocol):
    """Receives what happens to sessions, without a task in between."""

    @property
    def needs_request(self) -> bool:
        """Whether handlers of an application get the request of `on_opened`, with its route."""

    def on_opened(self, session: "Session", request: Any) -> None:
        """Handle a new session."""

    def on_message(self, session: "Session", data: str | bytes) -> None:
        """Handle a message. Called in the order of the messages. Raises ProtocolError: the session ends."""

    def on_protocol_error(self, session: "Session") -> None:
        """Send closing events before the session ends for a violation of the protocol."""

    def on_closed(self, session: "Session", reason: str) -> None:
        """Handle the end of a session. Called once per session."""

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
    turn_budget: "TurnBudget"  # the time of a turn of the event loop for sessions that are not accepted

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
    """The session of one client, from its handshake to its end."""

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
        self.engine = engine  # the server
        self.sid = sid  # Engine.IO id, which begins with the id of the instance
        self.handshake_info = handshake_info  # IP address and credentials
        self.transport = transport  # WebSocket or Polling
        self.closed = False  # whether it has ended
        self.upgrade_candidate: Transport | None = None  # the WebSocket of an upgrade that is not complete
        self.state: dict[str, Any] | None = None  # python-socketio's `session`; None: not used
        self.received_at = clock.monotonic()  # monotonic time of the last bytes from the client
        self.ip_share = ip_share  # the share of the client's IP address
        self.input_limiter = InputLimiter(engine.bounds, self.received_at)
        self.connect_pending = False  # whether a CONNECT is undecided: input over the limits waits for it
        # The next six belong to the session handler.
        self.handler_timer: Timer | None = None  # its time limit
        self.namespace_clients: dict[str, Any] = {}  # clients by namespace
        self.partial_packet: Any = None  # a packet whose attachments are incomplete
        self.connect_deadline = 0.0  # loop time at which the time for a CONNECT is over
        self.refused_connects = 0  # refused CONNECTs
        self.event_queue: SerialQueue | None = None  # events for registered handlers
        self._pause_count = 0  # `pause` without its `resume`
        self._awaiting_pong = False  # whether a PING has no PONG yet
        self._heartbeat = engine.timers.after(engine.ping_interval, self._on_heartbeat)

    @property
    def session(self) -> dict[str, Any]:
        """The dictionary that python-socketio's `get_session` returns."""
        if self.state is None:
            self.state = {}
        return self.state

    @property
    def upgraded(self) -> bool:
        return self.transport.name == "websocket"

    def accept(self) -> None:
        """Lift the limits of an unaccepted connection: a namespace is open. Safe to call twice."""
        if not self.input_limiter.accepted:
            self.input_limiter.accept(clock.monotonic())
            if not self.closed:
                self.transport.on_accepted()

    # Output.

    @property
    def max_output_bytes(self) -> int:
        """The limit for bytes that wait for the client to read them."""
        if self.input_limiter.accepted:
            return self.engine.max_output_bytes
        return min(self.engine.max_output_bytes, self.engine.bounds.unaccepted_output_bytes)

    def send(self, frame: Frame) -> None:
        """Queue a packet. Never waits. Does nothing after the end of the session."""
        if not self.closed:
            self.transport.send(frame)

    @property
    def waiting_bytes(self) -> int:
        return self.transport.waiting_bytes

    # Input.

    def receive(self, packet: str) -> None:
        """Handle a text packet, which begins with its type. Raises ProtocolError."""
        kind = packet[:1]
        if kind == "4":
            if not self.closed:
                self.engine.session_handler.on_message(self, packet[1:])
        elif kind == "3":
            self._on_pong()
        elif kind == "1":
            self.close(CLIENT_DISCONNECT)
        else:
            raise ProtocolError("not a packet for a server")

    def receive_binary(self, data: bytes) -> None:
        """Handle a binary message. Raises ProtocolError."""
        if not self.closed:
            self.engine.session_handler.on_message(self, data)

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
        """End a session that exceeded a limit for too long."""
        metrics.count("input_limit_closures", "flooding")
        if self.input_limiter.accepted:
            self.engine.session_handler.on_flooding(self)
        if not self.closed and not self.input_limiter.accepted:
            self.refuse("flooding before acceptance")

    # Flow control.

    def pause(self) -> None:
        """Stop reading from the client, until each `pause` has had its `resume`."""
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
        if self._awaiting_pong and not self.paused:  # while paused, the PONG may wait unread
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

    # End.

    def close(
        self, reason: str = SERVER_DISCONNECT, *, flush: bool = True, code: int = CloseCode.NORMAL_CLOSURE
    ) -> None:
        """End the session, after the queued frames are sent if `flush`. Safe to call twice."""
        if self._mark_closed():
            self.transport.close(reason, flush=flush, code=code)
            self.engine.on_closed(self, reason)

    def abort(self, reason: str = TRANSPORT_ERROR) -> None:
        """End the session at once, without the queued frames. Safe to call twice."""
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
