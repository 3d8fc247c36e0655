"""Attacks on a server over raw connections: malformed, slow, incomplete, too large or endless input.

An attack gives back what it leaves open; the server must get rid of that by itself.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.realtime.conftest import PollingClient, TcpClient, WebSocketClient

PATHS = ["/socket.io/", "/engine.io/"]
PLACES = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
GOOD = [
    b"40", b"40/custom,", b'42["message",1]', b'421["message-with-ack",{"a":[1]}]', b"41", b"3", b"1",
    b'451-["message",{"_placeholder":true,"num":0}]', b"431[]", b"2probe", b"5", b"4", b"",
]  # fmt: skip

NEAR_LIMIT = 990_000  # bytes; a packet has at most 1,000,000
HOSTILE = [
    '42["message",' + "[" * 101 + '"' + '\\"' * (NEAR_LIMIT // 2),  # a string without end
    '42["message",' + "[" * NEAR_LIMIT,
    '42["message",[' + "[]," * (NEAR_LIMIT // 3) + "[]]]",
    '42["message","' + "\\u0041" * (NEAR_LIMIT // 6) + '"]',
    '42["message",1.' + "9" * NEAR_LIMIT + "]",
    '40{"token":"x","more":[' + "[]," * (NEAR_LIMIT // 3) + "[]]}",
    "431[" + "[]," * (NEAR_LIMIT // 3) + "[]]",
    "42" + "9" * NEAR_LIMIT,
]

Attack = Callable[[int, random.Random], Awaitable[TcpClient | None]]


def _bytes(dice: random.Random, most: int) -> bytes:
    return dice.randbytes(dice.randrange(most))


def _packet(dice: random.Random) -> bytes:
    """Something like a packet."""
    changed = bytearray(dice.choice(GOOD))
    for _ in range(dice.randrange(3)):
        place = dice.randrange(len(changed) + 1)
        changed[place : place + dice.randrange(2)] = _bytes(dice, 4)
    return bytes(changed)


def _request(dice: random.Random) -> bytes:
    """Something like a request, without its end."""
    method = dice.choice([b"GET", b"POST", b"PUT", b"OPTIONS", b"HEAD", b"PRI", _bytes(dice, 8)])
    query = b"&".join(
        dice.choice(
            [b"EIO=4", b"EIO=3", b"transport=polling", b"transport=websocket", b"sid=x", _bytes(dice, 9)]
        )
        for _ in range(4)
    )
    head = b"".join(
        dice.choice(
            [
                b"", b"Content-Length: 5\r\n", b"Content-Length: -5\r\n", b"Transfer-Encoding: chunked\r\n",
                b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"Sec-WebSocket-Version: 13\r\n",
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", b"Origin: \xff\xfe\r\n", b"Host: [\r\n",
                b"Expect: 100-continue\r\n", b"Content-Encoding: gzip\r\n", _bytes(dice, 40) + b"\r\n",
            ]
        )
        for _ in range(3)
    )  # fmt: skip
    version = dice.choice([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9", b""])
    return method + b" /socket.io/?" + query + b" " + version + b"\r\nHost: x\r\n" + head


async def malformed_http(port: int, dice: random.Random) -> TcpClient | None:
    """The response is a client error, or there is none."""
    wire = await TcpClient(port).connect()
    wire.send(_request(dice) + b"\r\n" + _bytes(dice, 50))
    with suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        async with asyncio.timeout(0.1):
            first = await wire.reader.readuntil(b"\r\n")
            assert first.startswith(b"HTTP/1.") and int(first.split()[1]) < 500, first  # noqa: PT018 - one thing
    wire.writer.transport.abort()
    return None


async def half_a_request(port: int, dice: random.Random) -> TcpClient | None:
    """Nothing, or some of a header, and then silence."""
    wire = await TcpClient(port).connect()
    whole = _request(dice)
    wire.send(whole[: dice.randrange(len(whole))])
    return wire


async def half_a_body(port: int, dice: random.Random) -> TcpClient | None:
    polls = await PollingClient(port, dice.choice(PATHS)).handshake()
    wire = await TcpClient(port).connect()
    length = dice.choice(["Content-Length: 500", "Transfer-Encoding: chunked"])
    query = f"EIO=4&transport=polling&sid={polls.sid}"
    wire.send(f"POST {polls.path}?{query} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n4".encode())
    return wire


async def malformed_packets(port: int, dice: random.Random) -> TcpClient | None:
    wire = await WebSocketClient(port).handshake("/socket.io/")
    wire.send_text("40")
    for _ in range(dice.randrange(30)):
        wire.send(
            WebSocketClient.frame(_packet(dice), dice.choice([0x81, 0x81, 0x82, 0x01, 0x80, 0x89, 0x88]))
        )
    return wire


async def malformed_frames(port: int, dice: random.Random) -> TcpClient | None:
    wire = await WebSocketClient(port).handshake(dice.choice(PATHS))
    wire.send(_bytes(dice, 300))
    return wire


async def malformed_payloads(port: int, dice: random.Random) -> TcpClient | None:
    polls = await PollingClient(port, "/socket.io/").handshake()
    await polls.post_packets("40")
    body = b"\x1e".join(_packet(dice) for _ in range(dice.randrange(1, 9)))
    status, _, _ = await polls.request("POST", body)
    assert status in {200, 400}, (status, body)
    return None


async def stalled(port: int, dice: random.Random) -> TcpClient | None:
    """Request more than is read."""
    wire = await WebSocketClient(port).handshake(dice.choice(PATHS))
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined] # of sockets
    said = b"4" + b"x" * 50_000 if wire.path == PATHS[1] else b'42["message","' + b"x" * 50_000 + b'"]'
    wire.send(WebSocketClient.frame(b"40") if wire.path == PATHS[0] else b"")
    for _ in range(200):
        wire.send(WebSocketClient.frame(said, key=b"\0\0\0\0"))
    return wire


async def unread_pings(port: int, dice: random.Random) -> TcpClient | None:
    """PINGs, and CONNECTs that are refused, of a client that reads nothing."""
    wire = await WebSocketClient(port).handshake("/socket.io/")
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined] # of sockets
    wire.send(
        dice.choice(
            [WebSocketClient.frame(b"x" * 125, 0x89) * 20_000, WebSocketClient.frame(b"40/none,") * 20_000]
        )
    )
    return wire


async def _accepted(port: int) -> WebSocketClient:
    """A client with an open namespace."""
    wire = await WebSocketClient(port).handshake("/socket.io/")
    wire.send_text("40")
    for _ in range(3):  # the open packet, the ack of CONNECT, the first event
        await wire.receive()
    return wire


async def good_frames(port: int, dice: random.Random) -> TcpClient | None:
    """Frames that are well-formed, without end."""
    wire = await (_accepted(port) if dice.random() < 0.5 else WebSocketClient(port).handshake("/socket.io/"))
    first, again = dice.choice(
        [
            (b"", WebSocketClient.frame(b"", 0x8A)),
            (b"", WebSocketClient.frame(b"3")),
            (b"", WebSocketClient.frame(b"", 0x82)),
            (WebSocketClient.frame(b"", 0x01), WebSocketClient.frame(b"", 0x00)),
        ]
    )
    wire.send(first + again * 200_000)
    return wire


async def refused_connects(port: int, dice: random.Random) -> TcpClient | None:
    """One refused CONNECT after the other."""
    packet = dice.choice(["40/none,", '40/none,{"token":"x"}', "40/" + "x" * 1000 + ","])
    if dice.random() < 0.5:
        wire = await WebSocketClient(port).handshake("/socket.io/")
        wire.send(WebSocketClient.frame(packet.encode()) * 20_000)
        return wire
    await (await PollingClient(port, "/socket.io/").handshake()).post_packets(
        *[packet] * (900_000 // len(packet))
    )
    return None


def hostile_json(text: str) -> Attack:
    """JSON near the largest size, over both transports, before CONNECT and after it."""

    async def attack(port: int, dice: random.Random) -> TcpClient | None:
        data = WebSocketClient.frame(text.encode(), key=b"\0\0\0\0")
        early, wire = await WebSocketClient(port).handshake("/socket.io/"), await _accepted(port)
        early.send(data)
        wire.send(data)
        await (await PollingClient(port, "/socket.io/").handshake()).post_packets(text)
        accepted = await PollingClient(port, "/socket.io/").handshake()
        await accepted.post_packets("40")
        await accepted.receive_packets(2)  # the ack of CONNECT, the first event
        await accepted.post_packets(text)
        early.writer.transport.abort()
        return wire

    return attack


async def flood(port: int, dice: random.Random) -> TcpClient | None:
    """Send many small packets at once and disconnect."""
    wire = await WebSocketClient(port).handshake("/socket.io/")
    wire.send_text("40")
    wire.send(
        WebSocketClient.frame(dice.choice([b"3", b'42["message",1]', b'421["message-with-ack"]'])) * 3000
    )
    with suppress(ConnectionError):
        await wire.writer.drain()
    wire.writer.transport.abort()
    return None


async def drops(port: int, dice: random.Random) -> TcpClient | None:
    """Byte by byte, and not to the end."""
    wire = await WebSocketClient(port).handshake("/socket.io/")
    whole = WebSocketClient.frame(b"40") + WebSocketClient.frame(b'42["message","slowly"]')
    for byte in whole[: dice.randrange(len(whole))]:
        wire.send(bytes((byte,)))
        await asyncio.sleep(0.002)
    return wire


async def parts_without_end(port: int, dice: random.Random) -> TcpClient | None:
    """Attachments, or fragments of a message, that never arrive."""
    wire = await WebSocketClient(port).handshake("/socket.io/")
    wire.send_text("40")
    if dice.random() < 0.5:
        wire.send_text(f'452-["message",{PLACES}]')
        wire.send(WebSocketClient.frame(b"x", 0x82) if dice.random() < 0.5 else b"")
    else:
        wire.send(WebSocketClient.frame(b"4", 0x01))
        wire.send(WebSocketClient.frame(b"x" * 1000, 0x00) * 1100)
    return wire


async def broken_upgrade(port: int, dice: random.Random) -> TcpClient | None:
    """Abort at any step. Another upgrade is tried, and the session polls on or not."""
    polls = await PollingClient(port, "/engine.io/").handshake()
    for _ in range(dice.randrange(1, 3)):
        wire = await WebSocketClient(port).handshake(sid=polls.sid)
        if wire.status != 101:  # HTTP continues: that connection is valid
            wire.writer.transport.abort()
            return None
        steps = WebSocketClient.frame(b"2probe") + WebSocketClient.frame(b"5") + WebSocketClient.frame(b"4x")
        wire.send(steps[: dice.randrange(len(steps))])
        if dice.random() < 0.3:
            await polls.request("GET")
        if dice.random() < 0.7:
            wire.writer.transport.abort()
    return wire


async def poll_given_up(port: int, dice: random.Random) -> TcpClient | None:
    polls = await PollingClient(port, dice.choice(PATHS)).handshake()
    wire = await TcpClient(port).connect()
    wire.send(
        f"GET {polls.path}?EIO=4&transport=polling&sid={polls.sid} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    )
    await asyncio.sleep(dice.random() / 50)
    wire.writer.transport.abort()
    return None


ALL: list[Attack] = [
    malformed_http, malformed_http, malformed_http, half_a_request, half_a_body, malformed_packets,
    malformed_packets, malformed_frames, malformed_frames, malformed_payloads, malformed_payloads, flood,
    drops, parts_without_end, broken_upgrade, broken_upgrade, poll_given_up,
]  # fmt: skip
HEAVY: list[Attack] = [
    stalled, unread_pings, unread_pings, good_frames, good_frames, refused_connects, refused_connects,
    *map(hostile_json, HOSTILE),
]  # fmt: skip
