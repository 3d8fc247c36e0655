"""/portfolio/export and /portfolio/import: a whole portfolio as one document."""

from aiohttp import web

from hubbub.http import spooled_body
from hubbub.http.downloads import send_file
from hubbub.http.request import context, ok, query
from hubbub.http.routes import Routes
from hubbub.schemas.portfolio import transfer as wire
from hubbub.services.portfolio import exporting, importing

routes = Routes()


@routes.get(
    "/api/v1/portfolio/export",
    name="portfolio.export",
    tag="portfolio",
    summary="Export the caller's portfolio",
    description=(
        "One JSON document with the profile and all items that are not deleted. It is a copy of one moment. "
        "Files are contained as URLs."
    ),
    response=wire.PortfolioExport,
)
async def export(request: web.Request) -> web.StreamResponse:
    return await send_file(
        request, exporting.as_json(context(request)), "application/json", "portfolio", "json"
    )


@routes.post(
    "/api/v1/portfolio/import",
    name="portfolio.import",
    tag="portfolio",
    summary="Import a portfolio",
    description=(
        "All or nothing. An item with the `id` of one of the caller's items replaces it, also a deleted one; "
        "every other item is created with a new id, and `company_id` may name a company of the document. "
        "`replace` deletes what the document does not contain. The response of the export is accepted as it "
        "is. `errors` names each fault by its path, such as `projects[3].title`."
    ),
    query=wire.ImportQuery,
    body=wire.PortfolioDocument,
    is_spooled=True,
    response=wire.ImportResult,
    errors=("rate_limited",),
)
async def import_document(request: web.Request) -> web.Response:
    command = query(request, wire.ImportQuery)
    async with spooled_body.receive(request, wire.MAX_DOCUMENT_BYTES) as body:
        return ok(await importing.import_document(context(request), command, body.file))
