"""/admin: users and rooms, for those who look after them."""

from aiohttp import web

from hubbub.http.request import context, data, nothing, page, query, read
from hubbub.http.routes import PAGES, Routes
from hubbub.schemas import moderation as wire
from hubbub.services import moderation

routes = Routes()


@routes.get(
    "/api/v1/admin/users",
    says="All accounts, the newest first",
    query=wire.ListUsers,
    shows=list[wire.ManagedUser],
    meta=PAGES,
    may=("forbidden",),
)
async def list_users(request: web.Request) -> web.Response:
    asked = query(request, wire.ListUsers)
    found, total = await moderation.list_users(context(request), asked)
    return page(found, total, asked)


@routes.get(
    "/api/v1/admin/users/{user_id}",
    says="An account",
    query=wire.UserOnly,
    shows=wire.ManagedUser,
    may=("forbidden",),
)
async def get_user(request: web.Request) -> web.Response:
    return data(await moderation.get_user(context(request), query(request, wire.UserOnly)))


@routes.patch(
    "/api/v1/admin/users/{user_id}",
    says="Change a role; suspend somebody, or let them in again",
    body=wire.ChangeUser,
    shows=wire.ManagedUser,
    may=("forbidden", "conflict"),
)
async def change_user(request: web.Request) -> web.Response:
    return data(await moderation.change_user(context(request), await read(request, wire.ChangeUser)))


@routes.delete(
    "/api/v1/admin/users/{user_id}",
    says="Delete an account; its messages stay without a name",
    query=wire.UserOnly,
    may=("forbidden",),
)
async def delete_user(request: web.Request) -> web.Response:
    await moderation.delete_user(context(request), query(request, wire.UserOnly))
    return nothing()


@routes.get(
    "/api/v1/admin/rooms",
    says="All rooms, the newest first; nothing that was said in them",
    query=wire.ListAllRooms,
    shows=list[wire.ManagedRoom],
    meta=PAGES,
    may=("forbidden",),
)
async def list_rooms(request: web.Request) -> web.Response:
    asked = query(request, wire.ListAllRooms)
    found, total = await moderation.list_rooms(context(request), asked)
    return page(found, total, asked)
