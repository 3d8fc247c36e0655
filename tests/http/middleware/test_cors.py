import asyncio

import aiohttp
import pytest

from hubbub.config import Settings
from tests.support.live_instance import LiveInstance

ALLOWED, STRANGER = "https://app.example", "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture(params=["listed", "any", "none"])
def origins(request):
    return {"listed": (ALLOWED,), "any": ("*",), "none": ()}[request.param]


@pytest.fixture
def settings(database_url, tmp_path, origins):
    return Settings.for_tests(database_url=database_url, data_dir=tmp_path, port=0, cors_origins=origins)


def expected(origins, origin):
    return "*" if "*" in origins else origin if origin in origins else None


@pytest.mark.parametrize("origin", [ALLOWED, STRANGER, "null"])
async def test_a_preflight_needs_no_token(instance, origins, origin):
    headers = {"Origin": origin, **PREFLIGHT}
    async with instance.http.options(f"{instance.url}/api/v1/rooms", headers=headers) as answer:
        assert answer.status == 204
        allowed = expected(origins, origin)
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert ("Access-Control-Allow-Methods" in answer.headers) == (allowed is not None)
        assert "Access-Control-Allow-Credentials" not in answer.headers
        if allowed:
            assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("origin", [ALLOWED, STRANGER])
async def test_allowed_origins_may_read_responses_and_errors(instance, origins, origin):
    for path, status in [("/health/live", 200), ("/api/v1/rooms", 401), ("/nothing", 404)]:
        async with instance.http.get(instance.url + path, headers={"Origin": origin}) as answer:
            assert answer.status == status
            assert answer.headers.get("Access-Control-Allow-Origin") == expected(origins, origin)


async def test_responses_vary_by_origin_where_it_matters(instance, origins):
    async with instance.http.get(f"{instance.url}/health/live") as answer:
        assert answer.headers.get("Vary") == (None if "*" in origins else "Origin")
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_socket_io_responds_to_its_own_preflight(instance, origins):
    headers = {"Origin": ALLOWED, **PREFLIGHT}
    async with instance.http.options(
        f"{instance.url}/socket.io/?EIO=4&transport=polling", headers=headers
    ) as answer:
        assert answer.status == (204 if origins else 403)
        assert answer.headers.get("Access-Control-Allow-Origin") in ((ALLOWED, "*") if origins else (None,))


async def rest(instance, origin):
    async with instance.http.get(f"{instance.url}/api/v1/rooms", headers={"Origin": origin}) as answer:
        return "Access-Control-Allow-Origin" in answer.headers


async def polling(instance, origin):
    query = "/socket.io/?EIO=4&transport=polling"
    async with instance.http.get(instance.url + query, headers={"Origin": origin}) as answer:
        assert answer.status in (200, 403)
        assert ("Access-Control-Allow-Origin" in answer.headers) == (answer.status == 200)
        return answer.status == 200


async def websocket(instance, origin):
    query = "/socket.io/?EIO=4&transport=websocket"
    try:
        async with instance.http.ws_connect(instance.url + query, headers={"Origin": origin}):
            return True
    except aiohttp.WSServerHandshakeError as refused:
        return {403: False}[refused.status]


@pytest.mark.parametrize("way", [rest, polling, websocket])
async def test_every_edge_accepts_the_same_origins(instance, origins, way):
    port = instance.app.port
    own = {f"http://127.0.0.1:{port}"}  # also what synchronous Python clients send of themselves
    accepted = {*own, *origins} if "*" not in origins else {*own, ALLOWED, STRANGER, "null"}

    for origin in (*own, ALLOWED, STRANGER, "null", f"http://localhost:{port}", f"https://127.0.0.1:{port}"):
        assert await way(instance, origin) is (origin in accepted or "*" in origins), origin


@pytest.mark.parametrize("origins", [()])
async def test_a_refused_origin_is_logged_once_for_all_edges(instance, caplog):
    for way in (rest, polling, websocket, rest):
        assert not await way(instance, STRANGER)

    said = [record.message for record in caplog.records if getattr(record, "origin", None) == STRANGER]
    assert len(said) == 1
    assert "HUBBUB_CORS_ORIGINS" in said[0]


@pytest.mark.parametrize("origins", [(ALLOWED,)])
@pytest.mark.parametrize("way", [rest, polling, websocket])
async def test_the_own_origin_uses_the_host_of_a_trusted_proxy(database_url, tmp_path, origins, way):
    named = {"trusted_proxies": "127.0.0.1/32", "public_url": "https://chat.example", "cors_origins": origins}
    settings = Settings.for_tests(database_url=database_url, data_dir=tmp_path, port=0, **named)

    async with LiveInstance(settings) as instance:
        instance.http.headers.update({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "www.example"})
        assert await way(instance, "https://www.example")
        assert await way(instance, "https://chat.example")
        assert not await way(instance, STRANGER)


async def test_security_headers_are_set(instance):
    async with instance.http.get(f"{instance.url}/api/v1/rooms") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("origins", [()])
@pytest.mark.parametrize(("path", "kept"), [("/api/v1/rooms", "no-store"), ("/health/live", None)])
async def test_private_responses_are_not_cached(instance, path, kept):
    async with instance.http.get(instance.url + path) as answer:
        assert answer.headers.get("Cache-Control") == kept


@pytest.mark.parametrize("origins", ["none"], indirect=True)
async def test_browser_features_are_restricted(instance):
    async with instance.http.get(f"{instance.url}/health/live") as answer:
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "microphone=()" in answer.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in answer.headers


HTTPS = {"X-Forwarded-Proto": "https"}
YEAR = "max-age=31536000"


@pytest.mark.parametrize("origins", ["none"], indirect=True)
@pytest.mark.parametrize("path", ["/health/live", "/api/v1/nothing", "/socket.io/?EIO=4&transport=polling"])
@pytest.mark.parametrize(
    ("hsts", "proxies", "headers", "sent"),
    [
        ("on", "127.0.0.0/8", HTTPS, YEAR),
        ("subdomains", "127.0.0.0/8", HTTPS, f"{YEAR}; includeSubDomains"),
        ("preload", "127.0.0.0/8", HTTPS, f"{YEAR}; includeSubDomains; preload"),
        ("off", "127.0.0.0/8", HTTPS, None),
        ("on", "127.0.0.0/8", {}, None),
        ("on", "127.0.0.0/8", {"X-Forwarded-Proto": "http"}, None),
        ("on", "127.0.0.0/8", {"X-Forwarded-Proto": "https, http"}, None),
        ("on", "", HTTPS, None),
        ("on", "10.0.0.0/8", HTTPS, None),
    ],
)
async def test_hsts_is_sent_over_https_only(settings, hsts, proxies, headers, sent, path):
    settings = Settings.for_tests(
        database_url=settings.database_url, port=0, hsts=hsts, trusted_proxies=proxies
    )

    async with (
        LiveInstance(settings) as instance,
        instance.http.get(instance.url + path, headers=headers) as answer,
    ):
        assert answer.headers.get("Strict-Transport-Security") == sent


CAREFUL = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "hubbub",
}


@pytest.mark.parametrize("origins", [()])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/docs",
        "/api/v1/rooms",
        "/nothing/here",
        "/health/live",
        "/socket.io/?EIO=4&transport=polling",
    ],
)
async def test_every_response_has_security_headers_and_no_server_version(instance, path):
    async with instance.http.get(instance.url + path) as answer:
        assert {name: answer.headers.get(name) for name in CAREFUL} == CAREFUL
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy or "object-src 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "camera=()" in answer.headers["Permissions-Policy"]


@pytest.mark.parametrize("origins", [()])
async def test_the_response_to_invalid_http_has_them_too(instance):
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write(b"GET / HTTX/1.1\r\n\r\n")
    head = (await asyncio.wait_for(reader.read(), 10)).decode().partition("\r\n\r\n")[0]
    writer.close()

    assert set(CAREFUL.items()) <= {tuple(line.split(": ", 1)) for line in head.splitlines()[1:]}


@pytest.mark.parametrize("origins", [("https://app.example",)])
@pytest.mark.parametrize("path", ["/api/v1/rooms", "/socket.io/?EIO=4&transport=polling"])
async def test_preflights_are_cached_for_two_hours(instance, path):
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    async with instance.http.options(instance.url + path, headers=asked) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Max-Age"] == "7200"
