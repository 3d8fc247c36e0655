"""A process that reads and discards, with minimal responses to handshakes: used for the quiet value.

python -m bench.attacks.sink PORT CORE
"""

import json
import os
import selectors
import socket
import sys

OPEN_DATA = json.dumps({"sid": "sink", "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000})
READ_BYTES = 262_144
BACKLOG = 1024


def _frame(text: str) -> bytes:
    """Build a short text frame of a server."""
    data = text.encode()
    return bytes([0x81, 126]) + len(data).to_bytes(2, "big") + data


def _response(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


ACCEPTED_PACKETS = [f"0{OPEN_DATA}", '40/chat,{"sid":"sink"}', '42/chat,["ready",{}]']
WEBSOCKET_RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    + b"".join(_frame(text) for text in ACCEPTED_PACKETS)
)
POLL_RESPONSE = _response("200 OK", "\x1e".join(ACCEPTED_PACKETS))
NOT_FOUND_RESPONSE = _response("404 Not Found", "{}")


def first_response(data: bytes) -> bytes:
    """Return the response to the first bytes of a connection."""
    if b"pgrade: websocket" in data:
        return WEBSOCKET_RESPONSE
    return POLL_RESPONSE if b"transport=polling" in data else NOT_FOUND_RESPONSE


def main() -> None:
    """Listen until this process is killed."""
    port, core = int(sys.argv[1]), int(sys.argv[2])
    if core >= 0:
        os.sched_setaffinity(0, {core})
    os.nice(19)
    listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
    listener.setblocking(False)  # noqa: FBT003 - its signature
    print("ready", flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    answered_sockets: set[socket.socket] = set()
    buffer = bytearray(READ_BYTES)
    while True:
        for key, _ in selector.select():
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            try:
                if sock is listener:
                    accepted, _ = listener.accept()
                    accepted.setblocking(False)  # noqa: FBT003 - its signature
                    selector.register(accepted, selectors.EVENT_READ)
                    continue
                size = sock.recv_into(buffer)
                if size and b"POST" not in buffer[:4] and sock in answered_sockets:
                    continue
                if size:
                    answered_sockets.add(sock)
                    sock.send(first_response(bytes(buffer[: min(size, 2048)])))
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            if sock is not listener:
                selector.unregister(sock)
                answered_sockets.discard(sock)
                sock.close()


if __name__ == "__main__":
    main()
