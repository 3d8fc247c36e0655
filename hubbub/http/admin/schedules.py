"""/admin/schedules: the schedules and their runs."""

from aiohttp import web

from hubbub.http.request import context, no_content, ok, query, read
from hubbub.http.routes import Routes
from hubbub.schemas.admin import schedules as wire
from hubbub.services.admin import schedules
from hubbub.services.permissions import Permission

routes = Routes()


@routes.get(
    "/api/v1/admin/schedules",
    name="schedules.list",
    tag="schedules",
    summary="List the schedules",
    description="Always all schedules, with their last and next runs.",
    response=list[wire.ScheduleView],
    errors=("forbidden",),
    permission=Permission.READ_OPERATION,
)
async def list_schedules(request: web.Request) -> web.Response:
    return ok(await schedules.list_schedules(context(request)))


@routes.patch(
    "/api/v1/admin/schedules/{name}",
    name="schedules.update",
    tag="schedules",
    summary="Switch a schedule on or off, or change its time",
    description=(
        "The choice has precedence over the setting. No run before the change is made up. Each change is in "
        "the audit log."
    ),
    body=wire.ChangeSchedule,
    response=wire.ScheduleView,
    errors=("forbidden", "not_found"),
    permission=Permission.MANAGE_JOBS,
)
async def update_schedule(request: web.Request) -> web.Response:
    return ok(await schedules.change_schedule(context(request), await read(request, wire.ChangeSchedule)))


@routes.post(
    "/api/v1/admin/schedules/{name}/run",
    name="schedules.run",
    tag="schedules",
    summary="Start a run of a schedule",
    description=(
        "Its job is due at once, also while the schedule is off. A conflict while the last run has not ended."
    ),
    body=wire.ScheduleRef,
    errors=("forbidden", "not_found", "conflict"),
    permission=Permission.MANAGE_JOBS,
)
async def run_schedule(request: web.Request) -> web.Response:
    await schedules.run_schedule(context(request), await read(request, wire.ScheduleRef))
    return no_content()


@routes.get(
    "/api/v1/admin/schedules/{name}/runs",
    name="schedules.list_runs",
    tag="schedules",
    summary="List the runs of a schedule",
    description="The last 100, newest first.",
    query=wire.ScheduleRef,
    response=list[wire.RunView],
    errors=("forbidden", "not_found"),
    permission=Permission.READ_OPERATION,
)
async def list_runs(request: web.Request) -> web.Response:
    return ok(await schedules.list_runs(context(request), query(request, wire.ScheduleRef)))
