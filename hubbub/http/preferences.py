"""/…/preferences: what people choose."""

from aiohttp import web

from hubbub.http.request import context, data, read
from hubbub.http.routes import Routes
from hubbub.schemas import preferences as wire
from hubbub.schemas.base import Command
from hubbub.services import preferences

routes = Routes()

APP = "/api/v1/settings/preferences"
NOTIFICATIONS = "/api/v1/notifications/preferences"
EMAIL = "/api/v1/email/preferences"


@routes.get(APP, says="How the app looks and behaves", shows=wire.AppPreferences)
async def app(request: web.Request) -> web.Response:
    return data(await preferences.get(context(request), wire.AppPreferences))


@routes.patch(APP, says="Change some of it", body=wire.UpdateApp, shows=wire.AppPreferences)
async def update_app(request: web.Request) -> web.Response:
    command = await read(request, wire.UpdateApp)
    return data(await preferences.update(context(request), wire.AppPreferences, command))


@routes.post(f"{APP}/reset", says="Back to the defaults", body=Command, shows=wire.AppPreferences)
async def reset_app(request: web.Request) -> web.Response:
    await read(request, Command)
    return data(await preferences.reset(context(request), wire.AppPreferences))


@routes.get(NOTIFICATIONS, says="Which notifications are made", shows=wire.NotificationPreferences)
async def notifications(request: web.Request) -> web.Response:
    return data(await preferences.get(context(request), wire.NotificationPreferences))


@routes.patch(
    NOTIFICATIONS,
    says="Change some of it",
    body=wire.UpdateNotifications,
    shows=wire.NotificationPreferences,
)
async def update_notifications(request: web.Request) -> web.Response:
    command = await read(request, wire.UpdateNotifications)
    return data(await preferences.update(context(request), wire.NotificationPreferences, command))


@routes.get(EMAIL, says="Which e-mails are sent", shows=wire.EmailPreferences)
async def email(request: web.Request) -> web.Response:
    return data(await preferences.get(context(request), wire.EmailPreferences))


@routes.patch(EMAIL, says="Change some of it", body=wire.UpdateEmail, shows=wire.EmailPreferences)
async def update_email(request: web.Request) -> web.Response:
    command = await read(request, wire.UpdateEmail)
    return data(await preferences.update(context(request), wire.EmailPreferences, command))
