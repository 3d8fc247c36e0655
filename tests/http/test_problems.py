"""Refusals: their shape, their status, and that nothing of the inside is in them."""

import logging
import re
from pathlib import Path

import pytest

from hubbub.core import errors
from hubbub.http import problems
from hubbub.services.chat import rooms

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def database_kind():
    return "sqlite"


def every(kind):
    """A class and all classes below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from every(below)


def test_every_code_has_a_status_and_every_status_a_title():
    codes = {kind.code for kind in every(errors.HubbubError)}

    assert codes == set(problems.STATUS_BY_CODE)
    statuses = {*problems.STATUS_BY_CODE.values(), problems.STORAGE_FULL_STATUS}
    assert statuses == set(problems.TITLE_BY_STATUS)


def test_every_code_is_documented_with_its_status():
    table = re.findall(r"^\| (\d{3}) \| (.*) \|$", (DOCS / "rest.md").read_text(), re.MULTILINE)
    received = {code: int(status) for status, line in table for code in re.findall(r"`([a-z_]+)`", line)}
    received = {code: status for code, status in received.items() if code in problems.STATUS_BY_CODE}

    assert received == {code: problems.STATUS_BY_CODE[code] for code in received}
    rest = set(problems.STATUS_BY_CODE) - set(received)
    assert rest == {"unknown_event", "too_many_connections"}  # of sockets alone
    protocol = (DOCS / "protocol.md").read_text()
    assert all(f"`{code}`" in protocol for code in rest)


async def test_an_error_is_a_problem_document(instance):
    async with instance.http.post(f"{instance.url}/api/v1/auth/register", json={"name": ""}) as answer:
        document = await answer.json(content_type="application/problem+json")
        assert answer.headers["Content-Type"] == "application/problem+json"

    assert document.pop("request_id") == answer.headers["X-Request-ID"]
    errors = document.pop("errors")
    assert [error.pop("field") for error in errors] == ["name", "email", "password"]
    assert {field for error in errors for field in error} == {"message"}
    assert document.pop("detail")
    assert document == {"type": "about:blank", "title": "Not valid", "status": 422, "code": "invalid_payload"}


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api/v1/nothing", "/api/v1/rooms/", "/api/v2/rooms", "/api", "/API/v1/rooms", "/health/"],
)
async def test_an_unknown_path_is_not_found_with_or_without_a_token(instance, path):
    user = await instance.register()
    for headers in ({}, {"Authorization": f"Bearer {user.token}"}):
        async with instance.http.get(instance.url + path, headers=headers) as answer:
            document = await answer.json(content_type="application/problem+json")
        assert (answer.status, document["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/auth/login", {"POST"}),
        ("DELETE", "/api/v1/rooms", {"GET", "HEAD", "POST"}),
        ("OPTIONS", "/api/v1/rooms", {"GET", "HEAD", "POST"}),
        ("POST", "/health/live", {"GET", "HEAD"}),
    ],
)
async def test_an_unsupported_method_lists_the_allowed_ones(instance, method, path, allowed):
    async with instance.http.request(method, instance.url + path) as answer:
        document = await answer.json(content_type="application/problem+json")

    assert (answer.status, document["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(",")) == allowed


async def test_head_is_get_without_a_body(instance):
    user = await instance.register()
    headers = {"Authorization": f"Bearer {user.token}"}
    async with instance.http.head(f"{instance.url}/api/v1/rooms", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0
    async with instance.http.head(f"{instance.url}/api/v1/rooms") as answer:
        assert (answer.status, await answer.read()) == (401, b"")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (RuntimeError("SELECT secret FROM /etc/passwd"), 500, "internal"),
        (errors.Unavailable(), 503, "unavailable"),
        (ConnectionResetError("10.0.0.5:5432"), 503, "unavailable"),
    ],
)
async def test_an_internal_error_reveals_no_details(instance, monkeypatch, caplog, fault, status, code):
    user = await instance.register()

    async def broken(*_):
        raise fault

    monkeypatch.setattr(rooms, "list_own", broken)
    with caplog.at_level(logging.ERROR):
        got, document = await user.rest("GET", "/rooms")

    assert (got, document["code"]) == (status, code)
    assert not any(word in str(document) for word in ("SELECT", "passwd", "10.0.0.5", "Traceback", "Error("))
    assert ("a request failed" in caplog.text) == (status == 500)


async def test_a_refusal_has_a_retry_time(instance, monkeypatch):
    user = await instance.register()

    async def busy(*_):
        raise errors.RateLimited(retry_after_ms=1001)

    monkeypatch.setattr(rooms, "list_own", busy)
    async with instance.http.get(
        f"{instance.url}/api/v1/rooms", headers={"Authorization": f"Bearer {user.token}"}
    ) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
