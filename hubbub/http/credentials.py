"""/auth: proving an address, forgotten and changed passwords."""

from aiohttp import web

from hubbub.http.app_keys import parts_of
from hubbub.http.middleware import limits
from hubbub.http.request import context, no_content, origin, read
from hubbub.http.routes import Routes
from hubbub.schemas import accounts as wire
from hubbub.schemas.base import Command
from hubbub.services.accounts import registration
from hubbub.services.auth import confirmation, passwords, undo
from hubbub.services.auth import email_verification as email_verification_operations

routes = Routes()


@routes.post(
    "/api/v1/auth/verify-email",
    name="email_verification.verify",
    tag="email_verification",
    says="Verify an e-mail address with the token sent by e-mail",
    body=wire.VerifyEmail,
    may=("invalid_token",),
)
async def verify_email(request: web.Request) -> web.Response:
    command = await read(request, wire.VerifyEmail)
    await email_verification_operations.verify_email(parts_of(request), command, origin(request))
    return no_content()


@routes.post(
    "/api/v1/auth/resend-verification",
    name="email_verification.resend",
    tag="email_verification",
    says="Send the verification e-mail again",
    body=Command,
    status=202,
)
async def resend_verification(request: web.Request) -> web.Response:
    await read(request, Command)
    await email_verification_operations.resend_verification(context(request))
    return no_content(202)


@routes.post(
    "/api/v1/auth/forgot-password",
    name="passwords.request_reset",
    tag="passwords",
    says="Send a password reset e-mail; the response is the same for every address",
    body=wire.ForgotPassword,
    status=202,
)
async def forgot_password(request: web.Request) -> web.Response:
    command = await read(request, wire.ForgotPassword)
    await limits.account(request, command.email, limits.FORGOTTEN)
    await passwords.forgot(parts_of(request), command, origin(request))
    return no_content(202)


@routes.post(
    "/api/v1/auth/reset-password",
    name="passwords.reset",
    tag="passwords",
    says=(
        "Set a new password with the token sent by e-mail; all sessions end, and all API "
        "keys unless `end_api_keys` is false"
    ),
    body=wire.ResetPassword,
    may=("invalid_token",),
)
async def reset_password(request: web.Request) -> web.Response:
    command = await read(request, wire.ResetPassword)
    email = await passwords.reset(parts_of(request), command, origin(request))
    await limits.signed_in(request, email)
    return no_content()


@routes.post(
    "/api/v1/auth/undo",
    name="account_changes.undo",
    tag="account_changes",
    says="Undo a change with the token sent by e-mail: a new API key, a change of two-factor",
    body=wire.Undo,
    may=("invalid_token",),
)
async def undo_change(request: web.Request) -> web.Response:
    await undo.undo(parts_of(request), await read(request, wire.Undo), origin(request))
    return no_content()


@routes.post(
    "/api/v1/auth/confirm",
    name="sessions.confirm",
    tag="sessions",
    says=(
        "Confirm the current session for 10 minutes with the password, and a code if two-factor is enabled"
    ),
    body=wire.Confirm,
    may=("unauthenticated",),
)
async def confirm(request: web.Request) -> web.Response:
    command, ctx = await read(request, wire.Confirm), context(request)
    email = (await registration.me(ctx)).email
    async with limits.sign_in(request, email):
        await confirmation.confirm(ctx, command)
    await limits.signed_in(request, email)
    return no_content()


@routes.post(
    "/api/v1/auth/change-password",
    name="passwords.change",
    tag="passwords",
    says="Change the password; all other sessions end",
    body=wire.ChangePassword,
)
async def change_password(request: web.Request) -> web.Response:
    await passwords.change(context(request), await read(request, wire.ChangePassword))
    return no_content()
