"""/users/account: export and deletion of the account."""

from aiohttp import web

from hubbub.http.downloads import send_file
from hubbub.http.request import context, no_content, query, read
from hubbub.http.routes import Routes
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.base import Command
from hubbub.services.accounts import deletion, export
from hubbub.services.accounts import deletion as deletion_operations

routes = Routes()


@routes.post(
    "/api/v1/users/account/request-deletion",
    name="accounts.request_deletion",
    tag="accounts",
    summary="Send an e-mail with a token for deleting the account",
    description=(
        "The token is valid for 24 hours. Nothing is deleted before it is used. Needs a confirmed session."
    ),
    needs_confirmed_session=True,
    body=Command,
    status=202,
)
async def request_deletion(request: web.Request) -> web.Response:
    await read(request, Command)
    await deletion_operations.request_deletion(context(request))
    return no_content(202)


@routes.delete(
    "/api/v1/users/account",
    name="accounts.delete",
    tag="accounts",
    summary="Delete the caller's account",
    description=(
        "Needs the token that was sent by e-mail. Messages stay, without the name of their sender. "
        "The last admin can't delete the account."
    ),
    body=wire.DeleteAccount,
    errors=("invalid_token", "conflict"),
)
async def delete(request: web.Request) -> web.Response:
    await deletion.delete(context(request), await read(request, wire.DeleteAccount))
    return no_content()


@routes.get(
    "/api/v1/users/account/export",
    name="accounts.export",
    tag="accounts",
    summary="Export all data of the caller's account",
    description=(
        "One JSON document, or a zip archive of CSV files. It is streamed and has no limit of size. "
        "Needs a confirmed session."
    ),
    needs_confirmed_session=True,
    query=wire.ExportAccount,
    response=wire.AccountExport,
    media_types=("application/zip",),
)
async def export_all(request: web.Request) -> web.StreamResponse:
    params, ctx = query(request, wire.ExportAccount), context(request)
    if params.format == "csv":
        return await send_file(request, export.as_csv(ctx), "application/zip", "hubbub", "zip")
    return await send_file(request, export.as_json(ctx), "application/json", "hubbub", "json")
