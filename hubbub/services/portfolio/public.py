"""Public portfolios: who may be seen, what of them is seen, and the cache in front of it."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET, structs

from hubbub.cluster.cache import Cached, Version
from hubbub.core.errors import NotFound
from hubbub.core.text import names
from hubbub.core.text.usernames import MAX_USERNAME_CHARS
from hubbub.db import database
from hubbub.queries.portfolio import items, lists, rows
from hubbub.queries.portfolio import public as queries
from hubbub.queries.portfolio.lists import Selection
from hubbub.queries.portfolio.public import Owner, PublicVersion
from hubbub.queries.portfolio.rows import Values
from hubbub.queries.portfolio.versions import tag_of, user_id_of
from hubbub.schemas import faults
from hubbub.schemas.base import View, encode
from hubbub.schemas.pagination import ListQuery
from hubbub.schemas.portfolio import public as wire
from hubbub.schemas.portfolio.items import key_of
from hubbub.schemas.portfolio.resource import MAX_ITEMS, Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.schemas.users.users import User

if TYPE_CHECKING:
    from hubbub.services.context import Container

NOT_PUBLIC = "This does not exist, or is not public."
MAX_CACHED_SORT_FIELDS = 2  # lists sorted by more are computed for each request
_Render = Callable[[Owner], Awaitable[bytes | None]]  # returns a complete body; None: nothing to show


async def access(container: "Container", username: str) -> PublicVersion:
    """Return the owner and the version of a public portfolio. Raises NotFound, Unavailable.

    A portfolio that is not public, of a suspended, deleted or unknown user is the same NotFound.
    """
    key = normalize(username)
    found = await container.loaders.public_portfolios.get(key) if key else None
    if found is None:
        raise NotFound(NOT_PUBLIC)
    return found


def normalize(username: str) -> str:
    """Return a username as it is stored; empty if no account can have it."""
    key = names.key(username) if faults.is_text(username) else ""
    return key if len(key) <= MAX_USERNAME_CHARS else ""


async def version(container: "Container", username: str) -> Version | None:
    """Return the version of a public portfolio, for the cache; None if it is not public."""
    try:
        found = await access(container, username)
    except NotFound:
        return None
    # Of another epoch are the versions of a database before it was restored.
    return Version(tag_of(found.user_id), f"{container.epoch_watch.epoch}.{found.version}")


async def owner(version: Version) -> Owner | None:
    """Return the owner of a portfolio with a version; None if it is no longer public."""
    async with database.guard():
        return await queries.owner(database.connection(), user_id_of(version.tag))


async def _read(
    container: "Container", username: str, key: str, render: _Render, *, store: bool = True
) -> Cached:
    """Return a body from the cache, or as `render` returns it. Raises NotFound, Unavailable."""

    async def compute(current: Version) -> bytes | None:
        found = await owner(current)
        return await render(found) if found is not None else None

    load_version = partial(version, container, username)
    cached = await container.cache.get(f"{_portfolio_key(username)}{key}", load_version, compute, store=store)
    if cached is None:
        raise NotFound(NOT_PUBLIC)
    return cached


async def read_portfolio(container: "Container", username: str, to_body: Callable[[View], bytes]) -> Cached:
    """Return the body of a whole portfolio. Raises NotFound, Unavailable."""

    async def render(owner: Owner) -> bytes:
        return to_body(await portfolio(owner))

    return await _read(container, username, "", render)


async def read_page(
    container: "Container",
    resource: Resource,
    query: Any,  # noqa: ANN401 - derived
    to_body: Callable[[list[View], int], bytes],
) -> Cached:
    """Return the body of a page of items. `query` is of `wire.list_query`. Raises NotFound, Unavailable."""

    async def render(owner: Owner) -> bytes | None:
        found = await page(owner, resource, query)
        return to_body(*found) if found is not None else None

    key, store = _list_key(resource, query), _is_cacheable(resource, query)
    return await _read(container, query.username, key, render, store=store)


async def read_item(
    container: "Container", resource: Resource, ref: wire.PortfolioRef, to_body: Callable[[View], bytes]
) -> Cached:
    """Return the body of one item, by its id or slug. Raises NotFound, Unavailable."""
    key = key_of(resource, ref)

    async def render(owner: Owner) -> bytes | None:
        view = await item(owner, resource, key)
        return to_body(view) if view is not None else None

    return await _read(container, ref.username, f"/{resource.name}/{key}", render)


def _portfolio_key(username: str) -> str:
    """Return the beginning of the keys of a portfolio, which is the path of its API below `/public/`."""
    return f"portfolio/{normalize(username)}"


def _list_key(resource: Resource, query: ListQuery) -> str:
    """Return the key of a list; queries that mean the same have one key."""
    given = {
        each.encode_name: value
        for each in structs.fields(query)
        if each.name != "username" and (value := getattr(query, each.name)) not in (each.default, None)
    }
    if query.sort is not None:
        given["sort"] = ",".join(_sort_fields(query))
    return f"/{resource.name}?{encode(given).decode()}" if given else f"/{resource.name}"


def _is_cacheable(resource: Resource, query: ListQuery) -> bool:
    """Return whether a list is worth keeping: clients can think of any number of words and values."""
    free = [
        name
        for name in resource.filters
        if resource.column[name].kind != "boolean"
        and not resource.column[name].choices
        and getattr(query, name, None) is not None
    ]
    return (
        query.query is None
        and not free
        and query.offset < MAX_ITEMS
        and len(_sort_fields(query)) <= MAX_CACHED_SORT_FIELDS
    )


def _sort_fields(query: ListQuery) -> list[str]:
    return [name.strip(" ") for name in query.sort.split(",")] if query.sort is not None else []


# Views.


async def portfolio(owner: Owner) -> View:
    """Return the whole portfolio, with the first items of each section."""
    sections: dict[str, Any] = {}
    for resource in RESOURCES:
        if owner.shows(resource.switch):
            found, total = await _page(owner, resource, Selection(limit=wire.SECTION_ITEMS))
            sections[resource.name] = wire.SECTIONS[resource.name](items=found, total=total)
        else:
            sections[resource.name] = UNSET
    profile = wire.PublicProfile(
        avatar=owner.avatar_url,
        **{name: owner.profile[name] for name in wire.PublicProfile.__struct_fields__ if name != "avatar"},
    )
    user = User(
        id=owner.user_id,
        username=owner.username,
        display_name=owner.display_name,
        avatar_url=owner.avatar_url,
    )
    return wire.PublicPortfolio(user=user, profile=profile, sections=wire.PublicSections(**sections))


async def page(owner: Owner, resource: Resource, query: ListQuery) -> tuple[list[View], int] | None:
    """Return a page of items and their number on all pages; None if the owner does not show them."""
    if not owner.shows(resource.switch):
        return None
    filters = {name: value for name in resource.filters if (value := getattr(query, name, None)) is not None}
    selection = Selection(
        filters=filters, words=query.query, sort=query.sort, offset=query.offset, limit=query.limit
    )
    return await _page(owner, resource, selection)


async def item(owner: Owner, resource: Resource, key: UUID | str) -> View | None:
    """Return an item by its id or slug; None if the public does not see it."""
    if not owner.shows(resource.switch):
        return None
    async with database.guard():
        values = await items.get(database.connection(), resource, owner.user_id, key)
    if values is None or (resource.hidden_unless is not None and not values[resource.hidden_unless]):
        return None
    return _to_view(owner, resource, values)


async def _page(owner: Owner, resource: Resource, selection: Selection) -> tuple[list[View], int]:
    async with database.guard():
        found = await lists.page(
            database.connection(), resource, owner.user_id, selection._replace(public_only=True)
        )
    return [_to_view(owner, resource, each) for each in found.items], found.total


def _to_view(owner: Owner, resource: Resource, values: Values) -> View:
    """Return an item without what it refers to in a part that the owner does not show."""
    view = rows.to_view(resource, values)
    relation = resource.relation
    if relation is None or owner.shows(f"show_{relation.resource}"):
        return view
    return structs.replace(view, **{relation.key: None, relation.field: None})
