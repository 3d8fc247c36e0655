"""/admin/users: accounts, for moderators and admins."""

from aiohttp import web

from hubbub.http.request import context, no_content, ok, page, query, read
from hubbub.http.routes import PAGE_META, Routes
from hubbub.schemas.admin import users as wire
from hubbub.services.admin import users
from hubbub.services.permissions import Permission

routes = Routes()


@routes.get(
    "/api/v1/admin/users",
    name="admin.list_users",
    tag="admin",
    summary="List all accounts",
    description=(
        "Newest first unless `sort` is given. Deleted ones are left out. Needs the permission of a "
        "moderator or admin."
    ),
    query=wire.ListUsers,
    response=list[wire.ManagedUser],
    meta=PAGE_META,
    errors=("forbidden",),
    permission=Permission.READ_USERS,
)
async def list_users(request: web.Request) -> web.Response:
    params = query(request, wire.ListUsers)
    found, total = await users.list_users(context(request), params)
    return page(found, total, params)


@routes.get(
    "/api/v1/admin/users/{user_id}",
    name="admin.get_user",
    tag="admin",
    summary="Get an account as an admin",
    description="Contains the e-mail address, the role and the suspension.",
    query=wire.UserRef,
    response=wire.ManagedUser,
    errors=("forbidden",),
    permission=Permission.READ_USERS,
)
async def get_user(request: web.Request) -> web.Response:
    return ok(await users.get_user(context(request), query(request, wire.UserRef)))


@routes.patch(
    "/api/v1/admin/users/{user_id}",
    name="admin.update_user",
    tag="admin",
    summary="Change the role or the suspension of an account",
    description=(
        "A suspension ends all sessions within a second. The last admin keeps the role and can't be "
        "suspended. Each change is in the audit log."
    ),
    body=wire.ChangeUser,
    response=wire.ManagedUser,
    errors=("forbidden", "conflict"),
    permission=Permission.READ_USERS,
)
async def update_user(request: web.Request) -> web.Response:
    return ok(await users.change_user(context(request), await read(request, wire.ChangeUser)))


@routes.delete(
    "/api/v1/admin/users/{user_id}",
    name="admin.delete_user",
    tag="admin",
    summary="Delete an account as an admin",
    description="Messages stay, without the name of their sender. The last admin can't be deleted.",
    query=wire.UserRef,
    errors=("forbidden",),
    permission=Permission.DELETE_USERS,
)
async def delete_user(request: web.Request) -> web.Response:
    await users.delete_user(context(request), query(request, wire.UserRef))
    return no_content()
