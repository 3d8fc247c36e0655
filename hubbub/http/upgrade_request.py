"""FAST PATH: a WebSocket handshake, parsed without aiohttp.

Only the usual form is parsed: GET, HTTP/1.1, printable ASCII, each header once, no body. For everything else
there is aiohttp, which decides what is valid.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from multidict import CIMultiDict

PREFIX = b"GET /socket.io/?"
_METHOD, _VERSION, _END = "GET ", " HTTP/1.1", b"\r\n\r\n"
MAX_BYTES = 8000  # less than the limits of aiohttp for a line or a header
MAX_HEADERS = 60  # likewise
MAX_PARAMETERS = 10
_BODY_HEADERS = ("Content-Length", "Transfer-Encoding", "Expect")
_ENCODED = frozenset("%+#;")  # characters of a query that have to be decoded


class UpgradeRequest:
    """The part of aiohttp's request that a handshake of Engine.IO needs."""

    __slots__ = ("headers", "host", "protocol", "query", "remote", "scheme", "transport")

    method, path = "GET", "/socket.io/"

    def __init__(
        self,
        query: Mapping[str, str],
        headers: "CIMultiDict[str]",
        protocol: Any,  # noqa: ANN401 - of aiohttp, or the opening of a connection
        transport: asyncio.Transport,
    ) -> None:
        self.query = query
        self.headers = headers
        self.host = headers["Host"]
        self.protocol = protocol  # of the connection, which the handshake ends
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.remote: str | None = peer[0] if isinstance(peer, tuple) else None
        self.scheme = "https" if transport.get_extra_info("sslcontext") else "http"


def parse(data: bytes, protocol: Any, transport: asyncio.Transport) -> UpgradeRequest | None:  # noqa: ANN401 - as above
    """Return the handshake that is all of `data`, None if aiohttp must parse it."""
    if len(data) > MAX_BYTES or not (data.startswith(PREFIX) and data.endswith(_END) and data.isascii()):
        return None
    line, *lines = data[: -len(_END)].decode("ascii").split("\r\n")
    if not line.endswith(_VERSION) or not line.isprintable():
        return None
    query = _parse_query(line[len(PREFIX) : -len(_VERSION)])
    headers = _parse_headers(lines)
    if query is None or headers is None:
        return None
    return UpgradeRequest(query, headers, protocol, transport)


def _parse_query(text: str) -> dict[str, str] | None:
    """Return a query without encoded characters and repeated names."""
    if " " in text or not _ENCODED.isdisjoint(text):
        return None
    parts = text.split("&")
    query = {name: value for name, _, value in (part.partition("=") for part in parts)}
    return query if len(query) == len(parts) <= MAX_PARAMETERS else None


def _parse_headers(lines: list[str]) -> "CIMultiDict[str] | None":
    """Return headers of which each occurs once, of a request without a body."""
    headers: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not line.isprintable() or not name.replace("-", "").isalnum() or name in headers:
            return None
        headers[name] = value.strip()
    if len(headers) > MAX_HEADERS or "Host" not in headers or any(each in headers for each in _BODY_HEADERS):
        return None
    return headers
