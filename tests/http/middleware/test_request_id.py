import logging
from uuid import UUID

import pytest


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.mark.parametrize(
    "path", ["/health/live", "/nothing", "/api/v1/rooms", "/api/v1/auth/login", "/socket.io/"]
)
async def test_every_response_has_an_id(instance, path):
    async with instance.http.get(instance.url + path) as answer:
        UUID(answer.headers["X-Request-ID"])
        if answer.content_type == "application/problem+json":
            document = await answer.json(content_type=None)
            assert document["request_id"] == answer.headers["X-Request-ID"]


async def test_a_given_id_is_kept_and_logged(instance, caplog):
    with caplog.at_level(logging.INFO, "hubbub.http"):
        async with instance.http.get(
            f"{instance.url}/nothing", headers={"X-Request-ID": "mine-1.2:3/4"}
        ) as answer:
            assert answer.headers["X-Request-ID"] == "mine-1.2:3/4"

    (record,) = [each for each in caplog.records if each.message == "request"]
    assert (record.method, record.status) == ("GET", 404)


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "ü", '"'])
async def test_an_invalid_id_is_replaced(instance, given):
    async with instance.http.get(f"{instance.url}/health/live", headers={"X-Request-ID": given}) as answer:
        UUID(answer.headers["X-Request-ID"])
