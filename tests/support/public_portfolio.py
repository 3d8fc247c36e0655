"""A public portfolio for tests, as its owner makes it."""

from typing import Any
from uuid import UUID

from hubbub import models
from hubbub.services.context import Context
from hubbub.services.portfolio import versions
from tests.support.live_instance import ApiUser, LiveInstance

# One item that the public sees, by resource.
ITEMS: dict[str, dict[str, Any]] = {
    "projects": {"title": "A bridge", "tags": ["steel"], "featured": True},
    "companies": {"name": "Bridges Ltd"},
    "skills": {"name": "Welding", "category": "tool"},
    "experiences": {"title": "Welder", "company": "Elsewhere", "start_date": "2020-01-01"},
    "education": {"institution": "School of bridges"},
    "certifications": {"name": "Certified welder"},
    "blog": {"title": "On bridges", "content": "**Long** ones", "published": True},
    "testimonials": {"name": "Bob", "content": "It holds."},
    "contacts": {"platform": "Web", "url": "https://bridges.example"},
}


async def set_profile(instance: LiveInstance, owner: ApiUser, **fields: Any) -> None:
    """Change the profile of a portfolio, by default to a public one."""
    async with Context(instance.app.container, UUID(owner.id)).unit() as unit:
        await versions.touch(unit, UUID(owner.id))
        await models.PortfolioProfile.filter(user_id=owner.id).update(**{"is_public": True, **fields})


async def add(owner: ApiUser, resource: str, **fields: Any) -> dict[str, Any]:
    """Create an item, with the fields of `ITEMS` unless others are given."""
    status, response = await owner.rest("POST", f"/portfolio/{resource}", json={**ITEMS[resource], **fields})
    assert status == 201, response
    item: dict[str, Any] = response["data"]
    return item


async def public_portfolio(instance: LiveInstance, name: str = "ada") -> tuple[ApiUser, dict[str, Any]]:
    """Register a user with a public portfolio that has one item of each resource."""
    owner = await instance.register(name)
    await set_profile(instance, owner)
    return owner, {resource: await add(owner, resource) for resource in ITEMS}
