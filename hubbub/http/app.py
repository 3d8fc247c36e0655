"""The REST application: routes and middlewares."""

from typing import Any

from aiohttp import web

from hubbub.config import Settings
from hubbub.core.cors import CorsOrigins
from hubbub.http import account_page, api_docs, health, methods, metrics, playground
from hubbub.http.accounts import accounts, oauth
from hubbub.http.admin import announcements, audit_log, instances, queues, schedules, users
from hubbub.http.admin import notifications as decisions
from hubbub.http.admin import rooms as all_rooms
from hubbub.http.app_keys import CONTAINER, CORS_ORIGINS
from hubbub.http.auth import (
    api_keys,
    email_change,
    email_verification,
    login,
    passwords,
    sessions,
    two_factor,
)
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
from hubbub.http.notifications import notifications, unsubscribe
from hubbub.http.openapi import document
from hubbub.http.pages.form_stamps import FormStamps
from hubbub.http.pages.rendering import PageRenderer
from hubbub.http.portfolio import items, transfer
from hubbub.http.portfolio import profile as portfolio_profile
from hubbub.http.public import cached_responses, contact, site_files
from hubbub.http.public import pages as public_pages
from hubbub.http.public import portfolios as public_portfolios
from hubbub.http.request import MAX_BODY_BYTES
from hubbub.http.request_handler import EarlyResponder
from hubbub.http.uploads import avatars, files, uploads
from hubbub.http.users import preferences, profiles
from hubbub.services.context import Container
from hubbub.services.idempotency import IdempotencyStore

ROUTES = (
    login.routes,
    email_verification.routes,
    email_change.routes,
    passwords.routes,
    confirmation_routes.routes,
    two_factor.routes,
    oauth.routes,
    accounts.routes,
    avatars.routes,
    profiles.routes,
    uploads.routes,
    sessions.routes,
    api_keys.routes,
    preferences.routes,
    rooms.routes,
    messages.routes,
    notifications.routes,
    unsubscribe.routes,
    portfolio_profile.routes,
    items.routes,
    transfer.routes,
    users.routes,
    all_rooms.routes,
    audit_log.routes,
    announcements.routes,
    decisions.routes,
    instances.routes,
    queues.routes,
    schedules.routes,
    health.routes,
    files.routes,
    public_pages.routes,
    contact.routes,
    site_files.routes,
    public_portfolios.routes,
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
    _add_state(app, container)
    for add_headers in (request_id.add_header, cors.add_headers, limits.add_headers):
        app.on_response_prepare.append(add_headers)
    _add_routes(app, container.settings)
    return app


def _add_state(app: web.Application, container: Container) -> None:
    """Set what the middlewares and routes of the application share."""
    app[CONTAINER] = container
    settings = container.settings
    app[CORS_ORIGINS] = CorsOrigins(settings.cors_origins, settings.public_url, settings.trusted_proxies)
    app[limits.CREDENTIAL_HISTORY] = limits.CredentialHistory()
    app[limits.RATES] = limits.RouteRates(settings)
    app[idempotency.STORE] = IdempotencyStore(container)
    app[public_pages.RENDERER] = PageRenderer(str(settings.public_url))
    app[contact.STAMPS] = FormStamps([settings.secret_key, *settings.secret_key_previous])
    app[site_files.SITEMAP_VERSION] = site_files.SitemapVersion()
    app.on_cleanup.append(public_pages.close_renderer)


def _add_routes(app: web.Application, settings: Settings) -> None:
    for routes in ROUTES:
        app.add_routes(routes)
    app.add_routes(account_page.routes())
    app.add_routes(api_docs.routes(app.router.routes()))
    if settings.metrics_port is None:
        app.router.add_get(metrics.PATH, metrics.get_metrics)
    if settings.playground:
        app.add_routes(playground.routes(settings))
    methods.reject_other_methods(app.router)


def early_responder(container: Container) -> EarlyResponder:
    """Return what responds before the application to reads whose response is in memory."""
    paths = (*cached_responses.API_PATHS, *public_pages.early_paths(container.settings))
    return cached_responses.early_responder(container, paths)


def openapi_document(server: str = "/") -> dict[str, Any]:
    """Return the API document, without an instance. `server` is its base URL."""
    app = web.Application()
    for routes in ROUTES:
        app.add_routes(routes)
    return document.document(app.router.routes(), server)
