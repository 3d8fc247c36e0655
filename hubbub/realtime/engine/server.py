"""The Engine.IO server below python-socketio: sessions, their transports, one flush per loop turn."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import engineio
from aiohttp import web

from hubbub.core import clock, metrics
from hubbub.core.client_ip import Network
from hubbub.core.turn_budget import TurnBudget
from hubbub.ratelimit.rate import Rate
from hubbub.realtime.engine import packets
from hubbub.realtime.engine.bounds import Bounds
from hubbub.realtime.engine.event_handlers import EventHandlerAdapter
from hubbub.realtime.engine.handshake import HandshakeHandler
from hubbub.realtime.engine.handshake_info import HandshakeInfo
from hubbub.realtime.engine.ip_limits import IpLimits
from hubbub.realtime.engine.polling import Polling
from hubbub.realtime.engine.session import Session, SessionHandler
from hubbub.realtime.engine.timers import Timers
from hubbub.realtime.engine.transport import Transport
from hubbub.realtime.engine.websocket import WebSocket

log = logging.getLogger(__name__)

UPGRADE_TIMEOUT_S = 10.0  # for an upgrade, from its handshake
BODY_TIMEOUT_S = 15.0  # for the body of a POST
CLOSE_TIMEOUT_S = 5.0  # for the client's close frame after the server's
LINGER_TIMEOUT_S = 10.0  # for the poll that fetches the last frames of an ended session
MAX_OUTPUT_BYTES = 16_000_000  # unread bytes of a connection, whatever the layers above permit
WARNING_INTERVAL_S = 1.0  # between two warnings about connections


class Engine(engineio.AsyncServer):
    """Has the public interface of engineio.AsyncServer, and an implementation of its own."""

    sockets: dict[str, Session]  # the open sessions, by sid

    STALLED_BYTES = 16_384  # bytes in the write buffer of a WebSocket from which on it counts as stalled

    def __init__(  # noqa: PLR0913 - settings, by name
        self,
        *,
        upgrade_timeout: float = UPGRADE_TIMEOUT_S,
        max_sessions_per_ip: float = float("inf"),
        trusted_proxies: Iterable[Network] = (),
        instance: str = "",
        bounds: Bounds | None = None,
        max_output_bytes: int = MAX_OUTPUT_BYTES,
        handshake_rate: Rate | None = None,
        turn_budget: TurnBudget | None = None,
        **options: Any,
    ) -> None:
        """Create a server that accepts no connections until `attach`.

        `handshake_rate` is for each IP address, None lifts it. `max_output_bytes` is the limit for unread
        bytes of a connection. `instance` is the prefix of session ids.
        """
        super().__init__(**{"async_mode": "aiohttp", **options})
        self.bounds = bounds or Bounds()  # limits of the input of each connection
        # The time of a turn of the event loop for connections that are not accepted.
        self.turn_budget = TurnBudget() if turn_budget is None else turn_budget
        self.upgrade_timeout = upgrade_timeout  # seconds for an upgrade
        self.max_payload: int = self.max_http_buffer_size  # bytes of one message, or of the body of one POST
        self.max_output_bytes = max_output_bytes  # unread bytes of a connection
        self.body_timeout = BODY_TIMEOUT_S  # seconds for the body of a POST
        self.linger_timeout = LINGER_TIMEOUT_S  # seconds for the poll that fetches the last frames
        self.close_timeout = CLOSE_TIMEOUT_S  # seconds for the close frame of the client
        # Sessions and handshakes of each IP address.
        self.ip_limits = IpLimits(trusted_proxies, max_sessions_per_ip, handshake_rate)
        self._handshakes = HandshakeHandler(self)
        # Called for each HTTP request of an accepted session.
        self.on_accepted_request: Callable[[web.BaseRequest], None] = lambda _: None
        self._sid_prefix = f"{instance}." if instance else ""  # names the instance, for proxies
        self.draining = False  # whether every handshake is refused
        self.session_handler: SessionHandler = EventHandlerAdapter(self.handlers)
        self.timers = Timers()  # time limits and heartbeats of all sessions
        self.websockets: set[WebSocket] = set()  # all open WebSockets, also those of no session
        self.lingering: dict[str, Session] = {}  # ended sessions with last frames to fetch, by sid
        self._unflushed: list[WebSocket | Polling] = []  # transports with frames queued in this turn
        self._warned_at = float("-inf")  # monotonic time of the last warning

    # Methods that python-socketio calls.

    def attach(self, app: web.Application, engineio_path: str = "engine.io") -> None:
        """Serve a path of an aiohttp application, until it shuts down."""
        app.router.add_route("*", f"/{engineio_path.strip('/')}/", self.handle_request)
        app.on_shutdown.append(self._on_app_shutdown)

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Handle a request. A WebSocket is taken over from aiohttp here."""
        return await self._handshakes.handle_request(request)

    def upgrade(self, request: web.Request) -> bool:
        """Take over the connection of a new WebSocket at once, if that can be done.

        Returns False for a request that needs `handle_request`, which also responds to what is refused.
        """
        return not self.session_handler.needs_request and self._handshakes.upgrade(request)

    async def send(self, sid: str, data: str | bytes) -> None:
        """Send a message. Does nothing if the session has ended."""
        if (session := self.sockets.get(sid)) is not None:
            session.send(packets.message_frame(data))

    async def send_packet(self, sid: str, pkt: Any) -> None:
        """Send a packet of python-engineio. It is encoded once for all recipients."""
        session = self.sockets.get(sid)
        if session is None:
            return
        frame = getattr(pkt, "frame", None)
        if frame is None:
            encoded = pkt.encode()
            encode = packets.text_frame if isinstance(encoded, str) else packets.message_frame
            frame = pkt.frame = encode(encoded)
        session.send(frame)

    async def get_session(self, sid: str) -> dict[str, Any]:
        """Return the dictionary that an application keeps for a client. Raises KeyError."""
        result: dict[str, Any] = self.sockets[sid].session
        return result

    async def save_session(self, sid: str, session: dict[str, Any]) -> None:
        """Replace the dictionary that an application keeps for a client. Raises KeyError."""
        self.sockets[sid].state = session

    async def disconnect(self, sid: str | None = None) -> None:
        """End a session, or (None) all of them."""
        ended = list(self.sockets.values()) if sid is None else [self.sockets.get(sid)]
        for session in ended:
            if session is not None:
                session.close()

    def transport(self, sid: str) -> str:
        """Return the transport of a session, `polling` or `websocket`. Raises KeyError."""
        name: str = self.sockets[sid].transport.name
        return name

    async def shutdown(self) -> None:
        """End all sessions and close all connections."""
        await self.disconnect()
        self._flush()
        for websocket in list(self.websockets):
            websocket.abort()
        self.lingering.clear()
        await asyncio.sleep(0)  # the transports call `connection_lost` in the next turn of the loop
        self.timers.close()

    async def _on_app_shutdown(self, _app: web.Application) -> None:
        await self.shutdown()

    def generate_id(self) -> str:
        """Return a random id that cannot be guessed: 120 bits."""
        return secrets.token_urlsafe(15)

    # Begin and end of sessions.

    def open_session(
        self, request: web.BaseRequest, handshake_info: HandshakeInfo, transport: Transport
    ) -> Session:
        """Open a session, with its open packet queued. Its id names the instance, for proxies."""
        ip_share = self.ip_limits.add_session(handshake_info.ip)
        session = Session(self, self._sid_prefix + self.generate_id(), handshake_info, transport, ip_share)
        transport.session = session  # type: ignore[attr-defined] # both transports have it
        self.sockets[session.sid] = session
        upgrades = ["websocket"] if transport.name == "polling" and self.can_upgrade else []
        transport.send(
            packets.open_packet(
                session.sid, upgrades, self.ping_interval, self.ping_timeout, self.max_payload
            )
        )
        self.session_handler.on_opened(session, request)
        return session

    @property
    def can_upgrade(self) -> bool:
        return bool(self.allow_upgrades and "websocket" in self.transports)

    def on_closed(self, session: Session, reason: str) -> None:
        """Forget a session that was closed, and call the session handler. Called once per session."""
        self.sockets.pop(session.sid, None)
        self.ip_limits.shares.remove_session(session.ip_share)
        self.session_handler.on_closed(session, reason)

    def linger(self, session: Session) -> None:
        """Keep the last frames of an ended session for the poll that fetches them."""
        self.lingering[session.sid] = session
        self.timers.after(self.linger_timeout, partial(self.stop_lingering, session))

    def stop_lingering(self, session: Session) -> None:
        """Forget an ended session. Safe to call twice."""
        self.lingering.pop(session.sid, None)

    def log_protocol_error(self, session: Session, reason: str) -> None:
        """Count a violation of the protocol and log it, at most one a second."""
        metrics.count("malformed_packets")
        self.warn(session, "a client violated the protocol", reason)

    def warn(self, session: Session, message: str, reason: str) -> None:
        """Log why a connection ends, at most one short line a second."""
        now = clock.monotonic()
        if now - self._warned_at >= WARNING_INTERVAL_S:
            self._warned_at = now
            log.warning(message, extra={"eio_sid": session.sid, "why": reason[:80]})

    def on_probe(self, session: Session) -> None:
        """End the waiting poll of a session whose WebSocket was probed, with queued packets or a NOOP."""
        if isinstance(session.transport, Polling):
            session.transport.complete_poll()

    def on_upgraded(self, session: Session, websocket: WebSocket) -> None:
        """Make a WebSocket the transport of its session. It gets the frames that were queued for polls."""
        polling = session.transport
        session.upgrade_candidate = None
        session.transport = websocket
        if isinstance(polling, Polling):
            for frame in polling.drain_output():
                websocket.send(frame)
            polling.complete_poll()
            polling.resume()
        if session.paused:
            websocket.pause()

    # Output.

    def schedule_flush(self, transport: WebSocket | Polling) -> None:
        """Write the queue of a transport at the end of this turn of the event loop."""
        if not self._unflushed:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unflushed.append(transport)

    def _flush(self) -> None:
        dirty, self._unflushed = self._unflushed, []
        last_frames: list[bytes] = []
        data = b""
        for transport in dirty:
            if transport.__class__ is WebSocket:
                frames = transport.drain_output()
                if not frames:
                    continue
                # Members of a room get the same frames, which are joined once for all of them.
                if frames != last_frames:
                    last_frames = frames
                    data = frames[0] if len(frames) == 1 else b"".join(frames)
                transport.write(data)
            else:
                transport.complete_poll()  # type: ignore[union-attr] # a Polling
