"""/auth: proving an address, forgotten and changed passwords."""

from aiohttp import web

from hubbub.http.keys import parts_of
from hubbub.http.middleware import limits
from hubbub.http.request import context, nothing, origin, read
from hubbub.http.routes import Routes
from hubbub.schemas import accounts as wire
from hubbub.schemas.base import Command
from hubbub.services import credentials

routes = Routes()


@routes.post(
    "/api/v1/auth/verify-email",
    says="Prove an e-mail address, by the token that was sent to it",
    body=wire.VerifyEmail,
    may=("invalid_token",),
)
async def verify_email(request: web.Request) -> web.Response:
    command = await read(request, wire.VerifyEmail)
    await credentials.verify_email(parts_of(request), command, origin(request))
    return nothing()


@routes.post("/api/v1/auth/resend-verification", says="Have that token sent again", body=Command, status=202)
async def resend_verification(request: web.Request) -> web.Response:
    await read(request, Command)
    await credentials.resend_verification(context(request))
    return nothing(202)


@routes.post(
    "/api/v1/auth/forgot-password",
    says="Have a token sent to choose a new password with; answered alike for every address",
    body=wire.ForgotPassword,
    status=202,
)
async def forgot_password(request: web.Request) -> web.Response:
    command = await read(request, wire.ForgotPassword)
    await limits.account(request, command.email, limits.FORGOTTEN)
    await credentials.forgot(parts_of(request), command, origin(request))
    return nothing(202)


@routes.post(
    "/api/v1/auth/reset-password",
    says="Choose a new password by that token; every session ends",
    body=wire.ResetPassword,
    may=("invalid_token",),
)
async def reset_password(request: web.Request) -> web.Response:
    command = await read(request, wire.ResetPassword)
    email = await credentials.reset(parts_of(request), command, origin(request))
    await limits.signed_in(request, email)
    return nothing()


@routes.post(
    "/api/v1/auth/change-password",
    says="Change the password; other sessions end",
    body=wire.ChangePassword,
)
async def change_password(request: web.Request) -> web.Response:
    await credentials.change(context(request), await read(request, wire.ChangePassword))
    return nothing()
