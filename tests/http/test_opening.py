"""WebSocket handshakes before router and middlewares: every check refuses as it does behind them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest

from hubbub.config import Settings
from hubbub.core import metrics, turn_budget
from hubbub.core.errors import HubbubError
from hubbub.http import ip_limits
from hubbub.http.upgrade_request import MAX_BYTES, parse
from hubbub.ratelimit.rate import Rate
from tests.support.live_instance import LiveInstance
from tests.support.waiting import until

WAIT_S = 5.0
LINE = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1"
HEADERS = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}
ALLOWED, DENIED = "203.0.113.1", "203.0.113.66"


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changes = {
        "trusted_proxies": (ip_network("127.0.0.1/32"),),
        "addresses_deny": (ip_network(DENIED),),
        "cors_origins": ("https://app.example",),
    }
    return settings.model_copy(update=changes)


def handshake(line: str = LINE, **changes: str | None) -> bytes:
    """A handshake with other headers; None removes one."""
    headers: dict[str, str | None] = {**HEADERS, "X-Forwarded-For": ALLOWED}
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [line, *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Response:
    """A response, and the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body: Any = None

    async def read(self) -> "Response":
        async with asyncio.timeout(WAIT_S):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            self.status = int(first.split()[1])
            self.headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            body = await self.reader.readexactly(int(self.headers.get("content-length", 0)))
        self.body = json.loads(body) if body else None
        return self

    @property
    def comparable(self) -> tuple[int, dict[str, str], Any]:
        """All of it except the id and the time."""
        headers = {
            name: value for name, value in self.headers.items() if name not in {"date", "x-request-id"}
        }
        body = self.body | {"request_id": ""} if isinstance(self.body, dict) else self.body
        return self.status, headers, body


class Clients:
    """Sends handshakes in the two ways."""

    def __init__(self, instance: LiveInstance) -> None:
        self.instance = instance
        self.engine = instance.app.sio.eio
        self.server: Any = instance.app._site._runner.server
        self._writers: list[asyncio.StreamWriter] = []

    async def send(self, data: bytes) -> Response:
        """In one piece, which is parsed without aiohttp if that is possible."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.instance.app.port)
        self._writers.append(writer)
        writer.write(data)
        return await Response(reader, writer).read()

    async def send_to_aiohttp(self, data: bytes) -> Response:
        """The same, but with a header of its own that only aiohttp parses."""
        return await self.send(data.replace(b"Host:", b"X-Other: \xc3\xbc\r\nHost:", 1))

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@pytest.fixture
async def clients(instance: LiveInstance) -> AsyncIterator[Clients]:
    made = Clients(instance)
    yield made
    made.close()


async def test_a_handshake_is_accepted_without_aiohttp(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = metrics.labelled["requests"]["101"]
    monkeypatch.setattr(clients.server, "create_request_protocol", None)

    response = await clients.send(handshake())

    assert response.status == 101
    assert response.headers["sec-websocket-accept"] == "ICX+Yqv66kxgM0FcWaLWlFLwTAI="
    assert (await response.reader.readexactly(2))[0] == 0x81
    assert [session.handshake_info.ip for session in clients.engine.sockets.values()] == [ALLOWED]
    assert metrics.labelled["requests"]["101"] == counted + 1
    assert not clients.server.openings


async def test_both_ways_accept_and_count_alike(clients: Clients) -> None:
    before = metrics.labelled["requests"]["101"]

    one, other = await clients.send(handshake()), await clients.send_to_aiohttp(handshake())

    assert one.comparable == other.comparable
    assert metrics.labelled["requests"]["101"] == before + 2
    assert len(clients.engine.sockets) == 2


REFUSED: dict[str, tuple[bytes, int]] = {
    "denied IP address": (handshake(X_Forwarded_For=DENIED), 403),
    "denied IP address, as IPv6": (handshake(X_Forwarded_For=f"::ffff:{DENIED}"), 403),
    "other origin": (handshake(Origin="https://evil.example"), 403),
    "no origin in the list": (handshake(Origin="null"), 403),
    "other protocol version": (handshake(LINE.replace("EIO=4", "EIO=3")), 400),
    "other transport": (handshake(LINE.replace("websocket", "pigeon")), 400),
    "no transport": (handshake("GET /socket.io/?EIO=4 HTTP/1.1"), 400),
    "unknown session": (handshake(LINE.replace("websocket", "websocket&sid=nobody")), 400),
    "short key": (handshake(Sec_WebSocket_Key="AAAA"), 400),
    "no key": (handshake(Sec_WebSocket_Key=None), 400),
    "other WebSocket version": (handshake(Sec_WebSocket_Version="8"), 400),
    "other upgrade": (handshake(Upgrade="h2c"), 400),
    "no upgrade": (handshake(Upgrade=None, Connection=None), 400),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_refusals_are_those_of_the_route(clients: Clients, kind: str) -> None:
    data, status = REFUSED[kind]

    one, other = await clients.send(data), await clients.send_to_aiohttp(data)

    assert one.status == status
    assert one.comparable == other.comparable
    assert "x-request-id" in one.headers
    assert not clients.engine.sockets


async def refusals_of(clients: Clients, reason: str, status: int = 503, **changes: str) -> Response:
    """Send a handshake in both ways. Both must be refused alike, and counted once each."""
    counted = metrics.labelled["handshakes_refused"][reason]
    one, other = (
        await clients.send(handshake(**changes)),
        await clients.send_to_aiohttp(handshake(**changes)),
    )
    assert one.status == status
    assert one.comparable == other.comparable
    assert metrics.labelled["handshakes_refused"][reason] == counted + 2
    return one


async def test_a_draining_instance_refuses(clients: Clients) -> None:
    clients.engine.draining = True

    assert (await refusals_of(clients, "draining")).headers["retry-after"] == "2"
    await refusals_of(clients, "draining", 502, X_Retry_Elsewhere="1")


async def test_sockets_of_an_ip_address_are_limited(clients: Clients) -> None:
    clients.engine.ip_limits.max_sessions = 2
    for _ in range(2):
        assert (await clients.send(handshake())).status == 101

    assert (await refusals_of(clients, "address")).headers["retry-after"] == "5"
    assert (await clients.send(handshake(X_Forwarded_For="203.0.113.2"))).status == 101


async def test_handshakes_of_an_ip_address_are_limited(clients: Clients) -> None:
    clients.engine.ip_limits.handshake_rate = Rate(2, 0.1)
    for _ in range(2):
        assert (await clients.send(handshake())).status == 101

    assert int((await refusals_of(clients, "rate")).headers["retry-after"]) >= 1
    assert (await clients.send(handshake(X_Forwarded_For="203.0.113.2"))).status == 101


async def test_more_handshakes_than_may_wait_are_refused(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_budget, "MAX_WAITING", 0)

    assert (await refusals_of(clients, "busy")).headers["retry-after"] == "2"


async def test_handshakes_over_the_budget_of_a_turn_wait(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = clients.server.turn_budget
    monkeypatch.setattr(budget, "_budget_s", 1e-9)
    connections = [await asyncio.open_connection("127.0.0.1", clients.instance.app.port) for _ in range(20)]
    waiting = []
    enqueue = budget.enqueue

    def record(work: Any) -> None:
        waiting.append(work)
        enqueue(work)

    monkeypatch.setattr(budget, "enqueue", record)

    for _, writer in connections:
        writer.write(handshake())
    responses = [await Response(*connection).read() for connection in connections]

    assert [response.status for response in responses] == [101] * 20
    assert waiting, "all were handled in one turn"
    for _, writer in connections:
        writer.transport.abort()


async def test_a_client_that_disconnects_while_its_handshake_waits_is_forgotten(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[Any] = []
    budget = clients.server.turn_budget
    monkeypatch.setattr(budget, "try_run", lambda _work: False)
    monkeypatch.setattr(budget, "enqueue", waiting.append)
    _, writer = await asyncio.open_connection("127.0.0.1", clients.instance.app.port)
    writer.write(handshake())
    await until(lambda: len(waiting) == 1)
    (opening,) = clients.server.openings
    opening.transport.resume_reading()  # otherwise the end is noticed with the turn
    writer.transport.abort()
    await until(lambda: not clients.server.openings)

    waiting[0]()

    assert not clients.engine.sockets


async def test_requests_of_an_ip_address_are_charged(
    instance: LiveInstance, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ip_limits, "REQUEST_RATE", Rate(5, 0.001))
    limits = clients.server.limits
    limits.limit_rates = True
    limits._clients.clear()
    for _ in range(6):  # any positive rest of the budget is enough for one
        assert (await clients.send(handshake())).status == 101

    one, other = await clients.send(handshake()), await clients.send_to_aiohttp(handshake())

    assert one.status == 429
    assert one.comparable[::2] == other.comparable[::2]


@pytest.mark.parametrize("turn_budget_s", [1.0, 1e-9])
async def test_a_direct_client_is_charged_and_waits(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, turn_budget_s: float
) -> None:
    monkeypatch.setattr(clients.server.turn_budget, "_budget_s", turn_budget_s)
    monkeypatch.setattr(ip_limits, "REQUEST_RATE", Rate(3, 4))
    limits = clients.server.limits
    limits.limit_rates, limits.trusted_proxies = True, ()
    limits._clients.clear()
    started_at = time.monotonic()

    responses = await asyncio.gather(*(clients.send(handshake()) for _ in range(8)))

    assert [each.status for each in responses] == [101] * 8
    assert time.monotonic() - started_at > 0.9  # before the data is read, or before the handshake is handled


async def test_a_proxy_that_is_not_trusted_is_reported(clients: Clients) -> None:
    clients.server.limits.trusted_proxies = ()
    reported: list[str] = []
    clients.server.limits.untrusted_proxies._on_warning = reported.append

    assert (await clients.send(handshake())).status == 101
    assert reported == ["127.0.0.1"]


async def test_an_error_of_a_check_is_the_problem_of_a_response(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_ip: str) -> bool:
        raise HubbubError

    monkeypatch.setattr(clients.engine.ip_limits, "has_capacity", fail)

    assert (await clients.send(handshake())).status == 500


async def test_connections_without_a_request_are_counted_and_end_with_the_instance(
    clients: Clients,
) -> None:
    clients.server.limits.trusted_proxies = ()
    reader, writer = await asyncio.open_connection("127.0.0.1", clients.instance.app.port)
    await until(lambda: len(clients.server.openings) == 1)
    client = clients.server.limits.client_of("127.0.0.1")
    assert client.open_connections == 1

    await clients.server.shutdown()

    assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
    assert client.open_connections == 0
    writer.close()


class Transport:
    """What the parser reads of a transport."""

    def get_extra_info(self, name: str) -> object:
        return ("192.0.2.1", 4711) if name == "peername" else None


UNUSUAL: dict[str, bytes] = {
    "nothing": b"",
    "incomplete": handshake()[:-2],
    "two requests": handshake() * 2,
    "frames after it": handshake() + b"\x81\x80abcd",
    "POST": handshake(LINE.replace("GET", "POST")),
    "other path": handshake(LINE.replace("socket.io", "engine.io")),
    "HTTP/1.0": handshake(LINE.replace("1.1", "1.0")),
    "encoded query": handshake(LINE.replace("=4", "=%34")),
    "plus in the query": handshake(LINE.replace("=4", "=4+")),
    "repeated parameter": handshake(LINE.replace("EIO=4", "EIO=4&EIO=3")),
    "space in the query": handshake(LINE.replace("EIO=4", "EIO=4 &x")),
    "repeated header": handshake().replace(b"Host:", b"upgrade: h2c\r\nHost:"),
    "no host": handshake(Host=None),
    "two hosts": handshake().replace(b"Host:", b"host: other\r\nHost:"),
    "body": handshake(Content_Length="5"),
    "chunks": handshake(Transfer_Encoding="chunked"),
    "expectation": handshake(Expect="100-continue"),
    "folded header": handshake(X_Other="a\r\n b"),
    "bare line feed": handshake(X_Other="a\nX-Injected: b"),
    "control character": handshake(X_Other="a\x01b"),
    "tab": handshake(X_Other="a\tb"),
    "no colon": handshake().replace(b"Host: localhost", b"Host: localhost\r\nnothing"),
    "space before the colon": handshake().replace(b"Host:", b"Host :"),
    "empty name": handshake().replace(b"Host:", b": x\r\nHost:"),
    "not ASCII": handshake(X_Other="ü"),
    "long": handshake(X_Other="x" * MAX_BYTES),
    "many headers": handshake(**{f"X_{number}": "x" for number in range(60)}),
    "many parameters": handshake(LINE.replace("EIO=4", "EIO=4&" + "&".join(map(str, range(20))))),
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_what_is_unusual_is_left_to_aiohttp(kind: str) -> None:
    transport: Any = Transport()

    assert parse(UNUSUAL[kind], None, transport) is None


def test_a_handshake_is_read_as_aiohttp_does() -> None:
    transport: Any = Transport()
    data = handshake(LINE.replace("EIO=4", "EIO=4&t=Px.1&x&token=a=b"), Host="  localhost:80  ")

    request = parse(data, None, transport)

    assert request is not None
    assert request.query == {"EIO": "4", "t": "Px.1", "x": "", "token": "a=b", "transport": "websocket"}
    assert (request.host, request.remote, request.scheme) == ("localhost:80", "192.0.2.1", "http")
    assert request.headers.getall("upgrade") == ["websocket"]
