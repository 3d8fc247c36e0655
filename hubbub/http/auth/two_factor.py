"""/auth/2fa: a second factor for the account, and the second step of logging in."""

from aiohttp import web

from hubbub.http.app_keys import container_of
from hubbub.http.middleware import refresh_cookie
from hubbub.http.request import context, no_content, ok, read, request_info
from hubbub.http.routes import Routes
from hubbub.schemas.accounts import accounts
from hubbub.schemas.auth import two_factor as wire
from hubbub.schemas.base import Command
from hubbub.services.auth import login as login_operations
from hubbub.services.auth import two_factor

routes = Routes()


@routes.get(
    "/api/v1/auth/2fa",
    name="two_factor.get_status",
    tag="two_factor",
    summary="Get the state of two-factor authentication",
    description="Shows whether it is enabled, and how many recovery codes are unused.",
    response=wire.TwoFactorStatus,
)
async def status(request: web.Request) -> web.Response:
    return ok(await two_factor.status(context(request)))


@routes.post(
    "/api/v1/auth/2fa/setup",
    name="two_factor.setup",
    tag="two_factor",
    summary="Generate a secret for an authenticator app",
    description=(
        "Two-factor stays disabled until `/auth/2fa/enable` receives a code. A second call replaces "
        "the secret. Needs a confirmed session."
    ),
    needs_confirmed_session=True,
    body=Command,
    response=wire.TwoFactorSecret,
    errors=("conflict",),
)
async def setup(request: web.Request) -> web.Response:
    await read(request, Command)
    return ok(await two_factor.setup(context(request)))


@routes.post(
    "/api/v1/auth/2fa/enable",
    name="two_factor.enable",
    tag="two_factor",
    summary="Enable two-factor authentication",
    description=(
        "Needs a code of the authenticator app that has the secret. The response is the only one "
        "with the recovery codes. Needs a confirmed session."
    ),
    needs_confirmed_session=True,
    body=wire.EnableTwoFactor,
    response=wire.RecoveryCodes,
    errors=("conflict", "rate_limited"),
)
async def enable(request: web.Request) -> web.Response:
    return ok(await two_factor.enable(context(request), await read(request, wire.EnableTwoFactor)))


@routes.post(
    "/api/v1/auth/2fa/disable",
    name="two_factor.disable",
    tag="two_factor",
    summary="Disable two-factor authentication",
    description=(
        "Needs the password and a code of the app or a recovery code. All recovery codes become invalid."
    ),
    body=wire.ConfirmTwoFactor,
    errors=("conflict", "rate_limited"),
)
async def disable(request: web.Request) -> web.Response:
    await two_factor.disable(context(request), await read(request, wire.ConfirmTwoFactor))
    return no_content()


@routes.post(
    "/api/v1/auth/2fa/recovery-codes",
    name="two_factor.regenerate_recovery_codes",
    tag="two_factor",
    summary="Replace all recovery codes",
    description=(
        "Needs the password and a code. The old recovery codes become invalid. The response is the "
        "only one with the new ones."
    ),
    body=wire.ConfirmTwoFactor,
    response=wire.RecoveryCodes,
    errors=("conflict", "rate_limited"),
)
async def recovery_codes(request: web.Request) -> web.Response:
    return ok(
        await two_factor.regenerate_recovery_codes(
            context(request), await read(request, wire.ConfirmTwoFactor)
        )
    )


@routes.post(
    "/api/v1/auth/2fa/verify",
    name="two_factor.verify",
    tag="two_factor",
    summary="Complete a login with a second factor",
    description=(
        "Takes the token of the MFA challenge and a code of the app or a recovery code. Wrong codes "
        "delay the next attempt."
    ),
    body=wire.VerifyTwoFactor,
    response=accounts.TokenPair,
    errors=("invalid_token", "unauthenticated", "suspended", "rate_limited"),
)
async def verify(request: web.Request) -> web.Response:
    command = await read(request, wire.VerifyTwoFactor)
    tokens = await login_operations.verify_two_factor(container_of(request), command, request_info(request))
    return refresh_cookie.login_response(request, tokens)
