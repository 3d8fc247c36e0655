"""/sessions: the logins of the caller's devices."""

from aiohttp import web

from hubbub.http.request import context, no_content, page, query
from hubbub.http.routes import PAGE_META, Routes
from hubbub.schemas.auth import sessions as wire
from hubbub.schemas.pagination import PageQuery
from hubbub.services.auth import session_list

routes = Routes()


@routes.get(
    "/api/v1/sessions",
    name="sessions.list",
    tag="sessions",
    summary="List the caller's sessions",
    description="Sorted by activity, the latest first. Revoked and expired ones are left out.",
    query=PageQuery,
    response=list[wire.Session],
    meta=PAGE_META,
)
async def list_own(request: web.Request) -> web.Response:
    pagination = query(request, PageQuery)
    found, total = await session_list.list_own(context(request), pagination)
    return page(found, total, pagination)


@routes.delete(
    "/api/v1/sessions",
    name="sessions.revoke_others",
    tag="sessions",
    summary="Revoke all sessions except the current one",
    description="Their sockets are closed within a second.",
)
async def revoke_others(request: web.Request) -> web.Response:
    await session_list.revoke_others(context(request))
    return no_content()


@routes.delete(
    "/api/v1/sessions/{session_id}",
    name="sessions.revoke",
    tag="sessions",
    summary="Revoke a session",
    description=(
        "Its tokens become invalid at once, and its sockets are closed within a second. The current "
        "one may be revoked too."
    ),
    query=wire.SessionRef,
)
async def revoke(request: web.Request) -> web.Response:
    await session_list.revoke(context(request), query(request, wire.SessionRef))
    return no_content()
