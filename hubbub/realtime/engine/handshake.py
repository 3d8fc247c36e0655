"""The HTTP requests of Engine.IO: handshakes, polls, POSTs, and the takeover of a WebSocket from aiohttp."""

import base64
import binascii
import hashlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from aiohttp import web

from hubbub.core import metrics
from hubbub.ratelimit.bounded_log import BoundedLog
from hubbub.realtime.engine.handshake_info import HandshakeInfo
from hubbub.realtime.engine.ip_limits import IpLimits
from hubbub.realtime.engine.polling import POLL_CONTENT_TYPE, PayloadTooLarge, Polling
from hubbub.realtime.engine.session import Session, TransportHost
from hubbub.realtime.engine.transport import TRANSPORT_ERROR, Transport
from hubbub.realtime.engine.websocket import WebSocket

if TYPE_CHECKING:
    import asyncio


_refusal_log = BoundedLog(logging.getLogger(__name__))

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
WEBSOCKET_KEY_BYTES = 16
ERROR_MESSAGES = {
    0: "Transport unknown",
    1: "Session ID unknown",
    2: "Bad handshake method",
    3: "Bad request",
    4: "Forbidden",
    5: "Unsupported protocol version: this server speaks Engine.IO 4 (socket.io-client 3 and later)",
    6: "Too many connections",
    7: "This instance is shutting down",
    8: "Too many handshakes from this IP address",
}


RETRY_ELSEWHERE_HEADER = "X-Retry-Elsewhere"  # set by a proxy that tries another instance after a 502
RETRY_AFTER_S = {6: 5, 7: 2}  # seconds, by code of temporary refusals, which stock clients retry


class _Refused(Exception):
    """A refused request: the code and HTTP status of its response, and the seconds of `Retry-After`."""

    def __init__(self, code: int, status: int = 400, retry_after_s: int | None = None) -> None:
        super().__init__(ERROR_MESSAGES[code])
        self.code = code
        self.status = status
        self.retry_after_s = retry_after_s or RETRY_AFTER_S.get(code)


class HandshakeHost(TransportHost, Protocol):
    """What the handling of requests needs of the Engine.IO server."""

    sockets: dict[str, Session]  # the open sessions, by sid
    lingering: dict[str, Session]  # ended sessions whose last frames are not fetched yet, by sid
    transports: Any  # names of the transports that are offered
    draining: bool  # whether every handshake is refused
    upgrade_timeout: float  # seconds from the handshake of an upgrade candidate to the end of the upgrade
    ip_limits: IpLimits
    cors_allowed_origins: Any  # as python-engineio has it
    on_accepted_request: Callable[[web.BaseRequest], None]  # called for each request of an accepted session

    @property
    def can_upgrade(self) -> bool:
        """Whether a session may change from polling to WebSocket."""

    def open_session(self, request: web.BaseRequest, make_transport: Callable[[], Transport]) -> Session:
        """Open a session, with its open packet queued."""

    def _cors_allowed_origins(self, environ: dict[str, Any]) -> Any: ...

    def _cors_headers(self, environ: dict[str, Any]) -> list[tuple[str, str]]: ...


class HandshakeHandler:
    """Handles the requests to the path of Engine.IO: handshakes, upgrades, polls and POSTs."""

    def __init__(self, engine: HandshakeHost) -> None:
        self._engine = engine

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Handle a request to the path of Engine.IO. Does not raise, whatever the client sends."""
        try:
            self._check_origin(request)
            response = await self._route(request)
        except _Refused as refused:
            response = _json(refused.status, {"code": refused.code, "message": str(refused)})
            if refused.retry_after_s is not None:
                response.headers["Retry-After"] = str(refused.retry_after_s)
        except PayloadTooLarge:
            response = _json(413, {"code": 3, "message": "Payload too large"})
            response.force_close()
        if not response.prepared:
            for name, value in self._cors_headers(request):
                response.headers[name] = value
            response.headers["Cache-Control"] = "no-store"
        return response

    async def _route(self, request: web.Request) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return web.Response(status=204)
        query = request.query
        if query.get("EIO") != "4":
            raise _Refused(5)
        transport = query.get("transport", "")
        if transport not in self._engine.transports:
            raise _Refused(0)
        sid = query.get("sid")
        session = None
        if sid is not None:
            session = self._engine.sockets.get(sid) or self._engine.lingering.get(sid)
            if session is None:
                raise _Refused(1)
        if transport == "websocket":
            return self._handle_websocket(request, session)
        return await self._handle_polling(request, session)

    async def _handle_polling(self, request: web.Request, session: Session | None) -> web.StreamResponse:
        if request.method not in {"GET", "POST"}:
            raise _Refused(2 if session is None else 3)
        if session is None:
            if request.method != "GET":
                raise _Refused(2)
            self._check_new_session(request)
            session = self._engine.open_session(request, lambda: Polling(self._engine))
        if session.input_limiter.accepted:
            self._engine.on_accepted_request(request)
        transport = session.transport
        if not isinstance(transport, Polling):
            raise _Refused(3)
        if request.method == "GET":
            body = await transport.handle_poll(request)
            if body is None:
                raise _Refused(3)
            return web.Response(body=body, headers={"Content-Type": POLL_CONTENT_TYPE})
        if session.closed or not await transport.receive_payload(request):
            raise _Refused(3)
        return web.Response(body=b"ok", headers={"Content-Type": "text/html"})

    def _handle_websocket(self, request: web.Request, session: Session | None) -> web.StreamResponse:
        accept_key = _accept_key(request)
        if session is not None and (session.closed or not self._engine.can_upgrade):
            raise _Refused(3)
        if session is None:
            self._check_new_session(request)
        transport = request.transport
        if transport is None or transport.is_closing():
            return _SwitchedResponse(status=101)
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        transport.write(head + b"Sec-WebSocket-Accept: " + accept_key + b"\r\n\r\n")
        websocket = WebSocket(self._engine, transport)
        early_data = _switch_protocol(request, transport, websocket)
        if session is None:
            self._engine.open_session(request, lambda: websocket)
        elif session.upgraded or session.upgrade_candidate is not None:
            websocket.close(TRANSPORT_ERROR, flush=False)  # a second WebSocket never disturbs the first one
            return _SwitchedResponse(status=101)
        else:
            websocket.session = session
            session.upgrade_candidate = websocket
            websocket.set_deadline(self._engine.upgrade_timeout)
        if early_data:
            websocket.data_received(early_data)
        return _SwitchedResponse(status=101)

    def _check_new_session(self, request: web.Request) -> None:
        """Refuse a new session for a temporary cause: 503 with Retry-After, never a 4xx.

        A proxy in front of several instances gets 502 from an instance that drains, and stops using that
        instance for a while. It must not do so after a 503, which concerns one client only.
        """
        if self._engine.draining:
            self._record_refusal(request, "draining")
            raise _Refused(7, 502 if RETRY_ELSEWHERE_HEADER in request.headers else 503)
        if not self._engine.ip_limits.has_capacity(request):
            self._record_refusal(request, "address")
            raise _Refused(6, 503)
        if wait_ms := self._engine.ip_limits.acquire_handshake(request):
            self._record_refusal(request, "rate")
            raise _Refused(8, 503, -(-wait_ms // 1000))

    def _record_refusal(self, request: web.Request, reason: str) -> None:
        metrics.count("handshakes_refused", reason)
        _refusal_log.write(
            "handshake refused", reason=reason, ip=self._engine.ip_limits.ip_of(HandshakeInfo(request))
        )

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        if origin is None or self._engine.cors_allowed_origins == []:
            return
        allowed = self._engine._cors_allowed_origins(_cors_environ(request))  # noqa: SLF001 - of the class we extend
        if allowed is not None and origin not in allowed:
            raise _Refused(4, 403)

    def _cors_headers(self, request: web.Request) -> list[tuple[str, str]]:
        if "Origin" not in request.headers and request.method != "OPTIONS":
            return []
        headers: list[tuple[str, str]] = self._engine._cors_headers(_cors_environ(request))  # noqa: SLF001 - likewise
        return headers


def _accept_key(request: web.Request) -> bytes:
    """Return the value of `Sec-WebSocket-Accept`. Raises _Refused if this is no WebSocket handshake."""
    headers = request.headers
    key = headers.get("Sec-WebSocket-Key", "").strip()
    # Connection and Upgrade are lists, which may be spread over several lines (RFC 9110, 5.3, 7.6.1, 7.8).
    tokens = _header_list(request, "Connection")
    try:
        valid_key = len(base64.b64decode(key, validate=True)) == WEBSOCKET_KEY_BYTES
    except (binascii.Error, ValueError):
        valid_key = False
    if (
        request.method != "GET"
        or "websocket" not in _header_list(request, "Upgrade")
        or "upgrade" not in tokens
        or headers.get("Sec-WebSocket-Version") != "13"
        or not valid_key
    ):
        raise _Refused(3)
    return base64.b64encode(hashlib.sha1(key.encode() + WEBSOCKET_GUID, usedforsecurity=False).digest())


def _header_list(request: web.Request, name: str) -> list[str]:
    """Return the members of a list header, in lower case."""
    return [token.strip().lower() for token in ",".join(request.headers.getall(name, ())).split(",")]


def _switch_protocol(request: web.Request, transport: "asyncio.Transport", websocket: WebSocket) -> bytes:
    """Make `websocket` the protocol of a transport. aiohttp treats the connection as lost and releases it.

    Returns the bytes that followed the handshake.
    """
    protocol = request.protocol
    early_data: bytes = protocol._message_tail  # noqa: SLF001 - not available in public; tests pin it
    transport.set_protocol(websocket)
    protocol.transport = None  # otherwise aiohttp closes it
    protocol.connection_lost(None)
    if not transport.is_reading():
        transport.resume_reading()
    return early_data


class _SwitchedResponse(web.StreamResponse):
    """The response to a request whose connection aiohttp no longer has: nothing is written."""

    @property
    def prepared(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> None:  # noqa: ARG002 - nothing is written
        return None

    async def write_eof(self, data: Any = b"") -> None:
        """Do nothing."""


def _json(status: int, body: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")


def _cors_environ(request: web.Request) -> dict[str, Any]:
    """Return the part of a WSGI environ that python-engineio's CORS rules use."""
    result: dict[str, Any] = {
        "aiohttp.request": request,
        "REQUEST_METHOD": request.method,
        "HTTP_HOST": request.host,
        "wsgi.url_scheme": request.headers.get("X-Forwarded-Proto", request.scheme),
    }
    for name in ("Origin", "X-Forwarded-Proto", "X-Forwarded-Host", "Access-Control-Request-Headers"):
        if name in request.headers:
            result["HTTP_" + name.upper().replace("-", "_")] = request.headers[name]
    return result
