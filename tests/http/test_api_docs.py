"""The API document of a running instance: generated once, for its first request."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from aiohttp import web

from hubbub.http import api_docs
from hubbub.http.openapi import document
from tests.support.live_instance import LiveInstance


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_concurrent_first_requests_generate_the_document_once(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate, servers = document.document, []

    def counted(routes: Iterable[web.AbstractRoute], server: str) -> dict[str, Any]:
        servers.append(server)
        return generate(routes, server)

    monkeypatch.setattr(document, "document", counted)

    async def get() -> bytes:
        async with instance.http.get(instance.url + document.PATH) as response:
            assert (response.status, response.content_type) == (200, "application/json")
            return await response.read()

    bodies = [*await asyncio.gather(*(get() for _ in range(4))), await get()]

    assert len(set(bodies)) == 1
    assert b'"/api/v1/rooms"' in bodies[0]
    assert servers == ["/"]


def test_a_route_without_documentation_is_refused_at_the_start() -> None:
    async def undocumented(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/api/v1/new", undocumented)

    with pytest.raises(LookupError, match="/api/v1/new"):
        api_docs.routes(app.router.routes())
