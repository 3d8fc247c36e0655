"""/sessions: where somebody is signed in."""

from aiohttp import web

from hubbub.http.request import context, nothing, page, query
from hubbub.http.routes import PAGES, Routes
from hubbub.schemas import devices as wire
from hubbub.schemas.paging import Paged
from hubbub.services import devices

routes = Routes()


@routes.get(
    "/api/v1/sessions",
    says="Where one is signed in, the last active first",
    query=Paged,
    shows=list[wire.Session],
    meta=PAGES,
)
async def list_own(request: web.Request) -> web.Response:
    asked = query(request, Paged)
    found, total = await devices.list_own(context(request), asked)
    return page(found, total, asked)


@routes.delete("/api/v1/sessions", says="End all sessions but this one")
async def end_others(request: web.Request) -> web.Response:
    await devices.end_others(context(request))
    return nothing()


@routes.delete("/api/v1/sessions/{session_id}", says="End a session", query=wire.SessionOnly)
async def end_one(request: web.Request) -> web.Response:
    await devices.end_one(context(request), query(request, wire.SessionOnly))
    return nothing()
