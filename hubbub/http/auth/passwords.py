"""/auth: proving an address, forgotten and changed passwords."""

from aiohttp import web

from hubbub.http.app_keys import container_of
from hubbub.http.request import context, no_content, read, request_info
from hubbub.http.routes import Routes
from hubbub.schemas.accounts import accounts as wire
from hubbub.services.auth import passwords, undo

routes = Routes()


@routes.post(
    "/api/v1/auth/forgot-password",
    name="passwords.request_reset",
    tag="passwords",
    summary="Send a password reset e-mail; the response is the same for every address",
    body=wire.ForgotPassword,
    status=202,
)
async def forgot_password(request: web.Request) -> web.Response:
    command = await read(request, wire.ForgotPassword)
    await passwords.request_reset(container_of(request), command, request_info(request))
    return no_content(202)


@routes.post(
    "/api/v1/auth/reset-password",
    name="passwords.reset",
    tag="passwords",
    summary=(
        "Set a new password with the token sent by e-mail; all sessions end, and all API "
        "keys unless `end_api_keys` is false"
    ),
    body=wire.ResetPassword,
    errors=("invalid_token",),
)
async def reset_password(request: web.Request) -> web.Response:
    command = await read(request, wire.ResetPassword)
    await passwords.reset(container_of(request), command, request_info(request))
    return no_content()


@routes.post(
    "/api/v1/auth/undo",
    name="account_changes.undo",
    tag="account_changes",
    summary="Undo a change with the token sent by e-mail: a new API key, a change of two-factor",
    body=wire.Undo,
    errors=("invalid_token",),
)
async def undo_change(request: web.Request) -> web.Response:
    await undo.undo(container_of(request), await read(request, wire.Undo), request_info(request))
    return no_content()


@routes.post(
    "/api/v1/auth/change-password",
    name="passwords.change",
    tag="passwords",
    summary="Change the password; all other sessions end",
    body=wire.ChangePassword,
)
async def change_password(request: web.Request) -> web.Response:
    await passwords.change(context(request), await read(request, wire.ChangePassword))
    return no_content()
