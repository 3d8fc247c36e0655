"""/users: profiles."""

from aiohttp import web

from hubbub.http.request import context, ok, query, read
from hubbub.http.routes import Routes
from hubbub.schemas.users import profiles as wire
from hubbub.services.users import profiles

routes = Routes()


@routes.patch(
    "/api/v1/users/profile",
    name="profiles.update",
    tag="profiles",
    summary="Update the caller's profile",
    description=(
        "Fields that are left out keep their value. Members of the caller's rooms receive the change "
        "as an event."
    ),
    body=wire.UpdateProfile,
    response=wire.Profile,
)
async def update(request: web.Request) -> web.Response:
    return ok(await profiles.update(context(request), await read(request, wire.UpdateProfile)))


@routes.get(
    "/api/v1/users/{username}",
    name="profiles.get",
    tag="profiles",
    summary="Get the profile of a user",
    description="Visible to every user who is logged in. Deleted accounts are not found.",
    query=wire.UsernameRef,
    response=wire.Profile,
    errors=("not_found",),
)
async def get(request: web.Request) -> web.Response:
    return ok(await profiles.get(context(request), query(request, wire.UsernameRef)))
