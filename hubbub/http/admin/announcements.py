"""/admin/announcements: announcements of the operator."""

from aiohttp import web

from hubbub.http.request import context, ok, read
from hubbub.http.routes import Routes
from hubbub.schemas.notifications import announcements as wire
from hubbub.services.notifications import announcements
from hubbub.services.permissions import Permission

routes = Routes()


@routes.post(
    "/api/v1/admin/announcements",
    name="admin.create_announcement",
    tag="admin",
    summary="Create an announcement for all accounts",
    description=(
        "It becomes a notification of every account that exists now: of connected users soon, of others when "
        "they connect. Its e-mail is sent only to users who received it within 24 hours."
    ),
    body=wire.CreateAnnouncement,
    response=wire.Announcement,
    status=201,
    errors=("forbidden",),
    permission=Permission.ANNOUNCE,
)
async def create_announcement(request: web.Request) -> web.Response:
    created = await announcements.create(context(request), await read(request, wire.CreateAnnouncement))
    return ok(created, status=201, location="/api/v1/notifications")
