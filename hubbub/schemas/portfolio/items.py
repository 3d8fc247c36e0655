"""Commands and views of items that do not depend on the resource."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from hubbub.schemas import faults
from hubbub.schemas.base import Command, View
from hubbub.schemas.portfolio.resource import MAX_ITEMS, ItemRef, Resource, SlugRef

__all__ = ["DeletedItems", "ItemIds", "ItemRef", "SlugRef", "key_of", "ref_of"]


def _repeated_fault(ids: Sequence[UUID]) -> str | None:
    return None if len(set(ids)) == len(ids) else "Must not contain an id twice."


class ItemIds(Command):
    ids: Annotated[
        list[UUID],
        Meta(
            max_length=MAX_ITEMS,
            extra=faults.check_extra(_repeated_fault),
            extra_json_schema={"uniqueItems": True},
        ),
        Meta(description="Items of the caller, each of them once."),
    ]


class DeletedItems(View):
    deleted: Annotated[int, Meta(description="Number of items that existed.")]


def ref_of(resource: Resource) -> type[Command]:
    """Return the command that names an item: by id, or also by slug."""
    return ItemRef if resource.slug_of is None else SlugRef


def key_of(resource: Resource, command: Command) -> UUID | str:
    """Return the id or the slug in a command about one item."""
    key: UUID | str = getattr(command, resource.key_field)
    if isinstance(key, UUID):
        return key
    try:
        return msgspec.convert(key, UUID)
    except msgspec.ValidationError:
        return key
