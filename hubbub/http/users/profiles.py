"""/users: profiles."""

from aiohttp import web

from hubbub.http.request import context, ok, query, read
from hubbub.http.routes import Routes
from hubbub.schemas.users import profiles as wire
from hubbub.services.users import profiles

routes = Routes()


@routes.get(
    "/api/v1/users/profile",
    name="profiles.get_own",
    tag="profiles",
    summary="Get the caller's profile",
    description="With `metadata`, which no other user sees.",
    response=wire.OwnProfile,
)
async def get_own(request: web.Request) -> web.Response:
    return ok(await profiles.get_own(context(request)))


@routes.patch(
    "/api/v1/users/profile",
    name="profiles.update",
    tag="profiles",
    summary="Update the caller's profile",
    description=(
        "Fields that are left out keep their value. Messages that follow carry the new names. A username "
        "that is taken, or that was changed less than 24 hours ago, is `conflict`."
    ),
    body=wire.UpdateProfile,
    response=wire.OwnProfile,
    errors=("conflict",),
)
async def update(request: web.Request) -> web.Response:
    return ok(await profiles.update(context(request), await read(request, wire.UpdateProfile)))


@routes.get(
    "/api/v1/users/{username}",
    name="profiles.get",
    tag="profiles",
    summary="Get the profile of a user",
    description="For every user who is logged in. Deleted accounts and former usernames are not found.",
    query=wire.UsernameRef,
    response=wire.Profile,
    errors=("not_found",),
)
async def get(request: web.Request) -> web.Response:
    return ok(await profiles.get(context(request), query(request, wire.UsernameRef)))
