"""Calls of the operations of portfolios, of their owner and of the public."""

from typing import Any
from uuid import UUID

from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.services.portfolio import messages
from tests.http.openapi.responses.operation_caller import KNOWN, OperationCaller
from tests.support.live_instance import ApiUser
from tests.support.portfolio_items import complete, required
from tests.support.public_portfolio import set_profile


async def call_portfolio(asker: OperationCaller, ada: ApiUser) -> None:
    ask = asker.ask
    await set_profile(asker.instance, ada)
    for resource in RESOURCES:
        base, key = f"/portfolio/{resource.name}", resource.key_field
        body, stale = complete(resource), {"If-Match": '"stale"'}
        items = [(await ask(ada, "POST", base, 201, json=body | slug))["data"] for slug in _slugs(resource)]
        path, at = f"{base}/{{{key}}}", {key: items[0]["id"]}
        await ask(ada, "GET", base, 200)
        await ask(ada, "GET", path, 200, **at)
        await ask(ada, "GET", path, 304, headers=KNOWN, **at)
        await ask(ada, "PATCH", path, 200, json=required(resource, 2), **at)
        await ask(ada, "PATCH", path, 412, json={}, headers=stale, **at)
        await ask(ada, "DELETE", path, 412, headers=stale, **at)
        if resource.is_ordered:
            await ask(ada, "PATCH", f"{base}/reorder", 200, json={"ids": [each["id"] for each in items]})
        if resource.slug_of is not None:
            await ask(ada, "PATCH", path, 409, json={"slug": items[1]["slug"]}, **at)
        if resource.is_published:
            await ask(ada, "PATCH", f"{path}/publish", 200, json={"published": True}, **at)
            await ask(ada, "PATCH", f"{path}/publish", 412, json={"published": True}, headers=stale, **at)
        if resource.hidden_unless is not None:
            await ask(ada, "PATCH", path, 200, json={resource.hidden_unless: True}, **at)
        await _public_part(asker, resource, items[0]["id"])
        await ask(ada, "DELETE", path, 204, **at)
        await ask(ada, "POST", f"{base}/{{item_id}}/restore", 200, item_id=items[0]["id"])
        await ask(ada, "POST", f"{base}/bulk-delete", 200, json={"ids": [items[1]["id"]]})
    document = (await ask(ada, "GET", "/portfolio/export", 200))["data"]
    small = {name: document[name] for name in ("version", "companies", "skills")}
    await ask(ada, "POST", "/portfolio/import", 200, json=small, params={"mode": "merge"})
    active = asker.instance.app.container.active_imports
    with active.count(UUID(ada.id)), active.count(UUID(ada.id)):
        await ask(ada, "POST", "/portfolio/import", 429, json=small)


async def call_portfolio_profile(asker: OperationCaller, ada: ApiUser) -> None:
    ask, path = asker.ask, "/portfolio/profile"
    await ask(ada, "PATCH", path, 200, json={"bio": "Counts.", "theme": "dark", "is_public": True})
    await ask(ada, "PATCH", path, 412, json={}, headers={"If-Match": '"stale"'})
    await ask(ada, "GET", path, 200)
    await ask(ada, "GET", path, 304, headers=KNOWN)
    await ask(ada, "DELETE", f"{path}/avatar", 204)
    await ask(ada, "DELETE", f"{path}/resume", 204)


async def _public_part(asker: OperationCaller, resource: Resource, item_id: str) -> None:
    path = f"/public/portfolio/{{username}}/{resource.name}"
    for username, status in (("ada", 200), ("nobody", 404)):
        await asker.ask(None, "GET", path, status, username=username)
        at = {"username": username, resource.key_field: item_id}
        await asker.ask(None, "GET", f"{path}/{{{resource.key_field}}}", status, **at)
    at = {"username": "ada", resource.key_field: item_id}
    await asker.ask(None, "GET", path, 304, username="ada", headers=KNOWN)
    await asker.ask(None, "GET", f"{path}/{{{resource.key_field}}}", 304, headers=KNOWN, **at)
    await asker.ask(None, "GET", path, 422, username="ada", params={"limit": "0"})


async def call_public_portfolio(asker: OperationCaller) -> None:
    path = "/public/portfolio/{username}"
    message = {"name": "Eve", "email": "eve@example.org", "message": "Are you free in May?"}
    for username, get, post in (("ada", 200, 202), ("nobody", 404, 404)):
        await asker.ask(None, "GET", path, get, username=username)
        await asker.ask(None, "POST", f"{path}/messages", post, json=message, username=username)
    await asker.ask(None, "GET", path, 304, username="ada", headers=KNOWN)
    for _ in range(4):
        await asker.ask(None, "POST", f"{path}/messages", 202, json=message, username="ada")
    await asker.ask(None, "POST", f"{path}/messages", 429, json=message, username="ada")
    limiter = asker.instance.app.container.rate_limiter  # later requests find the burst again
    await limiter.acquire(messages.IP_LIMIT, "127.0.0.1", messages.LIMIT_PER_IP, -5)


def _slugs(resource: Resource) -> list[dict[str, Any]]:
    """What distinguishes two items."""
    return [{"slug": slug} if resource.slug_of is not None else {} for slug in ("first", "second")]
