"""/admin/realtime: who is connected, and to what."""

from aiohttp import web

from hubbub.http.request import context, data
from hubbub.http.routes import Routes
from hubbub.schemas import operation as wire
from hubbub.services import operation

routes = Routes()


@routes.get(
    "/api/v1/admin/realtime",
    says="Connections, rooms and instances",
    shows=wire.Realtime,
    may=("forbidden",),
)
async def realtime(request: web.Request) -> web.Response:
    return data(await operation.realtime(context(request)))
