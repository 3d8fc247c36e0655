"""/portfolio/R: the routes of all resources of portfolios, from their descriptions."""

from typing import Any

from aiohttp import hdrs, web

from hubbub.http.entity_tags import client_has, expected
from hubbub.http.request import context, list_response, no_content, ok, page, query, read
from hubbub.http.routes import PAGE_META, Routes
from hubbub.schemas.base import View
from hubbub.schemas.portfolio import items as wire
from hubbub.schemas.portfolio.blog import PublishArticle
from hubbub.schemas.portfolio.resource import MAX_ITEMS, Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.services.portfolio import etags, items, ordering

routes = Routes()
TAG = "portfolio"
PREFIX = "/api/v1/portfolio"
_RESTORABLE = "It can be restored until it is removed after `HUBBUB_RETENTION_DAYS`."


def with_tag(view: View, status: int = 200, location: str | None = None) -> web.Response:
    """Respond with an item and its `ETag`."""
    response = ok(view, status, location)
    response.headers[hdrs.ETAG] = f'"{etags.tag_of(view)}"'
    return response


def unless_known(request: web.Request, view: View) -> web.Response:
    """Respond to a GET with an item and its `ETag`, or with 304 if the client has it."""
    response = with_tag(view)
    etag = response.headers[hdrs.ETAG]
    return web.Response(status=304, headers={hdrs.ETAG: etag}) if client_has(request, etag) else response


def register(routes: Routes, resource: Resource) -> None:
    """Add the routes of a resource. Literal paths precede those with an id."""
    _register_list(routes, resource)
    _register_create(routes, resource)
    _register_delete_many(routes, resource)
    if resource.is_ordered:
        _register_reorder(routes, resource)
    _register_get(routes, resource)
    _register_update(routes, resource)
    _register_delete(routes, resource)
    _register_restore(routes, resource)
    if resource.is_published:
        _register_publish(routes, resource)


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _register_list(routes: Routes, resource: Resource) -> None:
    view: Any = resource.view
    is_grouped = resource.grouped_by is not None
    grouped = f" With `grouped`, an object with all items of each {resource.grouped_by}, without `meta`."

    @routes.get(
        f"{PREFIX}/{resource.name}",
        name=f"{resource.name}.list",
        tag=TAG,
        summary=f"List the caller's {resource.name}",
        description=(
            f"Ordered by `{','.join(resource.default_order)}` unless `sort` is given. `q` finds words, the "
            f"last one as a prefix. Items without a date come last.{grouped if is_grouped else ''}"
        ),
        query=resource.list_query,
        response=(list[view], dict[str, list[view]]) if is_grouped else list[view],
        meta=tuple(f"{name}?" for name in PAGE_META) if is_grouped else PAGE_META,
    )
    async def list_items(request: web.Request) -> web.Response:
        params: Any = query(request, resource.list_query)
        if is_grouped and params.grouped:
            return list_response(await items.list_groups(context(request), resource, params))
        found = await items.list_items(context(request), resource, params)
        return page(found.items, found.total, params)


def _register_create(routes: Routes, resource: Resource) -> None:
    @routes.post(
        f"{PREFIX}/{resource.name}",
        name=f"{resource.name}.create",
        tag=TAG,
        summary=f"Create {_article(resource.noun)}",
        description=f"A user has at most {MAX_ITEMS} of them. The response has the `ETag` of the new item.",
        body=resource.create,
        response=resource.view,
        has_etag=True,
        status=201,
    )
    async def create(request: web.Request) -> web.Response:
        view: Any = await items.create(context(request), resource, await read(request, resource.create))
        return with_tag(view, 201, f"{PREFIX}/{resource.name}/{view.id}")


def _register_delete_many(routes: Routes, resource: Resource) -> None:
    @routes.post(
        f"{PREFIX}/{resource.name}/bulk-delete",
        name=f"{resource.name}.delete_many",
        tag=TAG,
        summary=f"Delete several {resource.name}",
        description=f"Ids of other users and of deleted items count as missing. At most {MAX_ITEMS} ids.",
        body=wire.ItemIds,
        response=wire.DeletedItems,
    )
    async def delete_many(request: web.Request) -> web.Response:
        return ok(await items.delete_many(context(request), resource, await read(request, wire.ItemIds)))


def _register_reorder(routes: Routes, resource: Resource) -> None:
    view: Any = resource.view

    @routes.patch(
        f"{PREFIX}/{resource.name}/reorder",
        name=f"{resource.name}.reorder",
        tag=TAG,
        summary=f"Set the order of all {resource.name}",
        description="Takes the ids of all items, and numbers these from 0. Responds with all items.",
        body=wire.ItemIds,
        response=list[view],
    )
    async def reorder(request: web.Request) -> web.Response:
        return ok(await ordering.reorder(context(request), resource, await read(request, wire.ItemIds)))


def _register_get(routes: Routes, resource: Resource) -> None:
    ref = wire.ref_of(resource)

    @routes.get(
        f"{PREFIX}/{resource.name}/{{{resource.key_field}}}",
        name=f"{resource.name}.get",
        tag=TAG,
        summary=f"Get {_article(resource.noun)}",
        description="One of the caller's own. Its `ETag` is for `If-Match` of the next change.",
        query=ref,
        response=resource.view,
        has_etag=True,
        errors=("not_found",),
    )
    async def get(request: web.Request) -> web.Response:
        return unless_known(request, await items.get(context(request), resource, query(request, ref)))


def _register_update(routes: Routes, resource: Resource) -> None:
    @routes.patch(
        f"{PREFIX}/{resource.name}/{{{resource.key_field}}}",
        name=f"{resource.name}.update",
        tag=TAG,
        summary=f"Change {_article(resource.noun)}",
        description=(
            "Fields that are left out are unchanged, null restores the default. With `If-Match`, 412 if the "
            "item has changed since it was read."
        ),
        body=resource.update,
        response=resource.view,
        has_etag=True,
        errors=("not_found", "precondition_failed", *(("conflict",) if resource.slug_of else ())),
    )
    async def update(request: web.Request) -> web.Response:
        command = await read(request, resource.update)
        return with_tag(await items.update(context(request), resource, command, expected(request)))


def _register_delete(routes: Routes, resource: Resource) -> None:
    ref = wire.ref_of(resource)

    @routes.delete(
        f"{PREFIX}/{resource.name}/{{{resource.key_field}}}",
        name=f"{resource.name}.delete",
        tag=TAG,
        summary=f"Delete {_article(resource.noun)}",
        description=f"{_RESTORABLE} With `If-Match`, 412 if the item has changed since it was read.",
        query=ref,
        errors=("not_found", "precondition_failed"),
    )
    async def delete(request: web.Request) -> web.Response:
        await items.delete(context(request), resource, query(request, ref), expected(request))
        return no_content()


def _register_restore(routes: Routes, resource: Resource) -> None:
    slug = "A slug that is taken meanwhile gets a number. " if resource.slug_of is not None else ""

    @routes.post(
        f"{PREFIX}/{resource.name}/{{item_id}}/restore",
        name=f"{resource.name}.restore",
        tag=TAG,
        summary=f"Undo the deletion of {_article(resource.noun)}",
        description=f"{slug}An item that is not deleted is unchanged. At most {MAX_ITEMS} items exist.",
        body=wire.ItemRef,
        response=resource.view,
        has_etag=True,
    )
    async def restore(request: web.Request) -> web.Response:
        command = await read(request, wire.ItemRef)
        return with_tag(await items.restore(context(request), resource, command))


def _register_publish(routes: Routes, resource: Resource) -> None:
    @routes.patch(
        f"{PREFIX}/{resource.name}/{{{resource.key_field}}}/publish",
        name=f"{resource.name}.publish",
        tag=TAG,
        summary=f"Set whether the public sees {_article(resource.noun)}",
        description=(
            "`published_at` keeps the time of the first publication. With `If-Match`, 412 if the item has "
            "changed since it was read."
        ),
        body=PublishArticle,
        response=resource.view,
        has_etag=True,
        errors=("not_found", "precondition_failed"),
    )
    async def publish(request: web.Request) -> web.Response:
        command = await read(request, PublishArticle)
        return with_tag(await items.update(context(request), resource, command, expected(request)))


for each in RESOURCES:
    register(routes, each)
