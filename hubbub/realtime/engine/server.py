"""The Engine.IO server under python-socketio: sessions, their transports, one flush per loop turn."""

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

UPGRADE_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 15.0  # for a POST to come in whole
CLOSE_TIMEOUT_S = 5.0  # for the client's answer to our close
LINGER_TIMEOUT_S = 10.0  # for the poll that fetches what was queued when its session ended
MAX_OUTPUT_BYTES = 16_000_000  # bytes; the outermost bound, whatever the layers above allow
WARNING_INTERVAL_S = 1.0


class Engine(engineio.AsyncServer):
    """The public interface of engineio.AsyncServer, and an implementation that shares nothing with it."""

    sockets: dict[str, Session]

    STALLED_BYTES = 16_384

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
        **options: Any,
    ) -> None:
        """`handshakes`: of one IP address, None lifts it; `max_output`: unread bytes of a connection."""
        super().__init__(**{"async_mode": "aiohttp", **options})
        self.bounds = bounds or Bounds()
        self.upgrade_timeout = upgrade_timeout
        self.max_payload: int = self.max_http_buffer_size
        self.max_output_bytes = max_output_bytes
        self.body_timeout = BODY_TIMEOUT_S
        self.linger_timeout = LINGER_TIMEOUT_S
        self.close_timeout = CLOSE_TIMEOUT_S
        self.ip_limits = IpLimits(trusted_proxies, max_sessions_per_ip, handshake_rate)
        self._handshakes = HandshakeHandler(self)
        self.on_accepted_request: Callable[[web.BaseRequest], None] = lambda _: None
        self._sid_prefix = f"{instance}." if instance else ""
        self.draining = False  # draining: every handshake is refused
        self.session_handler: SessionHandler = EventHandlerAdapter(self.handlers)
        self.timers = Timers()
        self.websockets: set[WebSocket] = set()
        self.lingering: dict[str, Session] = {}
        self._unflushed: list[WebSocket | Polling] = []
        self._warned_at = float("-inf")

    # What python-socketio calls.

    def attach(self, app: web.Application, engineio_path: str = "engine.io") -> None:
        """Answer on a path of an aiohttp application, until it shuts down."""
        app.router.add_route("*", f"/{engineio_path.strip('/')}/", self.handle_request)
        app.on_shutdown.append(self._on_app_shutdown)

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Answer a request; a WebSocket leaves aiohttp here for good."""
        return await self._handshakes.handle_request(request)

    async def send(self, sid: str, data: str | bytes) -> None:
        """Send a message; a session that is gone is no error."""
        if (session := self.sockets.get(sid)) is not None:
            session.send(packets.message_frame(data))

    async def send_packet(self, sid: str, pkt: Any) -> None:
        """Send a packet of python-engineio's; it is encoded once, however many get it."""
        session = self.sockets.get(sid)
        if session is None:
            return
        frame = getattr(pkt, "frame", None)
        if frame is None:
            encoded = pkt.encode()
            frame = pkt.frame = (
                packets.text_frame(encoded) if isinstance(encoded, str) else packets.message_frame(encoded)
            )
        session.send(frame)

    async def get_session(self, sid: str) -> dict[str, Any]:
        """python-socketio's session of a client. Raises KeyError."""
        result: dict[str, Any] = self.sockets[sid].session
        return result

    async def save_session(self, sid: str, session: dict[str, Any]) -> None:
        """Keep a session. Raises KeyError."""
        self.sockets[sid].state = session

    async def disconnect(self, sid: str | None = None) -> None:
        """End a session, or all."""
        ended = list(self.sockets.values()) if sid is None else [self.sockets.get(sid)]
        for session in ended:
            if session is not None:
                session.close()

    def transport(self, sid: str) -> str:
        """`polling` or `websocket`. Raises KeyError."""
        name: str = self.sockets[sid].transport.name
        return name

    async def shutdown(self) -> None:
        """End all sessions, and whatever is left of their connections."""
        await self.disconnect()
        self._flush()
        for websocket in list(self.websockets):
            websocket.abort()
        self.lingering.clear()
        await asyncio.sleep(0)  # the transports tell in the loop's next turn
        self.timers.close()

    async def _on_app_shutdown(self, _app: web.Application) -> None:
        await self.shutdown()

    def generate_id(self) -> str:
        """An id that can't be guessed."""
        return secrets.token_urlsafe(15)

    # Sessions come and go.

    def open_session(self, request: web.BaseRequest, make_transport: Callable[[], Transport]) -> Session:
        """A new session, with its open packet queued; its id says which instance has it, for proxies."""
        transport = make_transport()
        handshake_info = HandshakeInfo(request)
        ip_share = self.ip_limits.add_session(handshake_info)
        session = Session(self, self._sid_prefix + self.generate_id(), handshake_info, transport, ip_share)
        transport.session = session  # type: ignore[attr-defined] # both have one
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

    def deliver_message(self, session: Session, data: str | bytes) -> None:
        """A message, in order. Raises Malformed."""
        if not session.closed:
            self.session_handler.on_message(session, data)

    def on_closed(self, session: Session, reason: str) -> None:
        """A session ended: tell it once."""
        self.sockets.pop(session.sid, None)
        self.ip_limits.shares.remove_session(session.ip_share)
        self.session_handler.on_closed(session, reason)

    def linger(self, session: Session) -> None:
        """Keep the last words of an ended session for the poll that asks for them."""
        self.lingering[session.sid] = session
        self.timers.after(self.linger_timeout, partial(self.stop_lingering, session))

    def stop_lingering(self, session: Session) -> None:
        """Nothing is left to be said."""
        self.lingering.pop(session.sid, None)

    def log_protocol_error(self, session: Session, reason: str) -> None:
        """Count what breaks the protocol; one short line a second at most."""
        metrics.count("malformed_packets")
        self.warn(session, "a client broke the protocol", reason)

    def warn(self, session: Session, message: str, reason: str) -> None:
        """Log why a connection ends; one short line a second at most."""
        now = clock.monotonic()
        if now - self._warned_at >= WARNING_INTERVAL_S:
            self._warned_at = now
            log.warning(message, extra={"eio_sid": session.sid, "why": reason[:80]})

    def on_probe(self, session: Session) -> None:
        """The candidate answers: the poll that waits ends, with what is queued or a noop."""
        if isinstance(session.transport, Polling):
            session.transport.complete_poll()

    def on_upgraded(self, session: Session, websocket: WebSocket) -> None:
        """The client goes on by WebSocket: what was queued for polls goes there."""
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

    # Out.

    def schedule_flush(self, transport: WebSocket | Polling) -> None:
        """Write what is queued there at the end of this turn of the loop."""
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
                # Members of a room got the same frames: they are joined once for all of them.
                if frames != last_frames:
                    last_frames = frames
                    data = frames[0] if len(frames) == 1 else b"".join(frames)
                transport.write(data)
            else:
                transport.complete_poll()  # type: ignore[union-attr] # the other kind
