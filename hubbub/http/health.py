"""Health probes, at the root."""

import asyncio

from aiohttp import web

from hubbub.core.errors import HubbubError
from hubbub.db import database, migrations
from hubbub.http.app_keys import container_of
from hubbub.http.request import context
from hubbub.schemas.base import encode, to_builtins
from hubbub.services.admin import instances
from hubbub.services.context import Container
from hubbub.services.instance import disk, processes
from hubbub.services.jobs import queue_watch

routes = web.RouteTableDef()
CHECK_TIMEOUT_S = 3.0
# Failures of these checks leave the instance able to serve clients.
NOT_NEEDED_TO_SERVE = {
    *("redis", "storage", "disk", "instances", "queues"),
    *(processes.WORKER, processes.SCHEDULER),
}


@routes.get("/health/live")
async def live(_request: web.Request) -> web.Response:
    """Respond 200 while the process runs."""
    return _response({"process": "ok"})


@routes.get("/health/ready")
async def ready(request: web.Request) -> web.Response:
    """Respond 200 if this instance can serve clients, else 503 with the check that failed.

    The database must accept writes. An unavailable Redis is reported, but does not make an instance unready:
    chat works without it, and it is unavailable for all instances. The same holds for the storage of files.
    """
    return _response(await _checks(container_of(request)))


@routes.get("/health")
async def detail(request: web.Request) -> web.Response:
    """Respond like `ready`, with details of this instance and the deployment; for admins."""
    instance_details = await instances.get_detail(context(request))
    checks = await _checks(container_of(request))
    live_processes = await processes.live()
    checks["instances"] = "degraded" if processes.serving_without_redis(live_processes) else "ok"
    for kind in (processes.WORKER, processes.SCHEDULER):
        checks[kind] = "ok" if processes.runs_background(live_processes, kind) else "unavailable"
    checks["disk"] = await disk.state(container_of(request).settings)
    checks["queues"] = "degraded" if await queue_watch.overdue(container_of(request).settings) else "ok"
    return _response(checks, to_builtins(instance_details))


async def _checks(container: Container) -> dict[str, str]:
    checks = {
        **await _database_checks(),
        "storage": await container.storage.state(),
        "draining": "yes" if container.draining else "no",
    }
    if (redis := container.bus.state()) is not None:
        checks["redis"] = redis
    return checks


async def _database_checks() -> dict[str, str]:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S), database.guard():
            waiting = await migrations.pending()
    except TimeoutError:
        database.report_failure("the readiness check timed out")
        return {"database": "unavailable", "migrations": "unknown"}
    except HubbubError:
        return {"database": "unavailable", "migrations": "unknown"}
    if database.unavailable():  # it can be read, but accepts no writes
        return {"database": "unavailable", "migrations": "ok"}
    return {"database": "ok", "migrations": f"{len(waiting)} pending" if waiting else "ok"}


def _response(checks: dict[str, str], details: dict[str, object] | None = None) -> web.Response:
    failing = {name for name, state in checks.items() if state not in ("ok", "no")}
    is_serving = failing <= NOT_NEEDED_TO_SERVE
    status = "failing" if not is_serving else "degraded" if failing else "ok"
    body = encode({"status": status, "checks": checks, **(details or {})})
    return web.Response(body=body, status=200 if is_serving else 503, content_type="application/json")
