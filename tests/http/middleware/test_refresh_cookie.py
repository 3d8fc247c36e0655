"""HUBBUB_REFRESH_COOKIE over a real server: the refresh token is in a cookie, and scripts can't read it."""

import asyncio
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest

from hubbub import models
from hubbub.config import Settings
from tests.support.live_instance import PASSWORD, LiveInstance

LISTED, STRANGER = "https://app.example", "https://evil.example"
ADA = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
PATHS = ("/auth/refresh", "/auth/logout")


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
def settings(database_url, tmp_path):
    return Settings.for_tests(
        database_url=database_url, data_dir=tmp_path, port=0, refresh_cookie=True, cors_origins=(LISTED,)
    )


class Response:
    """Status, JSON, headers, and the cookie."""

    def __init__(self, status: int, body: Any, headers: Any) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.cookie: Morsel[str] | None = SimpleCookie(headers.get("Set-Cookie", "")).get("hubbub_refresh")

    @property
    def value(self) -> str:
        """The value of the cookie that was set."""
        assert self.cookie is not None
        return self.cookie.value


async def post(
    instance: LiveInstance,
    path: str,
    cookie: str | None = None,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> Response:
    """Send a POST as a page would, with the cookie given by hand."""
    given = {"X-Requested-With": "test"} if headers is None else headers
    if cookie is not None:
        given = {**given, "Cookie": f"hubbub_refresh={cookie}"}
    async with instance.http.post(f"{instance.url}/api/v1{path}", headers=given, **options) as answer:
        text = await answer.text()
        body = await answer.json(content_type=None) if text else None
        return Response(answer.status, body, answer.headers)


async def register(instance: LiveInstance) -> Response:
    response = await post(instance, "/auth/register", json=ADA)
    assert response.status == 201
    return response


async def test_every_login_sets_the_cookie_and_omits_the_token(instance):
    responses = [
        await register(instance),
        await post(instance, "/auth/login", json={"email": ADA["email"], "password": PASSWORD}),
    ]
    responses.append(await post(instance, "/auth/refresh", responses[1].value))

    assert [each.status for each in responses] == [201, 200, 200]
    for each in responses:
        assert set(each.body["data"]) == {"access_token", "token_type", "expires_in", "user"}
        cookie = each.cookie
        assert (cookie["path"], cookie["samesite"], cookie["max-age"]) == ("/api/v1/auth", "Strict", "604800")
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["domain"] == ""
    assert len({each.value for each in responses}) == len(responses)


async def test_a_refresh_reads_the_cookie_only_with_the_header_and_from_a_listed_origin(instance):
    token = (await register(instance)).value
    refused = [{}, {"X-Requested-With": "x", "Origin": STRANGER}, {"X-Requested-With": "x", "Origin": "null"}]

    for headers in refused:
        response = await post(instance, "/auth/refresh", token, headers)
        assert (response.status, response.cookie) == (422, None), headers
        assert [each["field"] for each in response.body["errors"]] == ["refresh_token"]

    for origin in (LISTED, instance.url):
        response = await post(
            instance, "/auth/refresh", token, {"X-Requested-With": "x", "Origin": origin}, json={}
        )
        assert response.status == 200
        token = response.value


async def test_a_token_in_the_body_precedes_the_cookie(instance):
    token = (await register(instance)).value

    response = await post(instance, "/auth/refresh", token, json={"refresh_token": "nonsense"})

    assert (response.status, response.body["code"]) == (400, "invalid_token")
    assert (await post(instance, "/auth/refresh", token)).status == 200


async def test_a_used_cookie_ends_the_session(instance):
    token = (await register(instance)).value
    newer = (await post(instance, "/auth/refresh", token)).value

    responses = [await post(instance, "/auth/refresh", each) for each in (token, newer)]

    assert [(each.status, each.body["code"]) for each in responses] == [(400, "invalid_token")] * 2


@pytest.mark.parametrize("authorization", [None, "Bearer expired"])
async def test_a_logout_ends_the_session_of_the_cookie_and_removes_it(instance, authorization):
    registered = await register(instance)
    headers = {"X-Requested-With": "x"} | ({"Authorization": authorization} if authorization else {})

    assert (await post(instance, "/auth/logout", registered.value, {"Origin": LISTED})).status == 401
    response = await post(instance, "/auth/logout", registered.value, headers)

    assert (response.status, response.value, response.cookie["max-age"]) == (204, "", "0")
    status, answer = await instance.rest(
        "GET", "/auth/me", headers={"Authorization": f"Bearer {registered.body['data']['access_token']}"}
    )
    assert (status, answer["code"]) == (401, "session_revoked")
    record = await models.AuditRecord.get(action="session.sign_out")
    assert (record.actor_id, record.outcome) == ((await models.User.get()).id, "ok")


async def test_a_logout_with_an_invalid_cookie_needs_the_access_token(instance):
    token = (await register(instance)).body["data"]["access_token"]

    refused = await post(instance, "/auth/logout", "nonsense")
    ended = await post(
        instance, "/auth/logout", "nonsense", {"X-Requested-With": "x", "Authorization": f"Bearer {token}"}
    )

    assert (refused.status, refused.body["code"]) == (401, "unauthenticated")
    assert ended.status == 204


async def test_a_repeated_refresh_gets_the_cookie_again_and_another_client_does_not(instance):
    first = await register(instance)
    second = await post(instance, "/auth/login", json={"email": ADA["email"], "password": PASSWORD})
    headers = {"X-Requested-With": "x", "Idempotency-Key": "1"}

    responses = await asyncio.gather(
        *(post(instance, "/auth/refresh", first.value, headers) for _ in range(3))
    )
    other = await post(instance, "/auth/refresh", second.value, headers)

    assert [each.status for each in responses] == [200] * 3
    assert len({each.value for each in responses}) == 1
    assert (other.status, other.cookie) == (409, None)


async def test_listed_origins_may_send_the_cookie_to_these_two_routes_only(instance):
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-requested-with",
    }
    for path, origin, allowed in [
        *((path, LISTED, True) for path in PATHS),
        *((path, STRANGER, False) for path in PATHS),
        ("/auth/login", LISTED, False),
        ("/rooms", LISTED, False),
    ]:
        for method, headers in (("OPTIONS", preflight), ("POST", {})):
            async with instance.http.request(
                method, f"{instance.url}/api/v1{path}", headers={"Origin": origin, **headers}
            ) as answer:
                given = answer.headers.get("Access-Control-Allow-Credentials")
                assert given == ("true" if allowed else None), (method, path, origin)
                if allowed:
                    assert answer.headers["Access-Control-Allow-Origin"] == LISTED
                    assert answer.headers["Vary"] == "Origin"
                if allowed and method == "OPTIONS":
                    assert "X-Requested-With" in answer.headers["Access-Control-Allow-Headers"]


async def test_any_origin_is_no_listed_origin(database_url, tmp_path):
    settings = Settings.for_tests(
        database_url=database_url, data_dir=tmp_path, port=0, refresh_cookie=True, cors_origins=("*",)
    )
    async with LiveInstance(settings) as instance:
        token = (await register(instance)).value
        headers = {"X-Requested-With": "x", "Origin": STRANGER}

        response = await post(instance, "/auth/refresh", token, headers)

        assert response.status == 422
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_without_the_setting_no_cookie_is_set_or_read(database_url, tmp_path):
    settings = Settings.for_tests(database_url=database_url, data_dir=tmp_path, port=0)
    async with LiveInstance(settings) as instance:
        registered = await register(instance)
        token = registered.body["data"]["refresh_token"]

        assert registered.cookie is None
        assert (await post(instance, "/auth/refresh", token)).status == 422
        assert (await post(instance, "/auth/logout", token)).status == 401
        assert (await post(instance, "/auth/refresh", json={"refresh_token": token})).cookie is None
