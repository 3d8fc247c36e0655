"""Responses that are sent in chunks: HEAD has the headers of GET, and nothing follows them."""

import asyncio

import pytest

from hubbub import models


@pytest.fixture
def database_kind():
    return "sqlite"


async def raw_response(instance, method, path, token):
    """Send one request. Returns everything until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(instance.url.rsplit(":", 1)[1]))
    lines = (
        f"{method} /api/v1{path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        "Connection: close",
    )
    writer.write("\r\n".join((*lines, "", "")).encode())
    async with asyncio.timeout(10):
        received = await reader.read()
    writer.close()
    head, _, body = received.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return head.split(b"\r\n")[0], fields, body


@pytest.mark.parametrize(
    "path",
    [
        "/users/account/export",
        "/users/account/export?format=csv",
        "/portfolio/export",
        "/admin/audit-log/export",
        "/admin/audit-log/export?format=csv",
    ],
)
async def test_head_has_the_headers_of_get_and_no_body(instance, path):
    ada = await (await instance.register("ada")).mark_sessions_confirmed()
    await models.User.filter(id=ada.id).update(role="admin")

    of_get, of_head = [await raw_response(instance, method, path, ada.token) for method in ("GET", "HEAD")]

    assert of_get[0] == of_head[0] == b"HTTP/1.1 200 OK"
    assert of_get[2] != b""
    assert of_head[2] == b""
    for name in ("Content-Type", "Content-Disposition", "Cache-Control"):
        assert of_head[1][name] == of_get[1][name]
