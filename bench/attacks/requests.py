"""Attacks by HTTP requests without an account, and with credentials that are refused."""

import gzip
from collections.abc import Callable
from itertools import count

from bench.attacks import wire
from bench.attacks.script import Attack, Script, Target, flood, storm, stream
from bench.attacks.wire import api_request, repeat_to_size, request

BuildRequest = Callable[[Target], bytes]
JSON_HEADER = "Content-Type: application/json"
GZIP_BOMB = gzip.compress(b'{"email":"' + b"x" * 50_000_000 + b'"}')
LARGE_BODY_BYTES = 990_000


def _pipelined_requests(data: bytes) -> Script:
    """Send as many requests at once as fit, on twenty connections."""
    return flood(b"", repeat_to_size(data))


def _numbered_requests(
    build: Callable[[Target, int], bytes], batch_size: int = 50
) -> Callable[[Target], Script]:
    """Send requests that differ by a number."""

    def script(target: Target) -> Script:
        return stream(
            b"", lambda chunk: b"".join(build(target, chunk * batch_size + n) for n in range(batch_size))
        )

    return script


def _numbered_new_connections(build: Callable[[Target, int], bytes]) -> Callable[[Target], Script]:
    """Send requests that differ by a number, each on its own connection."""

    def script(target: Target) -> Script:
        numbers = count(target.seed * 10_000_000)
        return storm(lambda _: build(target, next(numbers)), connections=100)

    return script


def _login_request(email: str) -> bytes:
    return api_request("POST", "/auth/login", body={"email": email, "password": "not the password"})


def _register_request(number: int) -> bytes:
    body = {"name": "A", "email": f"a{number}@attack.example", "password": "a long enough passphrase 7"}
    return api_request("POST", "/auth/register", body=body)


def _gzip_request(path: str) -> bytes:
    return request("POST", f"/api/v1{path}", JSON_HEADER, "Content-Encoding: gzip", body=GZIP_BOMB)


def _nested_json_request(size: int) -> bytes:
    return request("POST", "/api/v1/auth/login", JSON_HEADER, body=b'{"email":' + b"[" * size)


# One request, repeated.
REPEATED_REQUESTS: dict[str, tuple[str, BuildRequest]] = {
    "live": ("`/health/live`", lambda _: request("GET", "/health/live")),
    "ready": ("`/health/ready`", lambda _: request("GET", "/health/ready")),
    "health": ("`/health`", lambda _: request("GET", "/health")),
    "metrics": ("`/metrics`", lambda _: request("GET", "/metrics")),
    "page": ("the page `/account`", lambda _: request("GET", "/account")),
    "reference": ("the page `/api/docs`", lambda _: request("GET", "/api/docs")),
    "openapi": ("the API document", lambda _: request("GET", "/api/v1/openapi.json")),
    "head": ("HEAD requests", lambda _: request("HEAD", "/api/v1/openapi.json")),
    "not-found": ("an unknown page", lambda _: request("GET", "/nothing/here")),
    "api-not-found": ("an unknown route", lambda _: request("GET", "/api/v1/nothing")),
    "method": ("a method that is not allowed", lambda _: request("PUT", "/health/live")),
    "options": ("preflights", lambda _: request("OPTIONS", "/api/v1/auth/me", "Origin: https://evil.example", "Access-Control-Request-Method: GET")),
    "malformed": ("malformed requests", lambda _: b"GET / HTTP/9.9\r\nHost localhost\r\n\r\n"),
    "no-host": ("requests without Host", lambda _: b"GET /api/v1/auth/me HTTP/1.1\r\n\r\n"),
    "unauthenticated": ("requests without a token", lambda _: api_request("GET", "/auth/me")),
    "bad-token": ("a malformed token", lambda _: api_request("GET", "/auth/me", "x")),
    "long-token": ("a token of 7 kB", lambda _: api_request("GET", "/auth/me", "x" * 7000)),
    "expired-token": ("an expired token", lambda target: api_request("GET", "/auth/me", target.expired_token)),
    "foreign-token": ("a token signed with another key", lambda target: api_request("GET", "/auth/me", target.foreign_token)),
    "suspended-token": ("the token of a suspended user", lambda target: api_request("GET", "/auth/me", target.suspended_token)),
    "ended-token": ("the token of a session that ended", lambda target: api_request("GET", "/auth/me", target.ended_token)),
    "api-key": ("an unknown API key", lambda _: request("GET", "/api/v1/auth/me", "X-API-Key: hub_" + "x" * 40)),
    "signed": ("an unknown key with a signature", lambda _: request("GET", "/api/v1/auth/me", "X-API-Key: hub_" + "x" * 40, "X-Signature: " + "0" * 64, "X-Timestamp: 1")),
    "login-one": ("logins to one account of another user", lambda target: _login_request(target.email)),
    "login-invalid": ("logins without a password", lambda _: api_request("POST", "/auth/login", body={"email": "x"})),
    "login-not-json": ("logins that are not JSON", lambda _: request("POST", "/api/v1/auth/login", JSON_HEADER, body=b"{")),
    "login-suspended": ("logins with a password of 1,000 characters", lambda target: api_request("POST", "/auth/login", body={"email": target.email, "password": "x" * 1000})),
    "register-taken": ("registrations of a taken e-mail address", lambda target: api_request("POST", "/auth/register", body={"name": "A", "email": target.email, "password": "a long enough passphrase 7"})),
    "register-invalid": ("registrations that are invalid", lambda _: api_request("POST", "/auth/register", body={"name": ""})),
    "forgot": ("forgotten passwords of one account", lambda target: api_request("POST", "/auth/forgot-password", body={"email": target.email})),
    "reset": ("password resets with a bad token", lambda _: api_request("POST", "/auth/reset-password", body={"token": "x", "password": "a long enough passphrase 7"})),
    "verify": ("e-mail verifications with a bad token", lambda _: api_request("POST", "/auth/verify-email", body={"token": "x"})),
    "refresh": ("refreshes with a bad token", lambda _: api_request("POST", "/auth/refresh", body={"refresh_token": "x"})),
    "mfa": ("second factors with a bad token", lambda _: api_request("POST", "/auth/2fa/verify", body={"mfa_token": "x", "code": "000000"})),
    "oauth": ("logins at an unknown provider", lambda _: api_request("GET", "/auth/oauth/none/authorize")),
    "oauth-exchange": ("exchanges of a bad code", lambda _: api_request("POST", "/auth/oauth/exchange", body={"code": "x"})),
    "big-header": ("headers of 7 kB", lambda _: request("GET", "/health/live", "X-A: " + "x" * 7000)),
    "many-headers": ("requests of 90 headers", lambda _: request("GET", "/health/live", *(f"X-{n}: a" for n in range(90)))),
    "long-query": ("queries of 7 kB", lambda _: request("GET", "/api/v1/auth/oauth?" + "a=b&" * 1700)),
    "big-body": ("bodies of 1 MB", lambda _: request("POST", "/api/v1/auth/login", JSON_HEADER, body=b'{"email":"' + b"x" * LARGE_BODY_BYTES)),
    "fits-body": ("bodies of 15 kB", lambda _: request("POST", "/api/v1/auth/login", JSON_HEADER, body=b'{"a":[' + b"[]," * 5000 + b"[]]}")),
    "deep-body": ("nested bodies of 15 kB", lambda _: _nested_json_request(15_000)),
    "gzip": ("bodies that decompress to 50 MB", lambda _: _gzip_request("/auth/login")),
    "chunked": ("bodies in chunks of one byte", lambda _: request("POST", "/api/v1/auth/login", JSON_HEADER, "Transfer-Encoding: chunked") + b"1\r\n \r\n" * 10_000 + b"0\r\n\r\n"),
    "expect": ("requests with `Expect: 100-continue`", lambda _: request("POST", "/api/v1/auth/login", JSON_HEADER, "Expect: 100-continue", body=b"{}")),
    "upgrade": ("upgrades to another protocol", lambda _: request("GET", "/health/live", "Upgrade: h2c", "Connection: Upgrade")),
    "stream": ("event streams", lambda _: request("GET", "/health/live", "Accept: text/event-stream")),
}  # fmt: skip

# Requests that differ, so that anything that is stored for each grows.
NUMBERED_REQUESTS: dict[str, tuple[str, Callable[[Target, int], bytes]]] = {
    "logins": ("logins to unknown accounts", lambda _, n: _login_request(f"a{n}@attack.example")),
    "registers": ("registrations", lambda _, n: _register_request(n)),
    "forgots": ("forgotten passwords of unknown accounts", lambda _, n: api_request("POST", "/auth/forgot-password", body={"email": f"a{n}@attack.example"})),
    "api-keys": ("unknown API keys", lambda _, n: request("GET", "/api/v1/auth/me", f"X-API-Key: hub_{n:040}")),
    "paths": ("unknown paths", lambda _, n: request("GET", f"/api/v1/nothing/{n}")),
    "user-agents": ("other user agents", lambda _, n: request("GET", "/api/v1/auth/me", f"User-Agent: agent {n}")),
    "forwarded": ("other `X-Forwarded-For`", lambda _, n: request("GET", "/api/v1/auth/me", f"X-Forwarded-For: 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}")),
    "request-ids": ("other request ids", lambda _, n: request("GET", "/api/v1/auth/me", f"X-Request-Id: {n:032}")),
    "idempotency": ("other idempotency keys", lambda _, n: request("POST", "/api/v1/auth/login", JSON_HEADER, f"Idempotency-Key: key-{n}", body=b'{"email":"x@attack.example","password":"x"}')),
    "origins": ("other origins", lambda _, n: request("GET", "/api/v1/auth/me", f"Origin: https://o{n}.example")),
    "hosts": ("other hosts", lambda _, n: request("GET", "/health/live").replace(b"localhost", f"h{n}.example".encode())),
    "methods": ("other methods", lambda _, n: request(f"M{n}", "/health/live")),
}  # fmt: skip
HANDSHAKES: dict[str, tuple[str, Callable[[Target, int], bytes]]] = {
    "user-agents": ("WebSocket handshakes with other user agents", lambda _, n: wire.websocket_handshake("", f"User-Agent: agent {n} {'x' * 400}")),
    "forwarded": ("WebSocket handshakes with other `X-Forwarded-For`", lambda _, n: wire.websocket_handshake("", f"X-Forwarded-For: 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}")),
    "origins": ("WebSocket handshakes of other origins", lambda _, n: wire.websocket_handshake("", f"Origin: https://o{n}.example")),
    "tokens": ("WebSocket handshakes with other tokens in the query", lambda _, n: wire.websocket_handshake().replace(b"websocket HTTP", f"websocket&token=t{n} HTTP".encode(), 1)),
}  # fmt: skip
QUICK_ATTACKS = {"http-live", "http-bad-token", "http-logins"}
ATTACKS: list[Attack] = [
    *(
        Attack(f"http-{name}", description, lambda target, build=build: _pipelined_requests(build(target)), quick=f"http-{name}" in QUICK_ATTACKS)  # type: ignore[misc]
        for name, (description, build) in REPEATED_REQUESTS.items()
    ),
    *(Attack(f"http-{name}", description, _numbered_requests(build), quick=f"http-{name}" in QUICK_ATTACKS) for name, (description, build) in NUMBERED_REQUESTS.items()),
    *(Attack(f"handshake-{name}", description, _numbered_new_connections(build)) for name, (description, build) in HANDSHAKES.items()),
    Attack("http-unread", "the API document, reading nothing", lambda _: flood(b"", repeat_to_size(request("GET", "/api/v1/openapi.json")), reads=False)),
    Attack("http-unread-many", "errors, reading nothing", lambda _: flood(b"", repeat_to_size(api_request("GET", "/auth/me")), reads=False)),
    Attack("http-new", "a connection for each request", lambda _: storm(request("GET", "/health/live"), connections=100)),
    Attack("http-new-api", "a connection for each refused request", lambda _: storm(api_request("GET", "/auth/me", "x"), connections=100)),
    Attack("http-new-dropped", "requests whose response is not waited for", lambda _: storm(api_request("GET", "/auth/me", "x"), wait_for_response=False, connections=100)),
    Attack("http-new-logins", "logins, each on its own connection", lambda target: storm(lambda n: _login_request(f"b{target.seed}{n}@attack.example"), connections=100)),
    Attack("http-login-dropped", "logins whose response is not waited for", lambda target: storm(lambda n: _login_request(f"c{target.seed}{n}@attack.example"), wait_for_response=False, connections=100)),
]  # fmt: skip
