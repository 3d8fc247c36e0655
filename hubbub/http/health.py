"""The probes, at the root."""

import asyncio

from aiohttp import web

from hubbub.core.errors import HubbubError
from hubbub.http.keys import parts_of
from hubbub.schemas.base import encode
from hubbub.services import database, migrations

routes = web.RouteTableDef()
CHECK_S = 3.0


@routes.get("/health/live")
async def live(_request: web.Request) -> web.Response:
    """The process answers."""
    return _answer({"process": "ok"})


@routes.get("/health/ready")
async def ready(request: web.Request) -> web.Response:
    """Clients may be sent here: 200, or 503 with the check that failed.

    Redis away is told and no reason to send nobody: chat goes on without it, and it is away for all.
    """
    parts = parts_of(request)
    checks = {**await _storage(), "draining": "yes" if parts.draining else "no"}
    if (redis := parts.bus.state()) is not None:
        checks["redis"] = redis
    return _answer(checks)


async def _storage() -> dict[str, str]:
    try:
        async with asyncio.timeout(CHECK_S), database.guard():
            waiting = await migrations.pending()
    except TimeoutError:
        database.suspect("the check of readiness took too long")
        return {"database": "away", "migrations": "unknown"}
    except HubbubError:
        return {"database": "away", "migrations": "unknown"}
    return {"database": "ok", "migrations": f"{len(waiting)} pending" if waiting else "ok"}


def _answer(checks: dict[str, str]) -> web.Response:
    bad = {name for name, state in checks.items() if state not in ("ok", "no")}
    good = bad <= {"redis"}
    status = "failing" if not good else "degraded" if bad else "ok"
    body = encode({"status": status, "checks": checks})
    return web.Response(body=body, status=200 if good else 503, content_type="application/json")
