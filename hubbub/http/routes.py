"""The table of routes, which also says what each one takes and answers: `openapi` is made from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.schemas.base import Command

TOLD = "__told__"
PAGES = ("page", "limit", "total", "pages")  # the meta of numbered pages


@dataclass(frozen=True, slots=True)
class Told:
    """What the API document says of a route.

    `shows` is what `data` holds (None: no content, 204; a tuple: one of them); `meta` names the fields of a
    list's `meta`.
    `also` are types of content that are files.
    `may` are the codes of refusals beyond those that follow from the route itself: a token, a body, an id.
    `moves`: it may send on to another address instead. `stored`: it needs the database.
    """

    says: str
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


class Routes(web.RouteTableDef):
    """aiohttp's table; the fields of `Told` are given beside the path."""

    def route(self, method: str, path: str, **given: Any) -> Callable[[Handler], Handler]:  # noqa: ANN401 - aiohttp's signature
        """Register a handler. What is not a field of `Told` goes to aiohttp."""
        fields = {name: given.pop(name) for name in Told.__slots__ if name in given}
        register = super().route(method, path, **given)

        def described(handler: Handler) -> Handler:
            if fields:
                said = {"status": 204 if fields.get("shows") is None else 200, **fields}
                told: dict[tuple[str, str], Told] = handler.__dict__.setdefault(TOLD, {})
                told[method, path] = Told(**said)
            return register(handler)

        return described


def told(route: web.AbstractRoute) -> Told | None:
    """What was said of a route, if anything was."""
    known: dict[tuple[str, str], Told] = getattr(route.handler, TOLD, {})
    path = route.resource.canonical if route.resource is not None else ""
    return known.get((route.method, path))
