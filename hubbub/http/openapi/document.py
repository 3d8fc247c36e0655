"""The API document, OpenAPI 3.1, generated from the table of routes and the types of their bodies."""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from hubbub import __version__
from hubbub.http.middleware.api_keys import API_KEY_HEADER, needs_session
from hubbub.http.middleware.auth import API_PREFIX, is_public
from hubbub.http.openapi import examples
from hubbub.http.openapi.parameters import parameters, request_body
from hubbub.http.openapi.responses import response_types, responses
from hubbub.http.openapi.schemas import PROBLEM_SCHEMA, Schemas
from hubbub.http.routes import RouteDoc, doc_of, path_of

PATH = "/api/v1/openapi.json"
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token of a session."},
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": API_KEY_HEADER,
        "description": (
            "Scope `read` allows GET, `write` all other methods. A signed key also needs `X-Signature`."
        ),
    },
}
_DESCRIPTION = """\
REST and sockets call the same operations. Changes over REST reach sockets as events, and the other way round.
Errors are `application/problem+json` (RFC 9457). Programs decide by `code`.
Every operation may respond 429 `rate_limited`, with `Retry-After`."""


def document(routes: Iterable[web.AbstractRoute], server: str) -> dict[str, Any]:
    """Return the document of all routes under /api/v1; `server` is their base URL.

    Raises LookupError for a route without documentation.
    """
    documented = [(route, _require_doc(route)) for route in routes if _is_documented(route)]
    schemas = Schemas([kind for _, doc in documented for kind in _kinds(doc)])
    paths: dict[str, dict[str, Any]] = {}
    for route, doc in documented:
        path = path_of(route)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route.method, path, doc, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "hubbub", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": {**schemas.used_by(paths), "Problem": PROBLEM_SCHEMA},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def require_documentation(routes: Iterable[web.AbstractRoute]) -> None:
    """Check that every route under /api/v1 has documentation. Raises LookupError."""
    for route in routes:
        if _is_documented(route):
            _require_doc(route)


def _is_documented(route: web.AbstractRoute) -> bool:
    path = path_of(route)
    return path.startswith(API_PREFIX) and path != PATH and route.method not in ("HEAD", "OPTIONS")


def _require_doc(route: web.AbstractRoute) -> RouteDoc:
    doc = doc_of(route)
    if doc is None:
        raise LookupError(f"{route.method} {route.resource} has no documentation: see routes.RouteDoc")
    return doc


def _kinds(doc: RouteDoc) -> list[Any]:
    return [kind for kind in (doc.body, doc.query, *response_types(doc)) if kind is not None]


def _operation(method: str, path: str, doc: RouteDoc, schemas: Schemas) -> dict[str, Any]:
    example = examples.load().get(doc.name)
    body = request_body(path, doc, schemas, example.request if example is not None else None)
    operation: dict[str, Any] = {
        "operationId": doc.name,
        "tags": [doc.tag],
        "summary": doc.summary,
        "description": doc.description,
        "parameters": parameters(method, path, doc, schemas),
        "responses": responses(method, path, doc, schemas, example.response if example is not None else None),
    }
    if body is not None:
        operation["requestBody"] = body
    if not is_public(path):
        operation["security"] = [{"bearer": []}] if needs_session(path) else [{"bearer": []}, {"api_key": []}]
    return operation
