"""/admin/audit-log: records of security-relevant actions."""

from aiohttp import web

from hubbub.http.downloads import send_file
from hubbub.http.request import context, page, query
from hubbub.http.routes import PAGE_META, Routes
from hubbub.schemas.admin import audit_log as wire
from hubbub.services.admin import audit_log
from hubbub.services.permissions import Permission

routes = Routes()


@routes.get(
    "/api/v1/admin/audit-log",
    name="audit_log.list",
    tag="audit_log",
    summary="List audit records",
    description="Latest first unless `sort` is given. Records can't be changed or deleted through the API.",
    query=wire.ListAuditLog,
    response=list[wire.AuditRecord],
    meta=PAGE_META,
    errors=("forbidden",),
    permission=Permission.READ_AUDIT_LOG,
)
async def list_records(request: web.Request) -> web.Response:
    params = query(request, wire.ListAuditLog)
    found, total = await audit_log.list_records(context(request), params)
    return page(found, total, params.list_query)


@routes.get(
    "/api/v1/admin/audit-log/export",
    name="audit_log.export",
    tag="audit_log",
    summary="Export audit records",
    description="All that match, oldest first, as JSON or CSV. The response is streamed.",
    query=wire.ExportAuditLog,
    response=list[wire.AuditRecord],
    media_types=("text/csv",),
    errors=("forbidden",),
    permission=Permission.READ_AUDIT_LOG,
)
async def export(request: web.Request) -> web.StreamResponse:
    params, ctx = query(request, wire.ExportAuditLog), context(request)
    if params.format == "csv":
        return await send_file(request, audit_log.as_csv(ctx, params), "text/csv", "audit-log", "csv")
    return await send_file(request, audit_log.as_json(ctx, params), "application/json", "audit-log", "json")
