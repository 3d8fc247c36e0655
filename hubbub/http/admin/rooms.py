"""/admin/rooms: all rooms of the deployment."""

from aiohttp import web

from hubbub.http.request import context, page, query
from hubbub.http.routes import PAGE_META, Routes
from hubbub.schemas.admin import users as wire
from hubbub.services.admin import rooms as rooms_operations
from hubbub.services.permissions import Permission

routes = Routes()


@routes.get(
    "/api/v1/admin/rooms",
    name="admin.list_rooms",
    tag="admin",
    summary="List all rooms",
    description="Newest first unless `sort` is given. Contains private and direct ones, without messages.",
    query=wire.ListAllRooms,
    response=list[wire.ManagedRoom],
    meta=PAGE_META,
    errors=("forbidden",),
    permission=Permission.READ_ROOMS,
)
async def list_rooms(request: web.Request) -> web.Response:
    params = query(request, wire.ListAllRooms)
    found, total = await rooms_operations.list_rooms(context(request), params)
    return page(found, total, params)
