"""/auth/confirm: confirmation of a session before sensitive operations."""

from aiohttp import web

from hubbub.http.request import context, no_content, read
from hubbub.http.routes import Routes
from hubbub.schemas.accounts import accounts as wire
from hubbub.services.auth import confirmation

routes = Routes()


@routes.post(
    "/api/v1/auth/confirm",
    name="sessions.confirm",
    tag="sessions",
    summary="Confirm the current session with the password",
    description=(
        "Allows sensitive operations for 10 minutes. They fail with `confirmation_required` otherwise."
    ),
    body=wire.Confirm,
    errors=("unauthenticated",),
)
async def confirm(request: web.Request) -> web.Response:
    await confirmation.confirm(context(request), await read(request, wire.Confirm))
    return no_content()
