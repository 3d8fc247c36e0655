"""The table of routes, which also says what each one takes and answers: `openapi` is made from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.schemas.base import Command
from hubbub.services.permissions import Permission

TOLD = "__told__"
PAGES = ("page", "limit", "total", "pages")  # the meta of numbered pages


@dataclass(frozen=True, slots=True)
class RouteDoc:
    """What the API document says of a route.

    `name` is the operationId, from which clients' functions are generated: it stays when a module moves.
    `tag` is the group in which the description lists the route.
    `shows` is what `data` holds (None: no content, 204; a tuple: one of them); `meta` names the fields of a
    list's `meta`, with a `?` behind those that depend on the query.
    `also` are types of content that are files.
    `may` are the codes of refusals beyond those that follow from the route itself: a token, a body, an id.
    `moves`: it may send on to another address instead. `stored`: it needs the database.
    `confirmed`: it needs a confirmed session. `confirms`: it may confirm one, and then has no content.
    `permission`: what the caller's role must have.
    """

    says: str
    name: str
    tag: str
    body: type[Command] | None = None
    query: type | None = None
    shows: Any = None
    meta: tuple[str, ...] = ()
    status: int = 200
    may: tuple[str, ...] = ()
    content_type: str = "application/json"
    also: tuple[str, ...] = ()
    moves: bool = False
    stored: bool = True
    confirmed: bool = False
    confirms: bool = False
    permission: Permission | None = None


class Routes(web.RouteTableDef):
    """aiohttp's table; the fields of `Told` are given beside the path."""

    def route(self, method: str, path: str, **given: Any) -> Callable[[Handler], Handler]:  # noqa: ANN401 - aiohttp's signature
        """Register a handler. What is not a field of `Told` goes to aiohttp."""
        fields = {name: given.pop(name) for name in RouteDoc.__slots__ if name in given}
        register = super().route(method, path, **given)

        def described(handler: Handler) -> Handler:
            if fields:
                said = {"status": 204 if fields.get("shows") is None else 200, **fields}
                told: dict[tuple[str, str], RouteDoc] = handler.__dict__.setdefault(TOLD, {})
                told[method, path] = RouteDoc(**said)
            return register(handler)

        return described


def told(route: web.AbstractRoute) -> RouteDoc | None:
    """What was said of a route, if anything was."""
    known: dict[tuple[str, str], RouteDoc] = getattr(route.handler, TOLD, {})
    path = route.resource.canonical if route.resource is not None else ""
    return known.get((route.method, path))


def needs_confirmation(route: web.AbstractRoute) -> bool:
    """Whether a route is for confirmed sessions alone; HEAD as GET."""
    said = _of(route)
    return said is not None and said.confirmed


def permission_of(route: web.AbstractRoute) -> Permission | None:
    """What the caller's role must have for a route; HEAD as GET."""
    said = _of(route)
    return said.permission if said is not None else None


def _of(route: web.AbstractRoute) -> RouteDoc | None:
    known: dict[tuple[str, str], RouteDoc] = getattr(route.handler, TOLD, {})
    path = route.resource.canonical if route.resource is not None else ""
    return known.get(("GET" if route.method == "HEAD" else route.method, path))
