"""/public/portfolio: portfolios as JSON, for everyone, and messages to their owners."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web

from hubbub.http.app_keys import container_of
from hubbub.http.public.cached_responses import respond
from hubbub.http.request import no_content, page_body, query, read, request_info
from hubbub.http.routes import PAGE_META, Routes
from hubbub.schemas.base import View, encode
from hubbub.schemas.portfolio import public as wire
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.services.portfolio import messages, public

PATH = "/api/v1/public/portfolio/{username}"
TAG = "public"
Handler = Callable[[web.Request], Awaitable[web.Response]]

routes = Routes()


@routes.get(
    PATH,
    name="public_portfolio.get",
    tag=TAG,
    summary="Get a public portfolio",
    description=(
        "The profile, and the first 20 items of each part that the owner shows. Without a login. Has an "
        "`ETag`. One that is not public does not exist."
    ),
    query=wire.PortfolioRef,
    response=wire.PublicPortfolio,
    has_etag=True,
    errors=("not_found",),
)
async def get_portfolio(request: web.Request) -> web.Response:
    username = query(request, wire.PortfolioRef).username
    return respond(request, await public.read_portfolio(container_of(request), username, _body))


@routes.post(
    f"{PATH}/messages",
    name="public_portfolio.send_message",
    tag=TAG,
    summary="Send a message to the owner of a public portfolio",
    description=(
        "Creates a notification of the owner. Without a login. 5 messages an hour from an IP address, and 20 "
        "a day to a portfolio."
    ),
    body=wire.MessageTo,
    status=202,
    errors=("not_found", "rate_limited"),
)
async def send_message(request: web.Request) -> web.Response:
    command = await read(request, wire.MessageTo)
    await messages.send(container_of(request), command.username, command, request_info(request))
    return no_content(202)


def _body(view: View) -> bytes:
    return encode({"data": view})


def _list_handler(resource: Resource) -> Handler:
    query_type: Any = wire.list_query(resource)

    async def list_items(request: web.Request) -> web.Response:
        params = query(request, query_type)
        to_body = partial(page_body, params)
        return respond(request, await public.read_page(container_of(request), resource, params, to_body))

    return list_items


def _item_handler(resource: Resource) -> Handler:
    ref_type = wire.ref_of(resource)

    async def get_item(request: web.Request) -> web.Response:
        ref = query(request, ref_type)
        return respond(request, await public.read_item(container_of(request), resource, ref, _body))

    return get_item


def register(routes: Routes, resource: Resource) -> None:
    """Add the public routes of a resource."""
    common: dict[str, Any] = {"tag": TAG, "has_etag": True, "errors": ("not_found",)}
    routes.get(
        f"{PATH}/{resource.name}",
        name=f"public_{resource.name}.list",
        summary=f"List the {resource.name} of a public portfolio",
        description="Only those that the public sees. Without a login. Has an `ETag`.",
        query=wire.list_query(resource),
        response=list[resource.view],  # type: ignore[name-defined] # a type that is generated
        meta=PAGE_META,
        **common,
    )(_list_handler(resource))
    routes.get(
        f"{PATH}/{resource.name}/{{{resource.key_field}}}",
        name=f"public_{resource.name}.get",
        summary=f"Get one {resource.noun} of a public portfolio",
        description="One that the public does not see does not exist. Without a login. Has an `ETag`.",
        query=wire.ref_of(resource),
        response=resource.view,
        **common,
    )(_item_handler(resource))


for _each in RESOURCES:
    register(routes, _each)
