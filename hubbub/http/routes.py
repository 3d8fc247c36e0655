"""The table of routes, with the documentation of each, from which `openapi` generates the API document."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.schemas.base import Command
from hubbub.services.permissions import Permission

DOCS = "__route_docs__"
PAGE_META = ("page", "limit", "total", "pages")  # the meta of numbered pages


@dataclass(frozen=True, slots=True)
class RouteDoc:
    """The documentation of a route, and the rules that middleware enforces for it."""

    summary: str  # one imperative clause, without a full stop
    description: str  # what the summary does not say: effects, conditions, order, limits
    name: str  # the operationId, from which clients generate functions: it stays when a module moves
    tag: str  # the group of the route in the document
    body: type[Command] | None = None  # struct of the request body
    is_spooled: bool = False  # the body may be large and is received into a file (`spooled_body`)
    files: str | None = None  # the field of a multipart body with files: `file`, or `files` for several
    query: type | None = None  # struct of the query parameters
    response: Any = None  # type of `data`; None is 204 without a body, a tuple is one of several types
    meta: tuple[str, ...] = ()  # fields of `meta`; a name that ends with `?` depends on the query
    status: int = 200
    errors: tuple[str, ...] = ()  # codes beyond those that follow from a token, a body or an id
    content_type: str = "application/json"
    media_types: tuple[str, ...] = ()  # of responses that are files
    has_etag: bool = False  # the response has an entity tag; GET with `If-None-Match` may be 304
    redirects: bool = False  # the response may be a redirect
    needs_database: bool = True
    needs_confirmed_session: bool = False  # `confirmation_required` otherwise
    may_confirm_session: bool = False  # a redirect from the provider may confirm it; then the response is 204
    permission: Permission | None = None  # of the caller's role


class Routes(web.RouteTableDef):
    """aiohttp's route table, with the fields of `RouteDoc` as further arguments."""

    def route(self, method: str, path: str, **options: Any) -> Callable[[Handler], Handler]:  # noqa: ANN401 - aiohttp's signature
        """Register a handler. Arguments that are no field of `RouteDoc` go to aiohttp."""
        fields = {name: options.pop(name) for name in RouteDoc.__slots__ if name in options}
        register = super().route(method, path, **options)

        def decorate(handler: Handler) -> Handler:
            if fields:
                fields_with_status = {"status": 204 if fields.get("response") is None else 200, **fields}
                docs: dict[tuple[str, str], RouteDoc] = handler.__dict__.setdefault(DOCS, {})
                docs[method, path] = RouteDoc(**fields_with_status)
            return register(handler)

        return decorate


def path_of(route: web.AbstractRoute) -> str:
    """Return the path of a route, with braces; empty if the request has no route."""
    return route.resource.canonical if route.resource is not None else ""


def doc_of(route: web.AbstractRoute) -> RouteDoc | None:
    """Return the documentation of a route, if it has one."""
    return _lookup(route, route.method)


def needs_confirmed_session(route: web.AbstractRoute) -> bool:
    """Return whether a route needs a confirmed session; HEAD as GET."""
    doc = _doc(route)
    return doc is not None and doc.needs_confirmed_session


def takes_files(route: web.AbstractRoute) -> bool:
    """Return whether the body of a route is multipart."""
    doc = _doc(route)
    return doc is not None and doc.files is not None


def spooled_bytes(route: web.AbstractRoute) -> int | None:
    """Return the maximum size of a body that is received into a file; None for other routes."""
    doc = _doc(route)
    return doc.body.max_body_bytes if doc is not None and doc.is_spooled and doc.body is not None else None


def required_permission(route: web.AbstractRoute) -> Permission | None:
    """Return the permission that a route needs; HEAD as GET."""
    doc = _doc(route)
    return doc.permission if doc is not None else None


def _doc(route: web.AbstractRoute) -> RouteDoc | None:
    return _lookup(route, "GET" if route.method == "HEAD" else route.method)


def _lookup(route: web.AbstractRoute, method: str) -> RouteDoc | None:
    docs: dict[tuple[str, str], RouteDoc] = getattr(route.handler, DOCS, {})
    return docs.get((method, path_of(route)))
