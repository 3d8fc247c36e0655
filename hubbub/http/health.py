"""The probes, at the root."""

import asyncio

from aiohttp import web

from hubbub.core.errors import HubbubError
from hubbub.db import database, migrations
from hubbub.http.app_keys import parts_of
from hubbub.http.request import context
from hubbub.schemas.base import encode, to_builtins
from hubbub.services.admin import instances
from hubbub.services.context import Container
from hubbub.services.instance import processes

routes = web.RouteTableDef()
CHECK_S = 3.0


@routes.get("/health/live")
async def live(_request: web.Request) -> web.Response:
    """The process answers."""
    return _answer({"process": "ok"})


@routes.get("/health/ready")
async def ready(request: web.Request) -> web.Response:
    """Clients may be sent here: 200, or 503 with the check that failed; the database must accept writes.

    Redis away is told and no reason to send nobody: chat goes on without it, and it is away for all.
    """
    return _answer(await _checks(parts_of(request)))


@routes.get("/health")
async def detail(request: web.Request) -> web.Response:
    """The same with more about this instance and the deployment; for admins."""
    found = await instances.detail(context(request))
    checks = await _checks(parts_of(request))
    checks["instances"] = "degraded" if processes.serving_without_redis(await processes.live()) else "ok"
    return _answer(checks, to_builtins(found))


async def _checks(parts: Container) -> dict[str, str]:
    checks = {**await _storage(), "draining": "yes" if parts.draining else "no"}
    if (redis := parts.bus.state()) is not None:
        checks["redis"] = redis
    return checks


async def _storage() -> dict[str, str]:
    try:
        async with asyncio.timeout(CHECK_S), database.guard():
            waiting = await migrations.pending()
    except TimeoutError:
        database.suspect("the check of readiness took too long")
        return {"database": "unavailable", "migrations": "unknown"}
    except HubbubError:
        return {"database": "unavailable", "migrations": "unknown"}
    if database.away():  # it can be read, and accepts no writes
        return {"database": "unavailable", "migrations": "ok"}
    return {"database": "ok", "migrations": f"{len(waiting)} pending" if waiting else "ok"}


def _answer(checks: dict[str, str], more: dict[str, object] | None = None) -> web.Response:
    bad = {name for name, state in checks.items() if state not in ("ok", "no")}
    good = bad <= {"redis", "instances"}
    status = "failing" if not good else "degraded" if bad else "ok"
    body = encode({"status": status, "checks": checks, **(more or {})})
    return web.Response(body=body, status=200 if good else 503, content_type="application/json")
