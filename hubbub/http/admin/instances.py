"""/admin/realtime: connections, rooms and instances."""

from aiohttp import web

from hubbub.http.request import context, ok
from hubbub.http.routes import Routes
from hubbub.schemas.admin import instances as wire
from hubbub.services.admin import instances
from hubbub.services.permissions import Permission

routes = Routes()


@routes.get(
    "/api/v1/admin/realtime",
    name="admin.get_realtime",
    tag="admin",
    summary="Get the connections, rooms and instances of the deployment",
    description=(
        "Counted over all instances that share the Redis. `complete` is false while Redis is unavailable."
    ),
    response=wire.Realtime,
    errors=("forbidden",),
    permission=Permission.READ_OPERATION,
)
async def get_realtime(request: web.Request) -> web.Response:
    return ok(await instances.get_realtime(context(request)))
