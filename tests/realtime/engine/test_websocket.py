"""WebSocket: strict RFC 6455, without extensions."""

import asyncio
from typing import Any

import pytest

from tests.conformance.server import Running
from tests.realtime.conftest import StartServer, WebSocketClient
from tests.support.waiting import until


@pytest.fixture
async def client(server) -> WebSocketClient:
    made = await WebSocketClient(server.port).handshake()
    await made.receive()
    return made


async def code(client: WebSocketClient) -> int:
    """The code of the server's close frame."""
    with pytest.raises(EOFError) as ended:  # noqa: PT012 - until it comes
        while True:
            await client.receive()
    return int(ended.value.args[0])


async def test_text_and_binary_are_echoed(client: WebSocketClient) -> None:
    client.send_text("4hällo")
    client.send(client.frame(b"\x00\xff" * 70_000, 0x82))

    assert await client.receive() == "4hällo"
    assert await client.receive() == b"\x00\xff" * 70_000


async def test_a_fragmented_message_may_contain_a_ping(client: WebSocketClient) -> None:
    client.send(client.frame(b"4one ", 0x01) + client.frame(b"p", 0x89) + client.frame(b"two ", 0x00))
    client.send(client.frame("thrée".encode()[:3], 0x00) + client.frame("thrée".encode()[3:], 0x80))

    assert await client.read_frame() == (0x8A, b"p")
    assert await client.receive() == "4one two thrée"


async def test_frames_are_read_byte_by_byte(client: WebSocketClient) -> None:
    for byte in client.frame(b"4slowly" * 30):
        client.send(bytes((byte,)))
        await asyncio.sleep(0)

    assert await client.receive() == "4slowly" * 30


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([WebSocketClient.frame(b"4x", masked=False)], 1002),
        ([WebSocketClient.frame(b"4x", 0xC1)], 1002),
        ([WebSocketClient.frame(b"4x", 0x83)], 1002),
        ([WebSocketClient.frame(b"4x", 0x8B)], 1002),
        ([WebSocketClient.frame(b"4x", 0x80)], 1002),
        ([WebSocketClient.frame(b"4x", 0x01), WebSocketClient.frame(b"4y", 0x81)], 1002),
        ([WebSocketClient.frame(b"x", 0x09)], 1002),
        ([WebSocketClient.frame(b"x" * 126, 0x89)], 1002),
        ([WebSocketClient.frame(b"x", 0x88)], 1002),
        ([WebSocketClient.frame(b"\x03\xed", 0x88)], 1002),
        ([WebSocketClient.frame(b"\x03\xe8\xff", 0x88)], 1002),
        ([WebSocketClient.frame(b"4\xff")], 1007),
        ([WebSocketClient.frame(b"", length=1_000_001)], 1009),
        ([WebSocketClient.frame(b"", length=2**63)], 1009),
        ([WebSocketClient.frame(b"x" * 600_000, 0x01), WebSocketClient.frame(b"x" * 600_000, 0x80)], 1009),
    ],
)
async def test_a_protocol_violation_ends_the_connection(
    server, client: WebSocketClient, frames: list[bytes], expected: int
) -> None:
    """aiohttp's WebSocket, which the stock server uses, takes frames without a mask."""
    for frame in frames:
        client.send(frame)

    assert await code(client) == expected
    await until(lambda: not server.engine.sockets and not server.engine.websockets)


@pytest.mark.parametrize(
    "head",
    [
        *(bytes((0x80 | opcode, 0x80)) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
        *(bytes((opcode, 0x80)) for opcode in (8, 9, 10)),  # control frames in fragments
        *(bytes((0x80 | opcode, 0xFE)) for opcode in (8, 9, 10)),  # and longer than they may be
        *(bytes((0x80 | opcode, 0xFF)) for opcode in (8, 9, 10)),
        *(bytes((first, 0xFF)) for first in (0x00, 0x80)),  # a continuation of nothing
        *(bytes((bits | 0x81, 0xFF)) for bits in (0x10, 0x20, 0x40)),
        b"\x81\x7f",  # not masked
        b"\x81\xfe\x00\x7d\0\0\0\0",  # lengths in a longer form than needed
        b"\x82\xfe\x00\x00\0\0\0\0",
        b"\x81\xff" + (65535).to_bytes(8, "big") + b"\0\0\0\0",
        b"\x81\xff" + (1).to_bytes(8, "big") + b"\0\0\0\0",
    ],
    ids=bytes.hex,
)
async def test_an_invalid_header_is_refused_before_its_payload(client: WebSocketClient, head: bytes) -> None:
    client.send(head)

    assert await code(client) == 1002


@pytest.mark.parametrize(
    "head", [b"\x81\xff" + (2_000_000).to_bytes(8, "big") + b"\0\0\0\0", b"\x82\xff\xff" + bytes(11)]
)
async def test_a_length_over_the_payload_limit_is_refused_at_once(
    client: WebSocketClient, head: bytes
) -> None:
    client.send(head)

    assert await code(client) == 1009


async def test_a_new_message_within_a_message_is_refused_by_its_header(client: WebSocketClient) -> None:
    client.send(client.frame(b"4x", 0x01) + b"\x81\xff")

    assert await code(client) == 1002


@pytest.mark.parametrize("packet", ["", "x", "0", "2", "5", "6", "9", "abc"])
async def test_an_invalid_packet_ends_the_connection(server, client: WebSocketClient, packet: str) -> None:
    """The stock server ignores it, or fails and keeps the session."""
    client.send_text(packet)

    assert await client.receive_until_close() == []
    assert not server.engine.sockets


async def test_the_close_handshake_is_completed(server, client: WebSocketClient) -> None:
    """The stock server responds 1000 to any code."""
    client.send(client.frame(b"\x0f\xa0bye", 0x88))

    assert await client.read_frame() == (0x88, b"\x0f\xa0")
    assert await client.reader.read() == b""
    assert not server.engine.sockets


async def test_a_close_packet_ends_the_connection(server, client: WebSocketClient) -> None:
    """The stock server leaves the connection open."""
    client.send_text("1")

    assert await client.receive_until_close() == []
    assert not server.engine.sockets


async def test_a_graceful_close_flushes_what_is_queued(server, client: WebSocketClient) -> None:
    """The stock server drops what its writer has not sent yet."""
    (sid,) = server.engine.sockets
    for number in range(200):
        await server.engine.send(sid, f"{number}" + "x" * 1000)
    await server.engine.disconnect(sid)

    assert len(await client.receive_until_close()) == 200


async def test_missing_heartbeats_end_the_connection(start: StartServer) -> None:
    """The stock server closes the connection, and keeps the session a while."""
    server = await start(ping_interval_ms=60, ping_timeout_ms=60)
    client = await WebSocketClient(server.port).handshake()
    await client.read_frame()
    for _ in range(3):
        assert await client.read_frame() == (0x81, b"2")
        client.send_text("3")

    assert await client.read_frame() == (0x81, b"2")
    assert (await client.read_frame())[0] == 0x88
    assert not server.engine.sockets


async def test_a_client_that_does_not_read_is_dropped_at_the_bound(server, client: WebSocketClient) -> None:
    """The stock queue is unbounded."""
    server.engine.max_output_bytes = 1_000_000
    (sid,) = server.engine.sockets
    for _ in range(30):
        await server.engine.send(sid, b"x" * 500_000)
        await asyncio.sleep(0)

    await until(lambda: not server.engine.sockets)


async def test_compression_is_not_negotiated(client: WebSocketClient) -> None:
    """One frame serves all recipients; the stock server compresses for each."""
    client.send_text("4" + "x" * 5000)

    first, data = await client.read_frame()

    assert (first, len(data)) == (0x81, 5001)


def echoed(length: int, **options: Any) -> bytes:
    """A frame with an event of so many bytes, which the server sends back."""
    return WebSocketClient.frame(b'42["message","' + b"x" * (length - 16) + b'"]', **options)


def with_extended_length(frame: bytes, width: int) -> bytes:
    """The same frame with its length in `width` further bytes, also where that is not permitted."""
    length = (frame[1] & 127).to_bytes(width, "big")
    return frame[:1] + bytes((0x80 | (126 if width == 2 else 127),)) + length + frame[2:]


FRAMES = {
    **{f"{length} bytes": echoed(length) for length in (20, 124, 125, 126, 127, 128, 2000, 2040, 2041, 3000)},
    "without a mask": echoed(50, masked=False),
    "without a mask, 126 bytes": echoed(126, masked=False),
    "a mask of zeros": echoed(50, key=b"\0\0\0\0"),
    "two frames": echoed(50) * 2,
    "a frame and a half": echoed(50) + echoed(60)[:30],
    "too short": echoed(50)[:-1],
    "nothing": WebSocketClient.frame(b""),
    "one byte": WebSocketClient.frame(b"4"),
    "length in two bytes": with_extended_length(echoed(50), 2),
    "124 in two bytes": with_extended_length(echoed(124), 2),
    "125 in two bytes": with_extended_length(echoed(125), 2),
    "length in eight bytes": with_extended_length(echoed(125), 8),
    "not UTF-8": WebSocketClient.frame(b'42["message","\xff"]'),
    "not UTF-8, 126 bytes": WebSocketClient.frame(b'42["message","' + b"\xc3" * 110 + b'"]'),
    "reserved bits": echoed(50, opcode=0xC1),
    "not the last fragment": echoed(50, opcode=0x01),
    "a fragment of nothing": echoed(50, opcode=0x80),
    "binary": echoed(50, opcode=0x82),
    "an unknown opcode": echoed(50, opcode=0x83),
    "a ping": WebSocketClient.frame(b"x" * 20, 0x89),
    "a close frame": WebSocketClient.frame(b"\x03\xe8", 0x88),
    "no packet": WebSocketClient.frame(b"9"),
    "no event": WebSocketClient.frame(b'42["message"'),
    "an event within a message": echoed(50, opcode=0x01) + echoed(50),
}


@pytest.mark.parametrize("kind", FRAMES)
async def test_a_frame_has_the_same_effect_whole_and_byte_by_byte(server: Running, kind: str) -> None:
    """A read that is one whole message takes a shorter path."""
    received: list[bytes] = []
    for size in (len(FRAMES[kind]), 1):
        client = await WebSocketClient(server.port).handshake("/socket.io/")
        client.send_text("40")
        while b'["auth"' not in (await client.read_frame())[1]:
            pass
        (websocket,) = server.sio.eio.websockets
        for start in range(0, len(FRAMES[kind]), size):
            if not websocket._transport.is_closing():
                websocket.data_received(FRAMES[kind][start : start + size])
        await asyncio.sleep(0)  # the output of a turn is written at its end
        websocket._transport.close()
        received.append(await client.reader.read())
        await until(lambda: not server.sio.eio.websockets)

    assert received[0] == received[1]
