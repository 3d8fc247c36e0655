"""/users/account: taking everything along, and leaving for good."""

from aiohttp import web

from hubbub.http.request import context, nothing, query, read
from hubbub.http.routes import Routes
from hubbub.http.streams import send
from hubbub.schemas import accounts as wire
from hubbub.schemas.base import Command
from hubbub.services import credentials, deletion, export

routes = Routes()


@routes.post(
    "/api/v1/users/account/request-deletion",
    says="Have a token sent to delete the account with, good for 24 hours",
    body=Command,
    status=202,
)
async def request_deletion(request: web.Request) -> web.Response:
    await read(request, Command)
    await credentials.request_deletion(context(request))
    return nothing(202)


@routes.delete(
    "/api/v1/users/account",
    says="Delete the account, by that token; messages stay without a name",
    body=wire.DeleteAccount,
    may=("invalid_token", "conflict"),
)
async def delete(request: web.Request) -> web.Response:
    await deletion.delete(context(request), await read(request, wire.DeleteAccount))
    return nothing()


@routes.get(
    "/api/v1/users/account/export",
    says="Everything that is one's own: JSON, or a zip of CSV files",
    query=wire.ExportAccount,
    shows=wire.Exported,
    also=("application/zip",),
)
async def export_all(request: web.Request) -> web.StreamResponse:
    asked, ctx = query(request, wire.ExportAccount), context(request)
    if asked.format == "csv":
        return await send(request, export.as_csv(ctx), "application/zip", "hubbub", "zip")
    return await send(request, export.as_json(ctx), "application/json", "hubbub", "json")
