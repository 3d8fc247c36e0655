"""The REST application: routes and middlewares."""

from typing import Any

from aiohttp import web

from hubbub.core.cors import CorsOrigins
from hubbub.http import account_page, api_docs, health, methods, metrics, playground
from hubbub.http.accounts import accounts, oauth
from hubbub.http.admin import audit_log, instances, users
from hubbub.http.admin import rooms as all_rooms
from hubbub.http.app_keys import CONTAINER, CORS_ORIGINS
from hubbub.http.auth import api_keys, email_verification, login, passwords, sessions, two_factor
from hubbub.http.auth import confirmation as confirmation_routes
from hubbub.http.chat import messages, rooms
from hubbub.http.middleware import api_keys as keys
from hubbub.http.middleware import auth as authentication
from hubbub.http.middleware import (
    confirmation,
    cors,
    idempotency,
    ip_filter,
    limits,
    permissions,
    problems,
    request_id,
)
from hubbub.http.openapi import document
from hubbub.http.request import MAX_BODY_BYTES
from hubbub.http.users import preferences, profiles
from hubbub.services.context import Container
from hubbub.services.idempotency import IdempotencyStore

ROUTES = (
    login.routes,
    email_verification.routes,
    passwords.routes,
    confirmation_routes.routes,
    two_factor.routes,
    oauth.routes,
    accounts.routes,
    profiles.routes,
    sessions.routes,
    api_keys.routes,
    preferences.routes,
    rooms.routes,
    messages.routes,
    users.routes,
    all_rooms.routes,
    audit_log.routes,
    instances.routes,
    health.routes,
)


def build(container: Container) -> web.Application:
    """Return the application of one instance, without Socket.IO. `server.Runner` runs it."""
    app = web.Application(
        middlewares=[
            request_id.middleware,
            ip_filter.middleware,
            cors.middleware,
            problems.middleware,
            limits.limit_unauthenticated,
            authentication.middleware,
            limits.middleware,
            keys.middleware,
            permissions.middleware,
            confirmation.middleware,
            idempotency.middleware,
        ],
        client_max_size=MAX_BODY_BYTES,
    )
    app[CONTAINER] = container
    settings = container.settings
    app[CORS_ORIGINS] = CorsOrigins(settings.cors_origins, settings.public_url, settings.trusted_proxies)
    app[limits.CREDENTIAL_HISTORY] = limits.CredentialHistory()
    app[limits.RATES] = limits.RouteRates(container.settings)
    app[idempotency.STORE] = IdempotencyStore(container)
    app.on_response_prepare.append(request_id.add_header)
    app.on_response_prepare.append(cors.add_headers)
    app.on_response_prepare.append(limits.add_headers)
    for routes in ROUTES:
        app.add_routes(routes)
    app.add_routes(account_page.routes())
    app.add_routes(api_docs.routes(app.router.routes()))
    if container.settings.metrics_port is None:
        app.router.add_get(metrics.PATH, metrics.get_metrics)
    if container.settings.playground:
        app.add_routes(playground.routes())
    methods.reject_other_methods(app.router)
    return app


def openapi_document(server: str = "/") -> dict[str, Any]:
    """Return the API document, without an instance. `server` is its base URL."""
    app = web.Application()
    for routes in ROUTES:
        app.add_routes(routes)
    return document.document(app.router.routes(), server)
