"""Methods of every path of the API, and who is refused before a request is read."""

import pytest
from aiohttp import web

from hubbub.http import app
from hubbub.http.routes import required_permission

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PURGE"}
ID = "0192f3a4-0000-7000-8000-000000000000"
NAMES = (
    *("room_id", "message_id", "user_id", "session_id", "key_id", "identity_id", "job_id", "upload_id"),
    *("notification_id", "item_id", "id_or_slug"),
)
REFUSED = {"token": (403, "forbidden"), "none": (401, "unauthenticated")}


@pytest.fixture
def database_kind():
    return "sqlite"


def filled(path):
    """The path with something for what is in braces."""
    for name in NAMES:
        path = path.replace(f"{{{name}}}", ID)
    path = path.replace("{username}", "ada").replace("{provider}", "test").replace("{emoji}", "x")
    return path.replace("{name}", "SESSIONS" if "/schedules/" in path else "mail")


def paths():
    """Each path of the document and its methods."""
    for path, operations in app.openapi_document()["paths"].items():
        known = {method.upper() for method in operations} & METHODS
        yield filled(path), known | ({"HEAD"} if "GET" in known else set())


async def ask(instance, method, path, token=None, data=None, content_type="application/json"):
    headers = {"Content-Type": content_type, **({"Authorization": f"Bearer {token}"} if token else {})}
    async with instance.http.request(method, instance.url + path, headers=headers, data=data) as answer:
        document = {} if method == "HEAD" else await answer.json(content_type=None)
        return answer.status, document.get("code"), answer.headers.get("Allow")


async def test_options_lists_the_methods_of_every_path(instance):
    for path, known in paths():
        status, _, allow = await ask(instance, "OPTIONS", path)
        assert (status, set((allow or "").split(","))) == (405, known), path


async def test_an_unsupported_method_is_405_for_every_caller(instance):
    user = await instance.register()
    for path, known in paths():
        for method in METHODS - known:
            for token in (None, user.token):
                status, _, allow = await ask(instance, method, path, token)
                assert (status, set((allow or "").split(","))) == (405, known), (method, path)


@pytest.mark.parametrize("path", ["/messages/search", "/users/profile", "/rooms/public"])
async def test_the_rest_of_such_a_request_is_not_checked(instance, path):
    user = await instance.register()
    for headers in ({"Idempotency-Key": "x" * 999}, {"X-API-Key": "none"}, {"Content-Type": "text/plain"}):
        status, refusal = await user.rest("POST", path, headers=headers, data=b"{")
        assert (status, refusal["code"]) == (405, "method_not_allowed"), headers


def admin_routes():
    for path, operations in app.openapi_document()["paths"].items():
        if path.startswith("/api/v1/admin/"):
            yield from ((method, path) for method in sorted({each.upper() for each in operations} & METHODS))


BAD_QUERIES = [
    *("q=%00", "q=" + "x" * 300, "page=0", "page=x", "limit=1000", "sort=nonsense", "since=x", "format=x"),
    "role=x",
]
BAD_BODIES = [b"", b"{", b"[]", b"null", b"{}", b'{"role": 5}', b'{"unknown": 1}', b"\xff", b"[" * 5000]


@pytest.mark.parametrize(("method", "path"), list(admin_routes()))
async def test_a_missing_permission_is_reported_before_other_errors(instance, method, path):
    tokens = {"token": (await instance.register("ada")).token, "none": None}
    for each in {filled(path), path.replace("{", "").replace("}", "")}:
        for query in BAD_QUERIES:
            for name, token in tokens.items():
                assert (await ask(instance, method, f"{each}?{query}", token))[:2] == REFUSED[name], (
                    each,
                    query,
                )
    for body in BAD_BODIES if method not in ("GET", "DELETE") else ():
        for kind in ("application/json", "text/plain"):
            for name, token in tokens.items():
                answer = await ask(instance, method, filled(path), token, body, kind)
                assert answer[:2] == REFUSED[name], body


def test_every_admin_route_names_its_permission():
    made = web.Application()
    for routes in app.ROUTES:
        made.add_routes(routes)
    guarded = [
        route for route in made.router.routes() if route.resource.canonical.startswith("/api/v1/admin/")
    ]

    assert len(guarded) > 5
    assert [route for route in guarded if required_permission(route) is None] == []
