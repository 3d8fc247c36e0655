"""The REST application: the table of routes, and what happens around them."""

from typing import Any

from aiohttp import web

from hubbub.http import (
    account_page,
    accounts,
    api_keys,
    audit_log,
    auth,
    credentials,
    devices,
    health,
    messages,
    metrics,
    moderation,
    oauth,
    openapi,
    operation,
    playground,
    preferences,
    profiles,
    reference,
    rooms,
    two_factor,
)
from hubbub.http.keys import PARTS
from hubbub.http.middleware import api_keys as keys
from hubbub.http.middleware import auth as authentication
from hubbub.http.middleware import cors, door, idempotency, limits, problems, request_id
from hubbub.http.request import MAX_BODY_BYTES
from hubbub.services.context import Parts
from hubbub.services.idempotency import Replies

ROUTES = (
    auth.routes,
    credentials.routes,
    two_factor.routes,
    oauth.routes,
    accounts.routes,
    profiles.routes,
    devices.routes,
    api_keys.routes,
    preferences.routes,
    rooms.routes,
    messages.routes,
    moderation.routes,
    audit_log.routes,
    operation.routes,
    health.routes,
)


def build(parts: Parts) -> web.Application:
    """The application of one instance, without Socket.IO. `server.Runner` runs it."""
    app = web.Application(
        middlewares=[
            request_id.middleware,
            door.middleware,
            cors.middleware,
            problems.middleware,
            limits.strangers,
            authentication.middleware,
            limits.middleware,
            keys.middleware,
            idempotency.middleware,
        ],
        client_max_size=MAX_BODY_BYTES,
    )
    app[PARTS] = parts
    app[limits.LIMITS] = limits.Rates(parts.settings)
    app[idempotency.REPLIES] = Replies(parts)
    app.on_response_prepare.append(request_id.add_header)
    app.on_response_prepare.append(cors.add_headers)
    app.on_response_prepare.append(limits.add_headers)
    for routes in ROUTES:
        app.add_routes(routes)
    app.add_routes(account_page.routes())
    app.add_routes(reference.routes(app.router.routes()))
    if parts.settings.metrics_port is None:
        app.router.add_get(metrics.PATH, metrics.show)
    if parts.settings.playground:
        app.add_routes(playground.routes())
    return app


def describe(server: str = "/") -> dict[str, Any]:
    """The API document, without an instance to ask."""
    app = web.Application()
    for routes in ROUTES:
        app.add_routes(routes)
    return openapi.document(app.router.routes(), server)
