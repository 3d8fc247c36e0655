"""/auth: registering, logging in, renewing tokens, logging out."""

from aiohttp import web

from hubbub.http.keys import parts_of
from hubbub.http.request import context, data, nothing, origin, read
from hubbub.schemas import accounts as wire
from hubbub.services import accounts, sessions

routes = web.RouteTableDef()


@routes.post("/api/v1/auth/register")
async def register(request: web.Request) -> web.Response:
    signed = await accounts.register(parts_of(request), await read(request, wire.Register), origin(request))
    return data(signed, status=201, location="/api/v1/auth/me")


@routes.post("/api/v1/auth/login")
async def login(request: web.Request) -> web.Response:
    return data(await accounts.login(parts_of(request), await read(request, wire.Login), origin(request)))


@routes.post("/api/v1/auth/refresh")
async def refresh(request: web.Request) -> web.Response:
    return data(await sessions.refresh(parts_of(request), await read(request, wire.Refresh)))


@routes.post("/api/v1/auth/logout")
async def logout(request: web.Request) -> web.Response:
    await sessions.logout(context(request))
    return nothing()


@routes.get("/api/v1/auth/me")
async def me(request: web.Request) -> web.Response:
    return data(await accounts.me(context(request)))
