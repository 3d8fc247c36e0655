"""/auth/change-email: changing the e-mail address of the account."""

from aiohttp import web

from hubbub.http.app_keys import container_of
from hubbub.http.request import context, no_content, read, request_info
from hubbub.http.routes import Routes
from hubbub.schemas.accounts import accounts as wire
from hubbub.services.auth import email_change as email_change_operations

routes = Routes()


@routes.post(
    "/api/v1/auth/change-email",
    name="email_change.request",
    tag="email_change",
    summary="Send a link to a new e-mail address",
    description=(
        "Nothing changes before the link is used, within 24 hours. An earlier request becomes invalid. The "
        "response is the same for every e-mail address: the owner of a taken one receives an e-mail instead. "
        "At most 5 requests an hour of one account, and for one e-mail address. Needs a confirmed session."
    ),
    needs_confirmed_session=True,
    body=wire.ChangeEmail,
    status=202,
)
async def change_email(request: web.Request) -> web.Response:
    await email_change_operations.request(context(request), await read(request, wire.ChangeEmail))
    return no_content(202)


@routes.post(
    "/api/v1/auth/change-email/confirm",
    name="email_change.confirm",
    tag="email_change",
    summary="Change the e-mail address with a token sent to the new one",
    description=(
        "The new e-mail address is verified. The former one receives a token that undoes the change for 7 "
        "days (`/auth/undo`), and tokens that were sent to it before become invalid. Sessions stay valid. An "
        "e-mail address that was taken meanwhile is `conflict`. Needs no login."
    ),
    body=wire.ConfirmEmailChange,
    errors=("invalid_token", "conflict", "suspended"),
)
async def confirm(request: web.Request) -> web.Response:
    command = await read(request, wire.ConfirmEmailChange)
    await email_change_operations.confirm(container_of(request), command, request_info(request))
    return no_content()
