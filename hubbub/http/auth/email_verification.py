"""/auth: verifying an e-mail address."""

from aiohttp import web

from hubbub.http.app_keys import container_of
from hubbub.http.request import context, no_content, read, request_info
from hubbub.http.routes import Routes
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.base import Command
from hubbub.services.auth import email_verification as email_verification_operations

routes = Routes()


@routes.post(
    "/api/v1/auth/verify-email",
    name="email_verification.verify",
    tag="email_verification",
    summary="Verify an e-mail address",
    description=(
        "Needs the one-time token of the verification e-mail, which is valid for 24 hours, and no login."
    ),
    body=wire.VerifyEmail,
    errors=("invalid_token",),
)
async def verify_email(request: web.Request) -> web.Response:
    command = await read(request, wire.VerifyEmail)
    await email_verification_operations.verify_email(container_of(request), command, request_info(request))
    return no_content()


@routes.post(
    "/api/v1/auth/resend-verification",
    name="email_verification.resend",
    tag="email_verification",
    summary="Send the verification e-mail again",
    description="Does nothing if the e-mail address is verified. Earlier tokens become invalid.",
    body=Command,
    status=202,
)
async def resend_verification(request: web.Request) -> web.Response:
    await read(request, Command)
    await email_verification_operations.resend_verification(context(request))
    return no_content(202)
