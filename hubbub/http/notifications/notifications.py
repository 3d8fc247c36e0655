"""/notifications: the same operations as the events of the namespace /notifications."""

from aiohttp import web

from hubbub.http.request import context, list_response, ok, query, read
from hubbub.http.routes import Routes
from hubbub.schemas.notifications import notifications as wire
from hubbub.services.notifications import inbox

routes = Routes()


@routes.get(
    "/api/v1/notifications",
    name="notifications.list",
    tag="notifications",
    summary="List the notifications of the caller",
    description=(
        "Newest first. `before_seq` returns the page after the last item of the previous one. "
        "Announcements that the inbox lacks are added first."
    ),
    query=wire.ListNotifications,
    response=list[wire.Notification],
    meta=("has_more", "unread"),
)
async def list_notifications(request: web.Request) -> web.Response:
    page = await inbox.list_page(context(request), query(request, wire.ListNotifications))
    return list_response(page.notifications, has_more=page.has_more, unread=page.unread)


@routes.get(
    "/api/v1/notifications/unread",
    name="notifications.count_unread",
    tag="notifications",
    summary="Get the number of unread notifications",
    description="From 0 to 1000. 1000 means 1000 or more.",
    response=wire.Unread,
)
async def count_unread(request: web.Request) -> web.Response:
    return ok(await inbox.unread(context(request)))


@routes.post(
    "/api/v1/notifications/read",
    name="notifications.read",
    tag="notifications",
    summary="Mark notifications as read",
    description=(
        "Either one by its `id`, or all up to a `seq`. The other devices of the caller are notified. "
        "Repeating it changes nothing."
    ),
    body=wire.ReadNotifications,
    response=wire.Unread,
    errors=("not_found",),
)
async def mark_read(request: web.Request) -> web.Response:
    return ok(await inbox.mark_read(context(request), await read(request, wire.ReadNotifications)))


@routes.get(
    "/api/v1/notifications/{notification_id}",
    name="notifications.get",
    tag="notifications",
    summary="Get a notification",
    description="Only those in the inbox of the caller are found.",
    query=wire.NotificationRef,
    response=wire.Notification,
)
async def get_notification(request: web.Request) -> web.Response:
    return ok(await inbox.get(context(request), query(request, wire.NotificationRef)))
