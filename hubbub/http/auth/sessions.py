"""/sessions: the logins of the caller's devices."""

from aiohttp import web

from hubbub.http.request import context, no_content, page, query
from hubbub.http.routes import PAGES, Routes
from hubbub.schemas.auth import sessions as wire
from hubbub.schemas.pagination import Paged
from hubbub.services.auth import session_list

routes = Routes()


@routes.get(
    "/api/v1/sessions",
    name="sessions.list",
    tag="sessions",
    summary="List the caller's sessions, last active first",
    query=Paged,
    response=list[wire.Session],
    meta=PAGES,
)
async def list_own(request: web.Request) -> web.Response:
    asked = query(request, Paged)
    found, total = await session_list.list_own(context(request), asked)
    return page(found, total, asked)


@routes.delete(
    "/api/v1/sessions",
    name="sessions.revoke_others",
    tag="sessions",
    summary="Revoke all sessions except the current one",
)
async def end_others(request: web.Request) -> web.Response:
    await session_list.end_others(context(request))
    return no_content()


@routes.delete(
    "/api/v1/sessions/{session_id}",
    name="sessions.revoke",
    tag="sessions",
    summary="Revoke a session",
    query=wire.SessionRef,
)
async def end_one(request: web.Request) -> web.Response:
    await session_list.end_one(context(request), query(request, wire.SessionRef))
    return no_content()
