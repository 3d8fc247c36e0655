"""/users: profiles."""

from aiohttp import web

from hubbub.http.request import context, data, query, read
from hubbub.http.routes import Routes
from hubbub.schemas import profiles as wire
from hubbub.services import profiles

routes = Routes()


@routes.patch(
    "/api/v1/users/profile", says="Change one's own profile", body=wire.UpdateProfile, shows=wire.Profile
)
async def update(request: web.Request) -> web.Response:
    return data(await profiles.update(context(request), await read(request, wire.UpdateProfile)))


@routes.get(
    "/api/v1/users/{username}",
    says="Somebody's profile",
    query=wire.Named,
    shows=wire.Profile,
    may=("not_found",),
)
async def get(request: web.Request) -> web.Response:
    return data(await profiles.get(context(request), query(request, wire.Named)))
