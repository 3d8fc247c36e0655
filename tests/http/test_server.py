"""HTTP itself: what is malformed is a 400 with an id and a shape, never a 5xx, and the server goes on."""

import asyncio
import gc
import json
import time
import zlib
from contextlib import suppress

import pytest
from aiohttp import web

from hubbub import models
from hubbub.core import metrics
from hubbub.http import request
from hubbub.http.server import Runner
from tests.realtime.sockets.test_connections import resident

WAIT_S = 5.0
HOST = b"Host: localhost\r\n"
REGISTER = b"POST /api/v1/auth/register HTTP/1.1\r\n" + HOST
JSON = b"Content-Type: application/json\r\n"


@pytest.fixture
def database_kind():
    return "sqlite"


async def spoken(instance, *pieces):
    """Send bytes to the server. Returns its first response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await _answer(reader)
    finally:
        writer.close()


async def _answer(reader):
    async with asyncio.timeout(WAIT_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(first.split()[1]), headers, body


def refusal(answer, status, code):
    """Check that it is a problem document with the id of its header."""
    got, headers, body = answer
    assert got == status, answer
    assert headers["content-type"] == "application/problem+json"
    document = json.loads(body)
    assert (document["status"], document["code"]) == (status, code)
    assert set(document) <= {"type", "title", "status", "detail", "code", "request_id", "errors"}
    assert document["request_id"] == headers["x-request-id"] != ""
    return document


MUCH = b"x" * 200_000
BROKEN = {
    "request line": b"GET / HTTP/9.9.9\r\n\r\n" + MUCH,
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + MUCH,
    "header": b"GET /health/live HTTP/1.1\r\nno colon here\r\n\r\n" + MUCH,
    "long line": b"GET /" + MUCH + b" HTTP/1.1\r\n\r\n",
    "length": REGISTER + b"Content-Length: many\r\n\r\n" + MUCH,
    "chunk": REGISTER + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + MUCH,
    "packed": REGISTER + JSON + b"Content-Encoding: gzip\r\nContent-Length: 5000\r\n\r\n" + MUCH,
    "second": b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\nGET / HTTP/9.9.9\r\n\r\n" + MUCH,
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_malformed_requests_leave_nothing_in_memory(instance, kind):
    """Without any collection of cycles: an exception that holds its frames holds all that was read."""

    async def send(times):
        for number in range(times):
            reader, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
            with suppress(ConnectionError):
                writer.write(BROKEN[kind])
                await writer.drain()
                if number % 2:  # the others disconnected before the response
                    await asyncio.wait_for(reader.read(1000), WAIT_S)
            writer.transport.abort()

    await send(20)  # what is made once is made
    gc.collect()
    gc.disable()
    try:
        before = resident()
        await send(150)  # 30 MB
        grown = resident() - before
    finally:
        gc.enable()

    assert grown < 10, f"{grown} MB"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9.9\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nno colon here\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nA: b\x00c\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        REGISTER + b"Content-Length: many\r\n\r\n",
        REGISTER + b"Content-Length: -1\r\n\r\n",
        REGISTER + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        REGISTER + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        REGISTER + b"Transfer-Encoding: odd\r\n\r\n",
        REGISTER + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    ],
)
async def test_invalid_http_is_a_bad_request(instance, request_bytes):
    refusal(await spoken(instance, request_bytes), 400, "bad_request")
    assert (await spoken(instance, b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"))[0] == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET http://[::1/ HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET //api//v1 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /api/v1/../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /playground/..%2f..%2fapp.py HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /%ff%00%zz HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /api/v1/rooms/%ff HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: [::1\r\n\r\n",
        b"GET /health/live?%zz=%ff&&&=;a HTTP/1.1\r\n" + HOST + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"BREW /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /health/live HTTP/1.0\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\n" + HOST + b"Cookie: \xff=\xfe;;;=\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        REGISTER + b"Content-Type: ;;;/\xff\r\nContent-Length: 2\r\n\r\n{}",
        REGISTER + b"Expect: the unexpected\r\n\r\n",
        REGISTER + JSON + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        REGISTER + JSON + b"Content-Encoding: rot13\r\nContent-Length: 2\r\n\r\n{}",
        REGISTER + JSON + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n",
    ],
)
async def test_unusual_requests_are_never_internal_errors(instance, request_bytes):
    status, headers, body = await spoken(instance, request_bytes)

    assert status < 500, body
    assert headers["x-request-id"]
    if status >= 400:
        assert headers["content-type"] == "application/problem+json", (status, headers)
        for leak in (b"Traceback", b"/hubbub", b"aiohttp", b"site-packages"):
            assert leak not in body


async def test_a_malformed_request_gets_a_generated_id(instance):
    document = refusal(await spoken(instance, b"nonsense\r\n\r\n"), 400, "bad_request")
    assert len(document["request_id"]) == 36


async def test_an_unsupported_expectation_is_refused(instance):
    answer = await spoken(instance, REGISTER + b"Expect: the unexpected\r\nX-Request-ID: mine\r\n\r\n")
    assert refusal(answer, 400, "bad_request")["request_id"] == "mine"


async def test_a_supported_expectation_is_met(instance):
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write(REGISTER + JSON + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert (await _answer(reader))[0] == 100
    writer.write(b"{}")
    refusal(await _answer(reader), 422, "invalid_payload")
    writer.close()


async def test_a_chunked_body_has_the_same_limit(instance):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = REGISTER + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
    refusal(await spoken(instance, head, chunk * 17, b"0\r\n\r\n"), 413, "too_large")


async def test_a_compressed_body_over_the_limit_is_refused(instance):
    packed = zlib.compress(b" " * (64 << 20))
    head = REGISTER + JSON + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(packed)
    refusal(await spoken(instance, head, packed), 413, "too_large")


@pytest.mark.parametrize("path", ["auth/register", "rooms", "nothing"])
async def test_the_rest_of_a_refused_compressed_body_is_not_decompressed(instance, path):
    """64 kB that became 64 MB kept the event loop busy for as long as a body may linger."""
    packed = zlib.compress(b" " * (64 << 20))
    head = f"POST /api/v1/{path} HTTP/1.1\r\n".encode() + HOST + JSON
    head += b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(packed)
    await spoken(instance, head, packed)

    began = time.process_time()
    for _ in range(10):
        status, _, _ = await spoken(instance, head, packed)
        assert status in {401, 404, 413}
    assert time.process_time() - began < 0.3


async def test_a_compressed_body_is_read(instance):
    packed = zlib.compress(b"[]")
    head = REGISTER + JSON + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(packed)
    refusal(await spoken(instance, head, packed), 422, "invalid_payload")


async def test_a_large_body_is_refused_before_it_is_sent(instance):
    head = REGISTER + JSON + b"Content-Length: 1048577\r\n\r\n"
    refusal(await spoken(instance, head), 413, "too_large")


async def test_a_client_that_disconnects_during_a_body_affects_no_other(instance):
    _, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write(REGISTER + JSON + b'Content-Length: 100\r\n\r\n{"name": "A')
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert (await spoken(instance, b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"))[0] == 200
    assert not await models.User.exists()


async def test_headers_with_unusual_bytes_are_read(instance):
    body = json.dumps({"name": "Ada", "email": "ada@example.org", "password": "long enough"}).encode()
    head = REGISTER + JSON + b"User-Agent: odd \xff\xfe agent\r\nContent-Length: %d\r\n\r\n" % len(body)

    assert (await spoken(instance, head + body))[0] == 201
    assert await models.Session.filter(user_agent="odd ?? agent").exists()


async def test_a_token_with_unusual_bytes_is_refused(instance):
    request = b"GET /api/v1/auth/me HTTP/1.1\r\n" + HOST + b"Authorization: Bearer \xff\xfe.a.b\r\n\r\n"
    refusal(await spoken(instance, request), 401, "unauthenticated")


async def test_pipelined_requests_are_answered_in_order(instance):
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    for number in range(5):
        writer.write(b"GET /health/live HTTP/1.1\r\n" + HOST + b"X-Request-ID: %d\r\n\r\n" % number)
    for number in range(5):
        assert (await _answer(reader))[1]["x-request-id"] == str(number)
    writer.close()


async def test_an_invalid_unread_body_is_no_internal_error(instance, caplog):
    request = b"GET /health/live HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n4\r\nab"
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write(request)
    assert (await _answer(reader))[0] < 500
    writer.write(b"cd\r\nzz\r\n")
    with suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
    writer.close()

    assert [record for record in caplog.records if record.exc_info] == []


# --- time limits ---


async def test_the_wait_for_a_body_is_bounded(instance, monkeypatch):
    monkeypatch.setattr(request, "BODY_TIMEOUT_S", 0.2)

    answer = await spoken(instance, REGISTER + JSON + b"Content-Length: 100\r\n\r\n{")

    assert "not received in time" in refusal(answer, 400, "bad_request")["detail"]


@pytest.fixture
async def short_limits():
    """The port of a server whose time limits are short."""

    async def answer(request):
        return web.Response(body=b"x" * int(request.query.get("size", "2")))

    app = web.Application()
    app.router.add_get("/", answer)
    runner = Runner(app, header_timeout_s=0.3, stall_timeout_s=0.3, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.mark.parametrize(
    "pieces",
    [[], [b"GET / HTT"], [b"GET / HTTP/1.1\r\n", b"Host: x\r\n"], [b"GET / HTTP/1.1\r\nX: " + b"x" * 8000]],
)
async def test_the_wait_for_a_header_is_bounded(short_limits, pieces):
    reader, writer = await asyncio.open_connection("127.0.0.1", short_limits)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()

    assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
    writer.close()


async def test_sending_a_header_slowly_gains_no_time(short_limits):
    reader, writer = await asyncio.open_connection("127.0.0.1", short_limits)

    async def drip():
        with suppress(ConnectionError):
            while True:
                writer.write(b"X")
                await writer.drain()
                await asyncio.sleep(0.02)

    writer.write(b"GET / HTTP/1.1\r\n")
    dripping = asyncio.create_task(drip())
    with suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
    dripping.cancel()
    writer.close()


async def test_a_second_header_has_the_same_limit_and_the_pause_before_it_none(short_limits):
    reader, writer = await asyncio.open_connection("127.0.0.1", short_limits)
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (await _answer(reader))[0] == 200
        await asyncio.sleep(0.6)
    writer.write(b"GET / HTTP/1.1\r\n")

    assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
    writer.close()


@pytest.mark.parametrize("rest", [b"", b"Connection: close\r\n"])
async def test_a_client_that_reads_no_response_is_disconnected(short_limits, rest):
    transport, _ = await asyncio.get_running_loop().create_connection(
        asyncio.Protocol, "127.0.0.1", short_limits
    )
    transport.pause_reading()
    counted = metrics.counters["slow_requests"]
    transport.write(b"GET /?size=30000000 HTTP/1.1\r\n" + HOST + rest + b"\r\n")
    async with asyncio.timeout(WAIT_S):
        while metrics.counters["slow_requests"] == counted:  # noqa: ASYNC110 - it has no signal
            await asyncio.sleep(0.01)
    transport.abort()


async def test_a_client_that_reads_slowly_gets_the_whole_response(short_limits):
    reader, writer = await asyncio.open_connection("127.0.0.1", short_limits, limit=1 << 16)
    writer.write(b"GET /?size=12000000 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    taken = 0
    async with asyncio.timeout(30):
        while part := await reader.read(1 << 18):
            taken += len(part)
            await asyncio.sleep(0.01)
    assert taken > 12_000_000
    writer.close()
