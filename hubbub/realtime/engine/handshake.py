"""The HTTP side: what a request asks for, and the WebSocket's way out of aiohttp."""

import base64
import binascii
import hashlib
import logging
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from hubbub.core import metrics
from hubbub.ratelimit.bounded_log import BoundedLog
from hubbub.realtime.engine import packets
from hubbub.realtime.engine.handshake_info import HandshakeInfo
from hubbub.realtime.engine.polling import POLL_TYPE, Polling, TooLong
from hubbub.realtime.engine.session import BROKEN
from hubbub.realtime.engine.websocket import WebSocket

if TYPE_CHECKING:
    import asyncio

    from hubbub.realtime.engine.server import Engine
    from hubbub.realtime.engine.session import Session

_refusals = BoundedLog(logging.getLogger(__name__))

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY_BYTES = 16
PROBLEMS = {
    0: "Transport unknown",
    1: "Session ID unknown",
    2: "Bad handshake method",
    3: "Bad request",
    4: "Forbidden",
    5: "Unsupported protocol version: this server speaks Engine.IO 4 (socket.io-client 3 and later)",
    6: "Too many connections",
    7: "This instance is going down",
    8: "Too many handshakes of this IP address",
}


ELSEWHERE = "X-Retry-Elsewhere"  # from a proxy that tries another instance after a 502
RETRY_AFTER_S = {6: 5, 7: 2}  # of refusals that pass; stock clients take them for a failed transport


class _Refused(Exception):
    def __init__(self, code: int, status: int = 400, retry_after_s: int | None = None) -> None:
        super().__init__(PROBLEMS[code])
        self.code = code
        self.status = status
        self.retry_after_s = retry_after_s or RETRY_AFTER_S.get(code)


def open_packet(engine: "Engine", sid: str, upgrades: list[str]) -> packets.Frame:
    """What a session begins with; times in milliseconds."""
    said = {
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": round(engine.ping_interval * 1000),
        "pingTimeout": round(engine.ping_timeout * 1000),
        "maxPayload": engine.max_payload,
    }
    return packets.Frame(b"0" + msgspec.json.encode(said))


async def answer(engine: "Engine", request: web.Request) -> web.StreamResponse:
    """Answer any request to the path; nothing a client sends makes it raise."""
    try:
        _check_origin(engine, request)
        response = await _route(engine, request)
    except _Refused as refused:
        response = _json(refused.status, {"code": refused.code, "message": str(refused)})
        if refused.retry_after_s is not None:
            response.headers["Retry-After"] = str(refused.retry_after_s)
    except TooLong:
        response = _json(413, {"code": 3, "message": "Payload too large"})
        response.force_close()
    if not response.prepared:
        for name, value in _cors(engine, request):
            response.headers[name] = value
        response.headers["Cache-Control"] = "no-store"
    return response


async def _route(engine: "Engine", request: web.Request) -> web.StreamResponse:
    if request.method == "OPTIONS":
        return web.Response(status=204)
    query = request.query
    if query.get("EIO") != "4":
        raise _Refused(5)
    transport = query.get("transport", "")
    if transport not in engine.transports:
        raise _Refused(0)
    sid = query.get("sid")
    session = None
    if sid is not None:
        session = engine.sockets.get(sid) or engine.lingering.get(sid)
        if session is None:
            raise _Refused(1)
    if transport == "websocket":
        return _websocket(engine, request, session)
    return await _poll(engine, request, session)


async def _poll(engine: "Engine", request: web.Request, session: "Session | None") -> web.StreamResponse:
    if request.method not in {"GET", "POST"}:
        raise _Refused(2 if session is None else 3)
    if session is None:
        if request.method != "GET":
            raise _Refused(2)
        _check_open(engine, request)
        session = engine.open(request, lambda: Polling(engine))
    if session.intake.accepted:
        engine.on_accepted_request(request)
    way = session.way
    if not isinstance(way, Polling):
        raise _Refused(3)
    if request.method == "GET":
        body = await way.poll(request)
        if body is None:
            raise _Refused(3)
        return web.Response(body=body, headers={"Content-Type": POLL_TYPE})
    if session.closed or not await way.post(request):
        raise _Refused(3)
    return web.Response(body=b"ok", headers={"Content-Type": "text/html"})


def _websocket(engine: "Engine", request: web.Request, session: "Session | None") -> web.StreamResponse:
    accept = _accept_key(request)
    if session is not None and (session.closed or not engine.can_upgrade):
        raise _Refused(3)
    if session is None:
        _check_open(engine, request)
    transport = request.transport
    if transport is None or transport.is_closing():
        return _Taken(status=101)
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    transport.write(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    socket = WebSocket(engine, transport)
    came = _take_over(request, transport, socket)
    if session is None:
        engine.open(request, lambda: socket)
    elif session.upgraded or session.upgrading is not None:
        socket.close(BROKEN, flush=False)  # a second WebSocket never disturbs the first one
        return _Taken(status=101)
    else:
        socket.session = session
        session.upgrading = socket
        socket.limit(engine.upgrade_timeout)
    if came:
        socket.data_received(came)
    return _Taken(status=101)


def _accept_key(request: web.Request) -> bytes:
    """The answer to the client's key. Raises _Refused if this is no WebSocket handshake."""
    headers = request.headers
    key = headers.get("Sec-WebSocket-Key", "").strip()
    # Both are lists, which may be spread over several lines (RFC 9110, 5.3, 7.6.1 and 7.8).
    tokens = _tokens(request, "Connection")
    try:
        whole = len(base64.b64decode(key, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        whole = False
    if (
        request.method != "GET"
        or "websocket" not in _tokens(request, "Upgrade")
        or "upgrade" not in tokens
        or headers.get("Sec-WebSocket-Version") != "13"
        or not whole
    ):
        raise _Refused(3)
    return base64.b64encode(hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest())


def _tokens(request: web.Request, name: str) -> list[str]:
    """The members of a header that is a list, in lower case."""
    return [token.strip().lower() for token in ",".join(request.headers.getall(name, ())).split(",")]


def _take_over(request: web.Request, transport: "asyncio.Transport", socket: WebSocket) -> bytes:
    """Make `socket` the transport's protocol; aiohttp believes the connection lost, and lets go of it.

    Returns what came behind the handshake.
    """
    protocol = request.protocol
    came: bytes = protocol._message_tail  # noqa: SLF001 - nothing public has it; tests pin it
    transport.set_protocol(socket)
    protocol.transport = None  # or it would close it
    protocol.connection_lost(None)
    if not transport.is_reading():
        transport.resume_reading()
    return came


class _Taken(web.StreamResponse):
    """The answer to a request whose connection aiohttp no longer has."""

    @property
    def prepared(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> None:  # noqa: ARG002 - nothing is written
        return None

    async def write_eof(self, data: Any = b"") -> None:
        """Nothing to end."""


def _json(status: int, said: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(said), content_type="application/json")


def _environ(request: web.Request) -> dict[str, Any]:
    """The part of a WSGI environ that python-engineio's CORS rules look at."""
    found: dict[str, Any] = {
        "aiohttp.request": request,
        "REQUEST_METHOD": request.method,
        "HTTP_HOST": request.host,
        "wsgi.url_scheme": request.headers.get("X-Forwarded-Proto", request.scheme),
    }
    for name in ("Origin", "X-Forwarded-Proto", "X-Forwarded-Host", "Access-Control-Request-Headers"):
        if name in request.headers:
            found["HTTP_" + name.upper().replace("-", "_")] = request.headers[name]
    return found


def _check_open(engine: "Engine", request: web.Request) -> None:
    """Refuse a new session for a cause that passes: 503 with Retry-After, never a 4xx.

    A proxy with several instances gets 502 from one that drains, and stops using that instance for a while.
    It must not do so after a 503, which concerns one client alone.
    """
    if engine.leaving:
        _note_refusal(engine, request, "draining")
        raise _Refused(7, 502 if ELSEWHERE in request.headers else 503)
    if not engine.has_room(request):
        _note_refusal(engine, request, "address")
        raise _Refused(6, 503)
    if wait_ms := engine.acquire_handshake(request):
        _note_refusal(engine, request, "rate")
        raise _Refused(8, 503, -(-wait_ms // 1000))


def _note_refusal(engine: "Engine", request: web.Request, reason: str) -> None:
    metrics.count("handshakes_refused", reason)
    _refusals.write("handshake refused", reason=reason, ip=engine.ip_of(HandshakeInfo(request)))


def _check_origin(engine: "Engine", request: web.Request) -> None:
    origin = request.headers.get("Origin")
    if origin is None or engine.cors_allowed_origins == []:
        return
    allowed = engine._cors_allowed_origins(_environ(request))  # noqa: SLF001 - of the class we extend
    if allowed is not None and origin not in allowed:
        raise _Refused(4, 403)


def _cors(engine: "Engine", request: web.Request) -> list[tuple[str, str]]:
    if "Origin" not in request.headers and request.method != "OPTIONS":
        return []
    headers: list[tuple[str, str]] = engine._cors_headers(_environ(request))  # noqa: SLF001 - likewise
    return headers
