"""/auth: password reset and change, and undoing a change of the account."""

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
    summary="Send a password reset e-mail",
    description=(
        "The response is the same for every e-mail address, so that it reveals no account. At most 5 "
        "requests an hour for one e-mail address."
    ),
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
    summary="Set a new password with a token sent by e-mail",
    description=(
        "Revokes all sessions and verifies the e-mail address. API keys are revoked as well unless "
        "`end_api_keys` is false. Two-factor stays enabled."
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
    summary="Undo a security change with a token sent by e-mail",
    description=(
        "Revokes a new API key, restores the former two-factor setting, or restores the former e-mail "
        "address and revokes all sessions. The token is valid for 7 days and needs no login. A change that "
        "is undone already stays so."
    ),
    body=wire.Undo,
    errors=("invalid_token", "conflict"),
)
async def undo_change(request: web.Request) -> web.Response:
    await undo.undo(container_of(request), await read(request, wire.Undo), request_info(request))
    return no_content()


@routes.post(
    "/api/v1/auth/change-password",
    name="passwords.change",
    tag="passwords",
    summary="Change the password",
    description=(
        "Revokes all other sessions. Needs the current password. An account without one uses the "
        "password reset."
    ),
    body=wire.ChangePassword,
)
async def change_password(request: web.Request) -> web.Response:
    await passwords.change(context(request), await read(request, wire.ChangePassword))
    return no_content()
