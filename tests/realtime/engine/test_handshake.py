"""Accepted and refused handshakes, and requests that violate HTTP."""

from ipaddress import ip_network

import pytest

from tests.realtime.conftest import PollingClient, StartServer, TcpClient, WebSocketClient

POLL = "EIO=4&transport=polling"
UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\n"


async def test_the_open_packet_contains_the_intervals_in_milliseconds(start: StartServer) -> None:
    """The stock server rounds to whole seconds: 300 ms became 0."""
    server = await start(ping_interval_ms=300, ping_timeout_ms=200, max_payload=1_000_000)

    opened = (await PollingClient(server.port, "/engine.io/").handshake()).handshake_data

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
async def test_an_invalid_handshake_is_refused(server, path: str, method: str, query: str) -> None:
    """The stock server treats a missing transport as polling, and responds 405 to other methods."""
    status, _, _ = await PollingClient(server.port, path).request(method, query=query)

    assert status == 400
    assert not server.sio.eio.sockets
    assert not server.engine.sockets


async def test_other_methods_to_a_session_are_refused(server) -> None:
    """The stock server responds 405."""
    client = await PollingClient(server.port, "/engine.io/").handshake()

    assert (await client.request("PUT"))[0] == 400
    assert await client.post_packets("4still here") == (200, b"ok")


async def test_preflights_get_a_response(server) -> None:
    head = "Origin: http://elsewhere.example\r\nAccess-Control-Request-Method: POST\r\n"

    status, headers, _ = await PollingClient(server.port, "/engine.io/").request(
        "OPTIONS", query=POLL, head=head
    )

    assert status == 204
    assert headers["access-control-allow-origin"] == "http://elsewhere.example"


async def test_allowed_origins_may_read_every_response(server) -> None:
    origin = "Origin: http://elsewhere.example\r\n"
    client = PollingClient(server.port, "/engine.io/")

    for query, expected in ((POLL, 200), ("EIO=3", 400)):
        status, headers, _ = await client.request("GET", query=query, head=origin)
        assert status == expected
        assert headers["access-control-allow-origin"] == "http://elsewhere.example"


async def test_other_origins_are_refused(server) -> None:
    server.engine.cors_allowed_origins = ["http://good.example"]
    client = PollingClient(server.port, "/engine.io/")

    for origin, expected in (("http://good.example", 200), ("http://bad.example", 403)):
        status, headers, _ = await client.request("GET", query=POLL, head=f"Origin: {origin}\r\n")
        assert status == expected
        assert ("access-control-allow-origin" in headers) is (expected == 200)
    assert len(server.engine.sockets) == 1


async def test_sessions_of_an_ip_address_are_limited(server) -> None:
    """The stock server accepts all of them."""
    engine = server.engine
    engine.ip_limits.max_sessions = 2
    first = await WebSocketClient(server.port).handshake()
    await PollingClient(server.port, "/engine.io/").handshake()

    assert (await WebSocketClient(server.port).handshake()).status == 503
    status, headers, _ = await PollingClient(server.port, "/engine.io/").request("GET", query=POLL)
    assert (status, headers["retry-after"]) == (503, "5")
    first.send_text("1")
    await first.receive_until_close()
    assert (await WebSocketClient(server.port).handshake()).status == 101
    await engine.disconnect()
    assert not len(engine.ip_limits.shares)


async def test_clients_behind_a_proxy_have_their_own_ip_addresses(server) -> None:
    engine = server.engine
    engine.ip_limits.max_sessions = 1
    engine.ip_limits.trusted_proxies = (ip_network("127.0.0.0/8"), ip_network("::1"))
    client = PollingClient(server.port, "/engine.io/")

    async def status(forwarded: str) -> int:
        return (await client.request("GET", query=POLL, head=f"X-Forwarded-For: {forwarded}\r\n"))[0]

    assert [await status(each) for each in ("192.0.2.1", "192.0.2.2", "192.0.2.1")] == [200, 200, 503]
    engine.ip_limits.trusted_proxies = ()
    assert [await status(each) for each in ("192.0.2.3", "192.0.2.4")] == [200, 503]


@pytest.mark.parametrize(
    "head",
    [
        "Upgrade: h2c\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        f"{UPGRADE}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n",
        f"{UPGRADE}Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        f"{UPGRADE}Sec-WebSocket-Version: 13\r\n" + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" * 2,
    ],
)
async def test_a_broken_websocket_handshake_is_refused(server, head: str) -> None:
    """The stock server accepts versions of the WebSocket protocol that never existed."""
    status, _, _ = await PollingClient(server.port, "/engine.io/").request(
        "GET", query="EIO=4&transport=websocket", head=head
    )

    assert status == 400


@pytest.mark.parametrize("path", ["/engine.io/", "/socket.io/"])
@pytest.mark.parametrize(
    "query",
    ["transport=websocket", "EIO=3&transport=websocket", "EIO=abc&transport=websocket", "EIO=4",
     "EIO=4&transport=abc", "EIO=4&transport=websocket&sid=nobody"],
)  # fmt: skip
async def test_an_invalid_query_is_refused_to_a_websocket(server, path: str, query: str) -> None:
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

    status, _, _ = await PollingClient(server.port, path).request("GET", query=query, head=UPGRADE + key)

    assert status == 400
    assert not server.sio.eio.sockets
    assert not server.engine.sockets


async def test_a_websocket_gets_the_open_packet_first(server) -> None:
    client = await WebSocketClient(server.port).handshake()

    assert client.status == 101
    received = await client.receive()
    assert received.startswith('0{"sid":"')
    assert '"upgrades":[]' in received


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
async def test_malformed_http_gets_status_400(server, data: bytes) -> None:
    wire = await TcpClient(server.port).connect()
    wire.send(data)

    status, _, _ = await wire.read_response()

    assert 400 <= status < 500


async def test_every_ip_address_of_localhost_responds(server) -> None:
    import socket

    for found in {str(info[4][0]) for info in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}:
        try:
            with socket.create_connection((found, server.port), timeout=5):
                pass
        except OSError as error:
            if error.errno != 99:  # this machine has no such IP address
                raise


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize(("head", "expected"), [("", 503), ("X-Retry-Elsewhere: yes\r\n", 502)])
async def test_a_draining_instance_refuses_every_handshake(
    server, transport: str, head: str, expected: int
) -> None:
    """A proxy that can try another instance needs a distinct status: a 503 may concern one client alone."""
    server.sio.eio.draining = True
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    client = PollingClient(server.port, "/socket.io/")

    status, headers, _ = await client.request(
        "GET", query=f"EIO=4&transport={transport}", head=f"{head}{UPGRADE}{key}"
    )

    assert (status, headers["retry-after"]) == (expected, "2")
    assert not server.sio.eio.sockets
