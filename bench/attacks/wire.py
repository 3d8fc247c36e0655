"""Bytes of HTTP requests, WebSocket frames and Socket.IO packets, built once and sent many times."""

import json
import struct
from typing import Any

PATH = "/socket.io/?EIO=4&transport="
TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0


def frame(data: bytes | str, opcode: int = TEXT, *, final: bool = True) -> bytes:
    """Build a client's WebSocket frame. The mask is zero, which every server has to accept."""
    data = data.encode() if isinstance(data, str) else data
    size = len(data)
    head = bytes([(0x80 if final else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + struct.pack(">H", size)
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", size)
    return head + bytes(4) + data


def request(method: str, path: str, *headers: str, body: bytes | None = None) -> bytes:
    """Build an HTTP request. Its Content-Length follows from the body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def api_request(method: str, path: str, token: str = "", body: Any = None) -> bytes:
    """Build a request to the REST API with a JSON body."""
    headers = [f"Authorization: Bearer {token}"] if token else []
    if body is None:
        return request(method, f"/api/v1{path}", *headers)
    headers.append("Content-Type: application/json")
    return request(method, f"/api/v1{path}", *headers, body=json.dumps(body).encode())


def websocket_handshake(sid: str = "", *headers: str) -> bytes:
    """Build the handshake of a WebSocket."""
    path = f"{PATH}websocket" + (f"&sid={sid}" if sid else "")
    return request(
        "GET",
        path,
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==",
        *headers,
    )


def connect_packet(token: str, namespace: str = "/chat", **extra_auth: Any) -> str:
    """Build a CONNECT packet."""
    return f"40{namespace}," + json.dumps({"token": token, **extra_auth}, separators=(",", ":"))


def event_packet(name: str, payload: Any, ack_id: int | None = None, namespace: str = "/chat") -> str:
    """Build an EVENT packet. With an `ack_id` it requests an ack."""
    head = "" if ack_id is None else str(ack_id)
    return f"42{namespace},{head}" + json.dumps([name, payload], separators=(",", ":"))


def repeat_to_size(data: bytes, size: int = 65536) -> bytes:
    """Repeat `data` at least once, up to about `size` bytes."""
    return data * max(1, size // len(data))
