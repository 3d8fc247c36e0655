"""A process that reads and drops, and answers handshakes just enough: the quiet value is measured beside it.

python -m bench.attacks.sink PORT CORE
"""

import json
import os
import selectors
import socket
import sys

OPEN = json.dumps({"sid": "sink", "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000})
READ_BYTES = 262_144
BACKLOG = 1024


def _frame(text: str) -> bytes:
    """A short text frame of a server."""
    data = text.encode()
    return bytes([0x81, 126]) + len(data).to_bytes(2, "big") + data


def _response(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


ACCEPTED = [f"0{OPEN}", '40/chat,{"sid":"sink"}', '42/chat,["ready",{}]']
WEBSOCKET = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    + b"".join(_frame(text) for text in ACCEPTED)
)
POLL = _response("200 OK", "\x1e".join(ACCEPTED))
OTHER = _response("404 Not Found", "{}")


def greeting(data: bytes) -> bytes:
    """What is sent after the first bytes of a connection."""
    if b"pgrade: websocket" in data:
        return WEBSOCKET
    return POLL if b"transport=polling" in data else OTHER


def main() -> None:
    """Listen until this process is ended."""
    port, core = int(sys.argv[1]), int(sys.argv[2])
    if core >= 0:
        os.sched_setaffinity(0, {core})
    os.nice(19)
    listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
    listener.setblocking(False)  # noqa: FBT003 - its signature
    print("ready", flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    greeted: set[socket.socket] = set()
    buffer = bytearray(READ_BYTES)
    while True:
        for key, _ in selector.select():
            wire = key.fileobj
            assert isinstance(wire, socket.socket)
            try:
                if wire is listener:
                    fresh, _ = listener.accept()
                    fresh.setblocking(False)  # noqa: FBT003 - its signature
                    selector.register(fresh, selectors.EVENT_READ)
                    continue
                size = wire.recv_into(buffer)
                if size and b"POST" not in buffer[:4] and wire in greeted:
                    continue
                if size:
                    greeted.add(wire)
                    wire.send(greeting(bytes(buffer[: min(size, 2048)])))
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            if wire is not listener:
                selector.unregister(wire)
                greeted.discard(wire)
                wire.close()


if __name__ == "__main__":
    main()
