"""The document that contains a whole portfolio: what an export returns and an import accepts."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.portfolio import columns, profile
from hubbub.schemas.portfolio.resource import MAX_ITEMS, Resource
from hubbub.schemas.portfolio.resources import RESOURCES

VERSION = 1  # of the document
MAX_DOCUMENT_BYTES = 64 << 20
MAX_RESOURCES = 64  # whose types are kept

Mode = Literal["merge", "replace"]
_Version = Annotated[int, Meta(ge=VERSION, le=VERSION), Meta(description="Of the format. 1.")]
_Time = Annotated[datetime, Meta(tz=True)]


class ImportQuery(Command):
    mode: Annotated[
        Mode,
        Meta(description="`replace` also deletes the items that the document does not contain."),
    ] = "merge"
    dry_run: Annotated[bool, Meta(description="Only check the document, and store nothing.")] = False


class ImportFault(View):
    """What is wrong with a document."""

    field: Annotated[str, Meta(description="A path such as `projects[3].title`.")]
    message: Annotated[str, Meta(description="A sentence for the user.")]


class ImportResult(View):
    """What an import changed, over all resources; or what it would change."""

    created: Annotated[int, Meta(description="Items that the portfolio did not have.")]
    updated: Annotated[int, Meta(description="Items that were matched by their id.")]
    deleted: Annotated[int, Meta(description="Items that the document does not contain, with `replace`.")]
    errors: Annotated[list[ImportFault], Meta(description="Only with `dry_run`. At most 100.")]


@lru_cache(maxsize=MAX_RESOURCES)
def imported_item(resource: Resource) -> type[Command]:
    """Return the struct of an item in a document: the fields of a new one, and what an export adds."""
    found: list[Any] = [
        (
            "id",
            _optional(UUID, "The item that it replaces, if the caller has it. Otherwise a new one."),
            None,
        ),
        ("created_at", _optional(_Time, "Kept for a new item. Not later than now."), None),
        ("updated_at", _optional(_Time, "Ignored."), None),
    ]
    if resource.is_published:
        found.append(("published_at", _optional(_Time, "Kept for a new post that is published."), None))
    item: Any = msgspec.defstruct(
        f"Imported{resource.type_name}",
        found,
        bases=(resource.item,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        module=__name__,
        namespace={"__doc__": f"A {resource.noun} in a document."},
    )
    return item  # type: ignore[no-any-return]


@lru_cache(maxsize=MAX_RESOURCES)
def exported_item(resource: Resource) -> type[View]:
    """Return the struct of an item in an export: as it is stored, without what is read from other items."""
    linked = resource.relation.field if resource.relation is not None else None
    found: list[Any] = [
        (each.name, each.type) for each in msgspec.structs.fields(resource.view) if each.name != linked
    ]
    item: Any = msgspec.defstruct(
        f"Exported{resource.type_name}",
        found,
        bases=(View,),
        frozen=True,
        kw_only=True,
        module=__name__,
        namespace={"__doc__": f"A {resource.noun} in an export."},
    )
    return item  # type: ignore[no-any-return]


def _optional(kind: Any, description: str) -> Any:  # noqa: ANN401 - a type
    return columns.with_null(columns.described(kind, description))


def _list_of(kind: type[msgspec.Struct], resource: Resource) -> Any:  # noqa: ANN401 - a type
    return Annotated[list[kind], Meta(max_length=MAX_ITEMS, description=f"All {resource.name}.")]  # type: ignore[valid-type]


# Only for the API document: an import decodes a document item by item (`services/portfolio/documents.py`).
PortfolioDocument: Any = msgspec.defstruct(
    "PortfolioDocument",
    [
        ("version", _Version),
        (
            "profile",
            _optional(profile.ProfileFields, "Its fields replace those of the portfolio, others stay."),
            None,
        ),
        *(
            (each.name, _list_of(imported_item(each), each), msgspec.field(default_factory=list))
            for each in RESOURCES
        ),
    ],
    bases=(Command,),
    frozen=True,
    kw_only=True,
    module=__name__,
    namespace={
        "__doc__": "A portfolio.",
        "max_body_bytes": MAX_DOCUMENT_BYTES,
        "__annotations__": {"max_body_bytes": ClassVar[int]},
    },
)
PortfolioExport: Any = msgspec.defstruct(
    "PortfolioExport",
    [
        ("version", _Version),
        ("profile", columns.described(profile.ProfileFields, "All its fields, without the avatar.")),
        *((each.name, _list_of(exported_item(each), each)) for each in RESOURCES),
    ],
    bases=(View,),
    frozen=True,
    kw_only=True,
    module=__name__,
    namespace={"__doc__": "All items and the profile of a portfolio."},
)
