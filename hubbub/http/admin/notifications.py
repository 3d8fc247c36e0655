"""/admin/notifications: why a notification was, or was not, delivered."""

from aiohttp import web

from hubbub.http.request import context, ok, query
from hubbub.http.routes import Routes
from hubbub.schemas.notifications import notifications as wire
from hubbub.services.notifications import decisions
from hubbub.services.permissions import Permission

routes = Routes()


@routes.get(
    "/api/v1/admin/notifications/{notification_id}/decisions",
    name="admin.list_notification_decisions",
    tag="admin",
    summary="List the decisions about a notification",
    description=(
        "One decision for each channel, with its reason. They contain neither title nor text. "
        "The id may also be that of a notification that is in no inbox."
    ),
    query=wire.NotificationRef,
    response=list[wire.Decision],
    errors=("forbidden",),
    permission=Permission.READ_NOTIFICATIONS,
)
async def list_decisions(request: web.Request) -> web.Response:
    return ok(await decisions.list_decisions(context(request), query(request, wire.NotificationRef)))
