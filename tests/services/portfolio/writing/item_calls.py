"""Calls that create, change, read and delete items, and the resources of the tests."""

import pytest

from hubbub.core.errors import InvalidPayload
from hubbub.schemas.base import parse
from hubbub.schemas.portfolio.items import ref_of
from hubbub.schemas.portfolio.resources import BY_NAME
from hubbub.services.portfolio import items
from tests.support.portfolio_items import changes, new

BLOG, COMPANIES, EXPERIENCES = BY_NAME["blog"], BY_NAME["companies"], BY_NAME["experiences"]
PROJECTS, SKILLS, CONTACTS = BY_NAME["projects"], BY_NAME["skills"], BY_NAME["contacts"]
EDUCATION, CERTIFICATIONS, TESTIMONIALS = (
    BY_NAME["education"],
    BY_NAME["certifications"],
    BY_NAME["testimonials"],
)


async def create(ctx, resource, **fields):
    return await items.create(ctx, resource, new(resource, **fields))


async def change(ctx, resource, item, **fields):
    return await items.update(ctx, resource, changes(resource, item, **fields))


async def get(ctx, resource, key):
    return await items.get(ctx, resource, parse(ref_of(resource), {resource.key_field: str(key)}))


async def delete(ctx, resource, item):
    await items.delete(ctx, resource, parse(ref_of(resource), {resource.key_field: str(item.id)}))


async def refusal_of(operation):
    """The fields of a refusal."""
    with pytest.raises(InvalidPayload) as refusal:
        await operation
    return [field for field, _ in refusal.value.fields]
