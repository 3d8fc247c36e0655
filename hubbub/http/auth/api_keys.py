"""/api-keys: API keys of the caller's programs."""

from aiohttp import web

from hubbub.http.request import context, no_content, ok, page, query, read
from hubbub.http.routes import PAGE_META, Routes
from hubbub.schemas.auth import api_keys as wire
from hubbub.schemas.pagination import PageQuery
from hubbub.services.auth import api_keys

routes = Routes()


@routes.get(
    "/api/v1/api-keys",
    name="api_keys.list",
    tag="api_keys",
    summary="List the caller's API keys",
    description="Newest first, with expired ones. Secrets are not stored and can't be listed.",
    query=PageQuery,
    response=list[wire.ApiKey],
    meta=PAGE_META,
)
async def list_own(request: web.Request) -> web.Response:
    pagination = query(request, PageQuery)
    found, total = await api_keys.list_own(context(request), pagination)
    return page(found, total, pagination)


@routes.post(
    "/api/v1/api-keys",
    name="api_keys.create",
    tag="api_keys",
    summary="Create an API key",
    description=(
        "The response is the only one with the secret. At most 25 for an account. An e-mail with a "
        "token for undoing it is sent. Needs a confirmed session."
    ),
    needs_confirmed_session=True,
    body=wire.CreateApiKey,
    response=wire.NewApiKey,
    status=201,
    errors=("conflict",),
)
async def create(request: web.Request) -> web.Response:
    created = await api_keys.create(context(request), await read(request, wire.CreateApiKey))
    return ok(created, status=201, location=f"/api/v1/api-keys/{created.id}")


@routes.get(
    "/api/v1/api-keys/{key_id}",
    name="api_keys.get",
    tag="api_keys",
    summary="Get an API key",
    description="Without its secret, which only its creation returns.",
    query=wire.ApiKeyRef,
    response=wire.ApiKey,
)
async def get(request: web.Request) -> web.Response:
    return ok(await api_keys.get(context(request), query(request, wire.ApiKeyRef)))


@routes.delete(
    "/api/v1/api-keys/{key_id}",
    name="api_keys.revoke",
    tag="api_keys",
    summary="Revoke an API key",
    description="Requests with it fail with `unauthenticated` at once.",
    query=wire.ApiKeyRef,
)
async def revoke(request: web.Request) -> web.Response:
    await api_keys.revoke(context(request), query(request, wire.ApiKeyRef))
    return no_content()
