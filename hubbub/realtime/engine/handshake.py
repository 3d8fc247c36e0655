"""The HTTP requests of Engine.IO: handshakes, polls, POSTs, and the takeover of a WebSocket from aiohttp."""

import logging
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from aiohttp import web

from hubbub.core import metrics
from hubbub.ratelimit.bounded_log import BoundedLog
from hubbub.realtime.engine.handshake_info import HandshakeInfo
from hubbub.realtime.engine.ip_limits import IpLimits
from hubbub.realtime.engine.polling import POLL_CONTENT_TYPE, PayloadTooLarge, Polling
from hubbub.realtime.engine.session import Session, TransportHost
from hubbub.realtime.engine.transport import TRANSPORT_ERROR, Transport
from hubbub.realtime.engine.websocket_handshake import SwitchedResponse, accept_key_of, switch

_refusal_log = BoundedLog(logging.getLogger(__name__))

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
    9: "Too many handshakes at once",
}


RETRY_ELSEWHERE_HEADER = "X-Retry-Elsewhere"  # set by a proxy that tries another instance after a 502
RETRY_AFTER_S = {6: 5, 7: 2, 9: 2}  # seconds, by code of temporary refusals, which stock clients retry
# Values of the metric's label, by code of temporary refusals.
_REASON_LABELS = {6: "address", 7: "draining", 8: "rate", 9: "busy"}


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

    def open_session(
        self, request: web.BaseRequest, handshake_info: HandshakeInfo, transport: Transport
    ) -> Session:
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
            handshake_info = self._check_new_session(request)
            session = self._engine.open_session(request, handshake_info, Polling(self._engine))
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

    def upgrade(self, request: web.Request) -> bool:
        """Open a session on a new WebSocket. Return False, without having counted it, if that can't be done.

        `handle_request` then repeats the checks and responds.
        """
        query = request.query
        if query.get("EIO") != "4" or query.get("transport") != "websocket" or "sid" in query:
            return False
        handshake_info = self._engine.ip_limits.describe(request)
        accept_key = accept_key_of(request)
        if accept_key is None or "websocket" not in self._engine.transports:
            return False
        try:
            self._check_origin(request)
            self._check_limits(request, handshake_info)
        except _Refused:
            return False
        self._open_websocket(request, accept_key, handshake_info)
        return True

    def _handle_websocket(self, request: web.Request, session: Session | None) -> web.StreamResponse:
        if (accept_key := accept_key_of(request)) is None:
            raise _Refused(3)
        if session is None:
            self._open_websocket(request, accept_key, self._check_new_session(request))
        elif session.closed or not self._engine.can_upgrade:
            raise _Refused(3)
        elif (switched := switch(self._engine, request, accept_key)) is not None:
            websocket, early_data = switched
            if session.upgraded or session.upgrade_candidate is not None:
                websocket.close(TRANSPORT_ERROR, flush=False)  # it never disturbs the first one
            else:
                websocket.session = session
                session.upgrade_candidate = websocket
                websocket.set_deadline(self._engine.upgrade_timeout)
                websocket.data_received(early_data)
        return SwitchedResponse(status=101)

    def _open_websocket(self, request: web.Request, accept_key: bytes, handshake_info: HandshakeInfo) -> None:
        if (switched := switch(self._engine, request, accept_key)) is not None:
            websocket, early_data = switched
            self._engine.open_session(request, handshake_info, websocket)
            if early_data:
                websocket.data_received(early_data)

    def _check_new_session(self, request: web.Request) -> HandshakeInfo:
        """Return what is needed of the handshake of a new session, or count why it is refused and raise."""
        handshake_info = self._engine.ip_limits.describe(request)
        try:
            self._check_limits(request, handshake_info)
        except _Refused as refused:
            reason = _REASON_LABELS[refused.code]
            metrics.count("handshakes_refused", reason)
            _refusal_log.write("handshake refused", reason=reason, ip=handshake_info.ip)
            raise
        return handshake_info

    def _check_limits(self, request: web.Request, handshake_info: HandshakeInfo) -> None:
        """Refuse a new session for a temporary cause: 503 with Retry-After, never a 4xx.

        A proxy in front of several instances gets 502 from an instance that drains, and stops using that
        instance for a while. It must not do so after a 503, which concerns one client only.
        """
        limits, ip = self._engine.ip_limits, handshake_info.ip
        if self._engine.draining:
            raise _Refused(7, 502 if RETRY_ELSEWHERE_HEADER in request.headers else 503)
        if self._engine.turn_budget.full:
            raise _Refused(9, 503)
        if not limits.has_capacity(ip):
            raise _Refused(6, 503)
        if wait_ms := limits.acquire_handshake(ip):
            raise _Refused(8, 503, -(-wait_ms // 1000))

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
