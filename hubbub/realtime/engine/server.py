"""The Engine.IO server under python-socketio: sessions, their transports, one flush per loop turn."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import engineio
from aiohttp import web

from hubbub.core import client_ip, clock, metrics
from hubbub.core.client_ip import Network, rate_limit_key
from hubbub.ratelimit.gcra import GcraLimiter
from hubbub.ratelimit.rate import Rate
from hubbub.realtime.engine import handshake, packets
from hubbub.realtime.engine.bounds import Bounds
from hubbub.realtime.engine.handshake_info import HandshakeInfo, environ
from hubbub.realtime.engine.packets import ProtocolError
from hubbub.realtime.engine.polling import Polling
from hubbub.realtime.engine.serial_queue import SerialQueue
from hubbub.realtime.engine.session import BROKEN, Session, SessionHandler, Transport
from hubbub.realtime.engine.shares import Shares
from hubbub.realtime.engine.timers import Timers
from hubbub.realtime.engine.websocket import WebSocket

log = logging.getLogger(__name__)

UPGRADE_S = 10.0
BODY_S = 15.0  # for a POST to come in whole
CLOSE_S = 5.0  # for the client's answer to our close
LINGER_S = 10.0  # for the poll that fetches what was queued when its session ended
MAX_OUTPUT = 16_000_000  # bytes; the outermost bound, whatever the layers above allow
COMPLAIN_EVERY_S = 1.0


class Engine(engineio.AsyncServer):
    """The public interface of engineio.AsyncServer, and an implementation that shares nothing with it."""

    STALLED_BYTES = 16_384

    def __init__(  # noqa: PLR0913 - settings, by name
        self,
        *,
        upgrade_timeout: float = UPGRADE_S,
        sessions_per_address: float = float("inf"),
        trusted_proxies: Iterable[Network] = (),
        instance: str = "",
        bounds: Bounds | None = None,
        max_output: int = MAX_OUTPUT,
        handshakes: Rate | None = None,
        **options: Any,
    ) -> None:
        """`handshakes`: of one IP address, None lifts it; `max_output`: unread bytes of a connection."""
        super().__init__(**{"async_mode": "aiohttp", **options})
        self.bounds = bounds or Bounds()
        self.upgrade_timeout = upgrade_timeout
        self.max_payload: int = self.max_http_buffer_size
        self.max_output = max_output
        self.body_timeout = BODY_S
        self.linger_timeout = LINGER_S
        self.close_timeout = CLOSE_S
        self._sessions_per_address = sessions_per_address
        self._trusted_proxies = tuple(trusted_proxies)
        self.on_accepted_request: Callable[[web.BaseRequest], None] = lambda _: None
        self._handshake_rate = handshakes
        self._handshakes = GcraLimiter()  # by IP address
        self._prefix = f"{instance}." if instance else ""
        self.leaving = False  # draining: every handshake is refused
        self._shares = Shares()
        self.receiver: SessionHandler = _Handlers(self)
        self.timers = Timers()
        self.websockets: set[WebSocket] = set()
        self.lingering: dict[str, Session] = {}
        self._dirty: list[WebSocket | Polling] = []
        self._complained = float("-inf")

    # What python-socketio calls.

    def attach(self, app: web.Application, engineio_path: str = "engine.io") -> None:
        """Answer on a path of an aiohttp application, until it shuts down."""
        app.router.add_route("*", f"/{engineio_path.strip('/')}/", self.handle_request)
        app.on_shutdown.append(self._shutdown)

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Answer a request; a WebSocket leaves aiohttp here for good."""
        return await handshake.answer(self, request)

    async def send(self, sid: str, data: str | bytes) -> None:
        """Send a message; a session that is gone is no error."""
        if (session := self.sockets.get(sid)) is not None:
            session.send(packets.message(data))

    async def send_packet(self, sid: str, pkt: Any) -> None:
        """Send a packet of python-engineio's; it is encoded once, however many get it."""
        session = self.sockets.get(sid)
        if session is None:
            return
        frame = getattr(pkt, "frame", None)
        if frame is None:
            encoded = pkt.encode()
            frame = pkt.frame = (
                packets.text(encoded) if isinstance(encoded, str) else packets.message(encoded)
            )
        session.send(frame)

    async def get_session(self, sid: str) -> dict[str, Any]:
        """python-socketio's session of a client. Raises KeyError."""
        found: dict[str, Any] = self.sockets[sid].session
        return found

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
        name: str = self.sockets[sid].way.name
        return name

    async def shutdown(self) -> None:
        """End all sessions, and whatever is left of their connections."""
        await self.disconnect()
        self._flush()
        for socket in list(self.websockets):
            socket.abort()
        self.lingering.clear()
        await asyncio.sleep(0)  # the transports tell in the loop's next turn
        self.timers.close()

    async def _shutdown(self, _app: web.Application) -> None:
        await self.shutdown()

    def generate_id(self) -> str:
        """An id that can't be guessed."""
        return secrets.token_urlsafe(15)

    # Sessions come and go.

    def has_room(self, request: web.BaseRequest) -> bool:
        """Whether one more session of that address is borne."""
        address = rate_limit_key(client_ip.from_request(request, self._trusted_proxies))
        return self._shares.sessions(address) < self._sessions_per_address

    def acquire_handshake(self, request: web.BaseRequest) -> int:
        """Count a handshake of an IP address; return the milliseconds to wait if there is none left."""
        if self._handshake_rate is None:
            return 0
        address = rate_limit_key(client_ip.from_request(request, self._trusted_proxies))
        return self._handshakes.acquire(address, self._handshake_rate).wait_ms

    def open(self, request: web.BaseRequest, make_way: Callable[[], Transport]) -> Session:
        """A new session, with its open packet queued; its id says which instance has it, for proxies."""
        way = make_way()
        origin = HandshakeInfo(request)
        share = self._shares.join(rate_limit_key(self.ip_of(origin)))
        session = Session(self, self._prefix + self.generate_id(), origin, way, share)
        way.session = session  # type: ignore[attr-defined] # both have one
        self.sockets[session.sid] = session
        upgrades = ["websocket"] if way.name == "polling" and self.can_upgrade else []
        way.send(handshake.open_packet(self, session.sid, upgrades))
        self.receiver.opened(session, request)
        return session

    def ip_of(self, origin: HandshakeInfo) -> str:
        """The IP address of a client, behind trusted proxies as well."""
        return client_ip.resolve(origin.remote, origin.forwarded, self._trusted_proxies)

    @property
    def can_upgrade(self) -> bool:
        return bool(self.allow_upgrades and "websocket" in self.transports)

    def deliver(self, session: Session, data: str | bytes) -> None:
        """A message, in order. Raises Malformed."""
        if not session.closed:
            self.receiver.message(session, data)

    def gone(self, session: Session, reason: str) -> None:
        """A session ended: tell it once."""
        self.sockets.pop(session.sid, None)
        self._shares.leave(session.share)
        self.receiver.closed(session, reason)

    def linger(self, session: Session) -> None:
        """Keep the last words of an ended session for the poll that asks for them."""
        self.lingering[session.sid] = session
        self.timers.after(self.linger_timeout, partial(self.forget, session))

    def forget(self, session: Session) -> None:
        """Nothing is left to be said."""
        self.lingering.pop(session.sid, None)

    def log_protocol_error(self, session: Session, why: str) -> None:
        """Count what breaks the protocol; one short line a second at most."""
        metrics.count("malformed_packets")
        self.warn(session, "a client broke the protocol", why)

    def warn(self, session: Session, sentence: str, why: str) -> None:
        """Log why a connection ends; one short line a second at most."""
        now = clock.monotonic()
        if now - self._complained >= COMPLAIN_EVERY_S:
            self._complained = now
            log.warning(sentence, extra={"eio_sid": session.sid, "why": why[:80]})

    def probed(self, session: Session) -> None:
        """The candidate answers: the poll that waits ends, with what is queued or a noop."""
        if isinstance(session.way, Polling):
            session.way.answer_poll()

    def upgraded(self, session: Session, socket: WebSocket) -> None:
        """The client goes on by WebSocket: what was queued for polls goes there."""
        polling = session.way
        session.upgrading = None
        session.way = socket
        if isinstance(polling, Polling):
            for frame in polling.take():
                socket.send(frame)
            polling.answer_poll()
            polling.resume()
        if session.held:
            socket.pause()

    # Out.

    def flush_soon(self, way: WebSocket | Polling) -> None:
        """Write what is queued there at the end of this turn of the loop."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(way)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        last: list[bytes] = []
        data = b""
        for way in dirty:
            if way.__class__ is WebSocket:
                out = way.take()
                if not out:
                    continue
                # Members of a room got the same frames: they are joined once for all of them.
                if out != last:
                    last = out
                    data = out[0] if len(out) == 1 else b"".join(out)
                way.write(data)
            else:
                way.answer_poll()  # type: ignore[union-attr] # the other kind


class _Handlers:
    """Sessions for handlers registered by `on`, as python-engineio's documentation has it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def opened(self, session: Session, request: Any) -> None:
        session.accept()  # there are no namespaces here that could accept it
        session.lane = SerialQueue(session)
        session.lane.put(partial(self._run, session, "connect", environ(request)))

    def message(self, session: Session, data: str | bytes) -> None:
        assert session.lane is not None  # noqa: S101 - given at its opening
        session.lane.put(partial(self._run, session, "message", data))

    def malformed(self, session: Session) -> None:
        """Nothing is to be sent."""

    def closed(self, session: Session, reason: str) -> None:
        assert session.lane is not None  # noqa: S101 - given at its opening
        session.lane.clear()
        session.lane.put(partial(self._run, session, "disconnect", reason))

    def flooding(self, session: Session) -> None:
        session.refuse("flooding")

    async def _run(self, session: Session, event: str, argument: Any) -> None:
        handler = self._engine.handlers.get(event)
        if handler is None:
            return
        try:
            answer = handler(session.sid, argument)
            if asyncio.iscoroutine(answer):
                answer = await answer
        except (ProtocolError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            session.malformed(type(error).__name__)
        except Exception:
            log.exception("a handler failed", extra={"event": event})
            session.close(BROKEN)
        else:
            if event == "connect" and answer is not None and answer is not True:
                session.close()
