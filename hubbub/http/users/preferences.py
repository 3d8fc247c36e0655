"""/…/preferences: what people choose."""

from aiohttp import web

from hubbub.http.request import context, ok, read
from hubbub.http.routes import Routes
from hubbub.schemas.base import Command
from hubbub.schemas.users import preferences as wire
from hubbub.services.users import preferences

routes = Routes()

APP = "/api/v1/settings/preferences"
NOTIFICATIONS = "/api/v1/notifications/preferences"
EMAIL = "/api/v1/email/preferences"


@routes.get(
    APP,
    name="app_preferences.get",
    tag="preferences",
    summary="Get the app preferences: language, time zone, appearance",
    response=wire.AppPreferences,
)
async def app(request: web.Request) -> web.Response:
    return ok(await preferences.get(context(request), wire.AppPreferences))


@routes.patch(
    APP,
    name="app_preferences.update",
    tag="preferences",
    summary="Update app preferences; fields that are left out keep their value",
    body=wire.UpdateApp,
    response=wire.AppPreferences,
)
async def update_app(request: web.Request) -> web.Response:
    command = await read(request, wire.UpdateApp)
    return ok(await preferences.update(context(request), wire.AppPreferences, command))


@routes.post(
    f"{APP}/reset",
    name="app_preferences.reset",
    tag="preferences",
    summary="Reset the app preferences to their defaults",
    body=Command,
    response=wire.AppPreferences,
)
async def reset_app(request: web.Request) -> web.Response:
    await read(request, Command)
    return ok(await preferences.reset(context(request), wire.AppPreferences))


@routes.get(
    NOTIFICATIONS,
    name="notification_preferences.get",
    tag="preferences",
    summary="Get the notification preferences",
    response=wire.NotificationPreferences,
)
async def notifications(request: web.Request) -> web.Response:
    return ok(await preferences.get(context(request), wire.NotificationPreferences))


@routes.patch(
    NOTIFICATIONS,
    name="notification_preferences.update",
    tag="preferences",
    summary="Update notification preferences; fields that are left out keep their value",
    body=wire.UpdateNotifications,
    response=wire.NotificationPreferences,
)
async def update_notifications(request: web.Request) -> web.Response:
    command = await read(request, wire.UpdateNotifications)
    return ok(await preferences.update(context(request), wire.NotificationPreferences, command))


@routes.get(
    EMAIL,
    name="email_preferences.get",
    tag="preferences",
    summary="Get the e-mail preferences",
    response=wire.EmailPreferences,
)
async def email(request: web.Request) -> web.Response:
    return ok(await preferences.get(context(request), wire.EmailPreferences))


@routes.patch(
    EMAIL,
    name="email_preferences.update",
    tag="preferences",
    summary="Update e-mail preferences; fields that are left out keep their value",
    body=wire.UpdateEmail,
    response=wire.EmailPreferences,
)
async def update_email(request: web.Request) -> web.Response:
    command = await read(request, wire.UpdateEmail)
    return ok(await preferences.update(context(request), wire.EmailPreferences, command))
