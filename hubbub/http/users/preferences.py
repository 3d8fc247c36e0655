"""/…/preferences: preferences of the app, notifications and e-mail."""

from aiohttp import web

from hubbub.http.request import context, ok, read
from hubbub.http.routes import Routes
from hubbub.schemas.base import Command
from hubbub.schemas.users import preferences as wire
from hubbub.services.users import preferences

routes = Routes()

APP_PATH = "/api/v1/settings/preferences"
NOTIFICATIONS_PATH = "/api/v1/notifications/preferences"
EMAIL_PATH = "/api/v1/email/preferences"


@routes.get(
    APP_PATH,
    name="app_preferences.get",
    tag="preferences",
    summary="Get the app preferences",
    description=(
        "Language, time zone and appearance, with defaults for what was never set. They apply to all devices."
    ),
    response=wire.AppPreferences,
)
async def get_app(request: web.Request) -> web.Response:
    return ok(await preferences.get(context(request), wire.AppPreferences))


@routes.patch(
    APP_PATH,
    name="app_preferences.update",
    tag="preferences",
    summary="Update app preferences",
    description="Fields that are left out keep their value. The response has all of them.",
    body=wire.UpdateApp,
    response=wire.AppPreferences,
)
async def update_app(request: web.Request) -> web.Response:
    command = await read(request, wire.UpdateApp)
    return ok(await preferences.update(context(request), wire.AppPreferences, command))


@routes.post(
    f"{APP_PATH}/reset",
    name="app_preferences.reset",
    tag="preferences",
    summary="Reset the app preferences",
    description="Restores every default. The response has the values that apply now.",
    body=Command,
    response=wire.AppPreferences,
)
async def reset_app(request: web.Request) -> web.Response:
    await read(request, Command)
    return ok(await preferences.reset(context(request), wire.AppPreferences))


@routes.get(
    NOTIFICATIONS_PATH,
    name="notification_preferences.get",
    tag="preferences",
    summary="Get the notification preferences",
    description="One switch for each kind, and the quiet hours.",
    response=wire.NotificationPreferences,
)
async def get_notifications(request: web.Request) -> web.Response:
    return ok(await preferences.get(context(request), wire.NotificationPreferences))


@routes.patch(
    NOTIFICATIONS_PATH,
    name="notification_preferences.update",
    tag="preferences",
    summary="Update notification preferences",
    description="Fields that are left out keep their value. The response has all of them.",
    body=wire.UpdateNotifications,
    response=wire.NotificationPreferences,
)
async def update_notifications(request: web.Request) -> web.Response:
    command = await read(request, wire.UpdateNotifications)
    return ok(await preferences.update(context(request), wire.NotificationPreferences, command))


@routes.get(
    EMAIL_PATH,
    name="email_preferences.get",
    tag="preferences",
    summary="Get the e-mail preferences",
    description="E-mails about the security of the account are always sent and have no switch.",
    response=wire.EmailPreferences,
)
async def get_email(request: web.Request) -> web.Response:
    return ok(await preferences.get(context(request), wire.EmailPreferences))


@routes.patch(
    EMAIL_PATH,
    name="email_preferences.update",
    tag="preferences",
    summary="Update e-mail preferences",
    description="Fields that are left out keep their value. The response has all of them.",
    body=wire.UpdateEmail,
    response=wire.EmailPreferences,
)
async def update_email(request: web.Request) -> web.Response:
    command = await read(request, wire.UpdateEmail)
    return ok(await preferences.update(context(request), wire.EmailPreferences, command))
