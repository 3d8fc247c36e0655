"""/api-keys: what programs of a user come in with."""

from aiohttp import web

from hubbub.http.request import context, data, nothing, page, query, read
from hubbub.http.routes import PAGES, Routes
from hubbub.schemas import api_keys as wire
from hubbub.schemas.paging import Paged
from hubbub.services import api_keys

routes = Routes()


@routes.get(
    "/api/v1/api-keys",
    says="One's API keys, the newest first; the keys themselves are not shown",
    query=Paged,
    shows=list[wire.ApiKey],
    meta=PAGES,
)
async def list_own(request: web.Request) -> web.Response:
    asked = query(request, Paged)
    found, total = await api_keys.list_own(context(request), asked)
    return page(found, total, asked)


@routes.post(
    "/api/v1/api-keys",
    says="Make an API key; it is shown this once",
    body=wire.CreateApiKey,
    shows=wire.NewApiKey,
    status=201,
    may=("conflict",),
)
async def create(request: web.Request) -> web.Response:
    made = await api_keys.create(context(request), await read(request, wire.CreateApiKey))
    return data(made, status=201, location=f"/api/v1/api-keys/{made.id}")


@routes.get("/api/v1/api-keys/{key_id}", says="An API key", query=wire.ApiKeyOnly, shows=wire.ApiKey)
async def get(request: web.Request) -> web.Response:
    return data(await api_keys.get(context(request), query(request, wire.ApiKeyOnly)))


@routes.delete(
    "/api/v1/api-keys/{key_id}",
    says="Revoke an API key: it is refused from then on",
    query=wire.ApiKeyOnly,
)
async def revoke(request: web.Request) -> web.Response:
    await api_keys.revoke(context(request), query(request, wire.ApiKeyOnly))
    return nothing()
