"""Attacks on the level of TCP and HTTP: many, idle, slow and endless connections."""

from bench.attacks import wire
from bench.attacks.script import Attack, Script, Steps, flood, idle, storm
from bench.attacks.wire import request

INCOMPLETE_HEADER = request("GET", "/health/live")[:-2]  # without its end
TLS_CLIENT_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(506)  # the beginning of a TLS handshake


def _nothing(_: int) -> Steps:
    yield b""


def _first_byte(_: int) -> Steps:
    yield b"G"


ATTACKS: list[Attack] = [
    Attack("tcp-connect", "connections that are reset at once", lambda _: Script(_nothing, 100), quick=True),
    Attack("tcp-byte", "connections that are reset after a byte", lambda _: Script(_first_byte, 100)),
    Attack("tcp-idle", "900 connections that send nothing", lambda _: idle(b"")),
    Attack("tcp-idle-3000", "3,000 connections that send nothing", lambda _: idle(b"", connections=3000)),
    Attack("tcp-slow-header", "900 headers of a few bytes a second", lambda _: idle(INCOMPLETE_HEADER, b"X-A: b\r\n")),
    Attack("tcp-slow-line", "900 request lines of a byte a second", lambda _: idle(b"GET /", b"x")),
    Attack("tcp-header-without-end", "endless header lines", lambda _: flood(INCOMPLETE_HEADER, b"X-A: b\r\n" * 8000)),
    Attack("tcp-line-without-end", "an endless request line", lambda _: flood(b"GET /", b"x" * 65536)),
    Attack("tcp-lines", "endless empty lines", lambda _: flood(b"", b"\r\n" * 32768)),
    Attack("tcp-zeros", "endless zeros", lambda _: flood(b"", bytes(65536))),
    Attack("tcp-tls", "TLS on a port for HTTP", lambda _: storm(TLS_CLIENT_HELLO)),
    Attack("tcp-http2", "HTTP/2 without negotiation", lambda _: storm(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(1000))),
    Attack("tcp-slow-websocket", "900 incomplete handshakes", lambda _: idle(wire.websocket_handshake()[:-2], b"X-A: b\r\n")),
    Attack("tcp-slow-body", "900 bodies of a byte a second", lambda _: idle(request("POST", "/api/v1/auth/login", "Content-Type: application/json", "Content-Length: 9000"), b" ")),
    Attack("tcp-slow-chunks", "900 bodies of a chunk a second", lambda _: idle(request("POST", "/api/v1/auth/login", "Content-Type: application/json", "Transfer-Encoding: chunked"), b"1\r\n \r\n")),
]  # fmt: skip
