"""What opens a session, what refuses one, and requests that break the rules of HTTP."""

import pytest

from tests.realtime.conftest import Polls, Start, Wire, Ws

POLL = "EIO=4&transport=polling"
UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\n"


async def test_the_open_packet_tells_true_milliseconds(start: Start) -> None:
    """The stock server rounds to whole seconds: 300 ms became 0."""
    server = await start(ping_interval_ms=300, ping_timeout_ms=200, max_payload=1_000_000)

    opened = (await Polls(server.port, "/engine.io/").shake()).open

    assert isinstance(opened.pop("sid"), str)
    assert opened == {
        "upgrades": ["websocket"],
        "pingInterval": 300,
        "pingTimeout": 200,
        "maxPayload": 1_000_000,
    }


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("GET", "EIO=4"),
        ("GET", "EIO=4&transport=abc"),
        ("GET", "transport=polling"),
        ("GET", "EIO=3&transport=polling"),
        ("GET", "EIO=abc&transport=polling"),
        ("GET", f"{POLL}&sid=nobody"),
        ("POST", f"{POLL}&sid=nobody"),
        ("POST", POLL),
        ("PUT", POLL),
        ("DELETE", POLL),
        ("PATCH", POLL),
        ("GET", "EIO=4&transport=websocket"),
        ("GET", "EIO=4&transport=websocket&sid=nobody"),
    ],
)
@pytest.mark.parametrize("path", ["/engine.io/", "/socket.io/"])
async def test_a_wrong_handshake_is_refused(server, path: str, method: str, query: str) -> None:
    """The stock server takes a missing transport for polling, and answers 405 to other methods."""
    status, _, _ = await Polls(server.port, path).request(method, query=query)

    assert status == 400
    assert not server.sio.eio.sockets
    assert not server.engine.sockets


async def test_other_methods_to_a_session_are_refused(server) -> None:
    client = await Polls(server.port, "/engine.io/").shake()

    assert (await client.request("PUT"))[0] == 400
    assert await client.post("4still here") == (200, b"ok")


async def test_preflights_are_answered(server) -> None:
    head = "Origin: http://elsewhere.example\r\nAccess-Control-Request-Method: POST\r\n"

    status, headers, _ = await Polls(server.port, "/engine.io/").request("OPTIONS", query=POLL, head=head)

    assert status == 204
    assert headers["access-control-allow-origin"] == "http://elsewhere.example"


@pytest.mark.parametrize(
    "head",
    [
        "Upgrade: h2c\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        f"{UPGRADE}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n",
        f"{UPGRADE}Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
    ],
)
async def test_a_broken_websocket_handshake_is_refused(server, head: str) -> None:
    status, _, _ = await Polls(server.port, "/engine.io/").request(
        "GET", query="EIO=4&transport=websocket", head=head
    )

    assert status == 400


async def test_a_websocket_gets_the_open_packet_first(server) -> None:
    client = await Ws(server.port).shake()

    assert client.status == 101
    heard = await client.hear()
    assert heard.startswith('0{"sid":"')
    assert '"upgrades":[]' in heard


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00\xff\r\n\r\n",
        b"GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /engine.io/?EIO=4 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /engine.io/?EIO=4&transport=polling&sid=%ff%00%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nExpect: nothing\r\n\r\n",
    ],
)
async def test_malformed_http_is_the_clients_fault(server, data: bytes) -> None:
    wire = await Wire(server.port).open()
    wire.send(data)

    status, _, _ = await wire.response()

    assert 400 <= status < 500


async def test_every_address_of_localhost_answers(server) -> None:
    import socket

    for found in {str(info[4][0]) for info in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}:
        try:
            with socket.create_connection((found, server.port), timeout=5):
                pass
        except OSError as error:
            if error.errno != 99:  # this machine has no such address
                raise
