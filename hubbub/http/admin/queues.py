"""/admin/queues: queues and their jobs."""

from aiohttp import web

from hubbub.http.request import context, no_content, ok, page, query, read
from hubbub.http.routes import PAGE_META, Routes
from hubbub.schemas.admin import queues as wire
from hubbub.services.admin import queues
from hubbub.services.permissions import Permission

routes = Routes()


@routes.get(
    "/api/v1/admin/queues",
    name="queues.list",
    tag="queues",
    summary="List the queues of jobs",
    description="Always all queues, with the numbers of their jobs.",
    response=list[wire.QueueStatus],
    errors=("forbidden",),
    permission=Permission.READ_OPERATION,
)
async def list_queues(request: web.Request) -> web.Response:
    return ok(await queues.list_queues(context(request)))


@routes.patch(
    "/api/v1/admin/queues/{name}",
    name="queues.update",
    tag="queues",
    summary="Pause or resume a queue",
    description="Takes effect at the next job that a worker would start. Each change is in the audit log.",
    body=wire.ChangeQueue,
    response=wire.QueueStatus,
    errors=("forbidden", "not_found"),
    permission=Permission.MANAGE_JOBS,
)
async def update_queue(request: web.Request) -> web.Response:
    return ok(await queues.change_queue(context(request), await read(request, wire.ChangeQueue)))


@routes.get(
    "/api/v1/admin/queues/{name}/jobs",
    name="queues.list_jobs",
    tag="queues",
    summary="List the jobs of a queue",
    description="Newest first.",
    query=wire.ListJobs,
    response=list[wire.JobView],
    meta=PAGE_META,
    errors=("forbidden", "not_found"),
    permission=Permission.READ_OPERATION,
)
async def list_jobs(request: web.Request) -> web.Response:
    params = query(request, wire.ListJobs)
    found, total = await queues.list_jobs(context(request), params)
    return page(found, total, params)


@routes.delete(
    "/api/v1/admin/queues/{name}/jobs",
    name="queues.delete_jobs",
    tag="queues",
    summary="Delete ended jobs of a queue",
    description="All completed or all failed jobs that ended before a time.",
    query=wire.DeleteJobs,
    response=wire.DeletedJobs,
    errors=("forbidden", "not_found"),
    permission=Permission.MANAGE_JOBS,
)
async def delete_jobs(request: web.Request) -> web.Response:
    return ok(await queues.delete_jobs(context(request), query(request, wire.DeleteJobs)))


@routes.post(
    "/api/v1/admin/queues/{name}/jobs/retry",
    name="queues.retry_jobs",
    tag="queues",
    summary="Retry all failed jobs of a queue",
    description="They are due at once, with all their attempts.",
    body=wire.RetryJobs,
    errors=("forbidden", "not_found"),
    permission=Permission.MANAGE_JOBS,
)
async def retry_jobs(request: web.Request) -> web.Response:
    await queues.retry_jobs(context(request), await read(request, wire.RetryJobs))
    return no_content()


@routes.get(
    "/api/v1/admin/queues/{name}/jobs/{job_id}",
    name="queues.get_job",
    tag="queues",
    summary="Get a job",
    description="The payload is visible to admins only.",
    query=wire.JobRef,
    response=wire.JobView,
    errors=("forbidden",),
    permission=Permission.READ_OPERATION,
)
async def get_job(request: web.Request) -> web.Response:
    return ok(await queues.get_job(context(request), query(request, wire.JobRef)))


@routes.delete(
    "/api/v1/admin/queues/{name}/jobs/{job_id}",
    name="queues.cancel_job",
    tag="queues",
    summary="Cancel a job",
    description="A job that waits or is delayed is deleted. Any other state is a conflict.",
    query=wire.JobRef,
    errors=("forbidden", "conflict"),
    permission=Permission.MANAGE_JOBS,
)
async def cancel_job(request: web.Request) -> web.Response:
    await queues.cancel_job(context(request), query(request, wire.JobRef))
    return no_content()


@routes.post(
    "/api/v1/admin/queues/{name}/jobs/{job_id}/retry",
    name="queues.retry_job",
    tag="queues",
    summary="Retry a failed job",
    description="It is due at once, with all its attempts. Any other state is a conflict.",
    body=wire.JobRef,
    errors=("forbidden", "conflict"),
    permission=Permission.MANAGE_JOBS,
)
async def retry_job(request: web.Request) -> web.Response:
    await queues.retry_job(context(request), await read(request, wire.JobRef))
    return no_content()
