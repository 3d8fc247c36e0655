"""/auth/2fa: a second factor for the account, and the second step of logging in."""

from aiohttp import web

from hubbub.http.keys import parts_of
from hubbub.http.middleware import limits
from hubbub.http.request import context, data, nothing, origin, read
from hubbub.http.routes import Routes
from hubbub.schemas import accounts
from hubbub.schemas import two_factor as wire
from hubbub.schemas.base import Command
from hubbub.services import accounts as signing_in
from hubbub.services import two_factor

routes = Routes()


@routes.get(
    "/api/v1/auth/2fa",
    says="Whether two-factor is on, and how many recovery codes are left",
    shows=wire.TwoFactorStatus,
)
async def status(request: web.Request) -> web.Response:
    return data(await two_factor.status(context(request)))


@routes.post(
    "/api/v1/auth/2fa/setup",
    says="A secret for an authenticator app; nothing changes before it is enabled",
    body=Command,
    shows=wire.TwoFactorSecret,
    may=("conflict",),
)
async def setup(request: web.Request) -> web.Response:
    await read(request, Command)
    return data(await two_factor.setup(context(request)))


@routes.post(
    "/api/v1/auth/2fa/enable",
    says="Switch two-factor on, by a code of the app; recovery codes are shown this once",
    body=wire.EnableTwoFactor,
    shows=wire.RecoveryCodes,
    may=("conflict", "rate_limited"),
)
async def enable(request: web.Request) -> web.Response:
    return data(await two_factor.enable(context(request), await read(request, wire.EnableTwoFactor)))


@routes.post(
    "/api/v1/auth/2fa/disable",
    says="Switch two-factor off, by the password and a code",
    body=wire.ConfirmTwoFactor,
    may=("conflict", "rate_limited"),
)
async def disable(request: web.Request) -> web.Response:
    await two_factor.disable(context(request), await read(request, wire.ConfirmTwoFactor))
    return nothing()


@routes.post(
    "/api/v1/auth/2fa/recovery-codes",
    says="New recovery codes in place of those of before, by the password and a code",
    body=wire.ConfirmTwoFactor,
    shows=wire.RecoveryCodes,
    may=("conflict", "rate_limited"),
)
async def recovery_codes(request: web.Request) -> web.Response:
    return data(await two_factor.renew_codes(context(request), await read(request, wire.ConfirmTwoFactor)))


@routes.post(
    "/api/v1/auth/2fa/verify",
    says="The second step of logging in: a code of the app, or a recovery code",
    body=wire.VerifyTwoFactor,
    shows=accounts.Signed,
    may=("invalid_token", "unauthenticated", "suspended", "rate_limited"),
)
async def verify(request: web.Request) -> web.Response:
    command = await read(request, wire.VerifyTwoFactor)
    signed = await signing_in.verify(parts_of(request), command, origin(request))
    await limits.signed_in(request, signed.user.email)
    return data(signed)
