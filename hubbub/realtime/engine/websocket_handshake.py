"""The handshake of a WebSocket (RFC 6455, 4.2), and the takeover of its connection from aiohttp."""

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

from aiohttp import web

from hubbub.realtime.engine.websocket import WebSocket

if TYPE_CHECKING:
    import asyncio

    from hubbub.realtime.engine.session import TransportHost

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
WEBSOCKET_KEY_BYTES = 16
_RESPONSE_HEAD = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)


def accept_key_of(request: web.BaseRequest) -> bytes | None:
    """Return the value of `Sec-WebSocket-Accept`, None if the request is no WebSocket handshake."""
    headers = request.headers
    key = headers.get("Sec-WebSocket-Key", "").strip()
    try:
        valid_key = len(base64.b64decode(key, validate=True)) == WEBSOCKET_KEY_BYTES
    except (binascii.Error, ValueError):
        valid_key = False
    if (
        request.method != "GET"
        # Connection and Upgrade are lists, which may be spread over lines (RFC 9110, 5.3, 7.6.1, 7.8).
        or "websocket" not in _header_list(request, "Upgrade")
        or "upgrade" not in _header_list(request, "Connection")
        or headers.get("Sec-WebSocket-Version") != "13"
        or not valid_key
        or len(headers.getall("Sec-WebSocket-Key")) > 1  # RFC 6455, 11.3.1
    ):
        return None
    return base64.b64encode(hashlib.sha1(key.encode() + WEBSOCKET_GUID, usedforsecurity=False).digest())


def _header_list(request: web.BaseRequest, name: str) -> list[str]:
    """Return the members of a list header, in lower case."""
    return [token.strip().lower() for token in ",".join(request.headers.getall(name, ())).split(",")]


def switch(
    engine: "TransportHost", request: web.BaseRequest, accept_key: bytes
) -> tuple[WebSocket, bytes] | None:
    """Accept a handshake, and take the connection over. Return it with the bytes that followed.

    Returns None if the client has disconnected.
    """
    transport = request.transport
    if transport is None or transport.is_closing():
        return None
    transport.write(_RESPONSE_HEAD + accept_key + b"\r\n\r\n")
    websocket = WebSocket(engine, transport)
    return websocket, _switch_protocol(request, transport, websocket)


def _switch_protocol(request: web.BaseRequest, transport: "asyncio.Transport", websocket: WebSocket) -> bytes:
    """Make `websocket` the protocol of a transport. aiohttp treats the connection as lost and releases it."""
    protocol = request.protocol
    early_data: bytes = protocol._message_tail  # noqa: SLF001 - not available in public; tests pin it
    transport.set_protocol(websocket)
    protocol.transport = None  # otherwise aiohttp closes it
    protocol.connection_lost(None)
    if not transport.is_reading():
        transport.resume_reading()
    return early_data


class SwitchedResponse(web.StreamResponse):
    """The response to a request whose connection aiohttp no longer has: nothing is written."""

    @property
    def prepared(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> None:  # noqa: ARG002 - nothing is written
        return None

    async def write_eof(self, data: Any = b"") -> None:
        """Do nothing."""
