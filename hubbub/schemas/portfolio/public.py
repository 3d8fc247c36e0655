"""What the public sees of a portfolio, and the message that it may send to the owner."""

from functools import cache
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hubbub.schemas.accounts.accounts import NewEmail
from hubbub.schemas.base import Command, View
from hubbub.schemas.pagination import ListQuery
from hubbub.schemas.portfolio.fields import single_line, text
from hubbub.schemas.portfolio.profile import Profile
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.schemas.texts import LINE_RULES
from hubbub.schemas.users.users import User

SECTION_ITEMS = 20  # of a section in the view of the whole portfolio
MAX_MESSAGE_CHARS = 5000
MAX_HONEYPOT_CHARS = 2000
_SWITCHES = frozenset({"is_public", *(each.switch for each in RESOURCES)})


def _struct(name: str, doc: str, fields: list[Any], base: type = View) -> Any:  # noqa: ANN401 - a type
    return msgspec.defstruct(
        name, fields, bases=(base,), frozen=True, kw_only=True, module=__name__, namespace={"__doc__": doc}
    )


PublicProfile: type[View] = _struct(
    "PublicProfile",
    "The profile of a public portfolio.",
    [(each.name, each.type) for each in msgspec.structs.fields(Profile) if each.name not in _SWITCHES],
)


def _section(resource: Resource) -> Any:  # noqa: ANN401 - a type
    items = Annotated[
        list[resource.view],  # type: ignore[name-defined] # a type that is generated
        Meta(description=f"The first {SECTION_ITEMS}, in their default order."),
    ]
    total = Annotated[int, Meta(description="Number of items that the public sees.")]
    return _struct(
        f"{resource.type_name}Section",
        f"The {resource.name} of a public portfolio.",
        [("items", items), ("total", total)],
    )


SECTIONS: dict[str, type[View]] = {each.name: _section(each) for each in RESOURCES}  # by resource

PublicSections: type[View] = _struct(
    "PublicSections",
    "The parts of a portfolio that its owner shows. One that is not shown is missing.",
    [
        (
            each.name,
            Annotated[SECTIONS[each.name], Meta(description=f"If the owner shows it: `{each.switch}`.")]
            | UnsetType,
            UNSET,
        )
        for each in RESOURCES
    ],
)

PublicPortfolio: type[View] = _struct(
    "PublicPortfolio",
    "A public portfolio.",
    [
        ("user", Annotated[User, Meta(description="The owner.")]),
        ("profile", Annotated[PublicProfile, Meta(description="What the owner says about themselves.")]),
        ("sections", Annotated[PublicSections, Meta(description="The items, by resource.")]),
    ],
)


Username = Annotated[str, Meta(max_length=64), Meta(description="Of the owner, in any case.")]


class PortfolioRef(Command):
    username: Username


class PublicItemRef(PortfolioRef, frozen=True, kw_only=True):
    item_id: Annotated[UUID, Meta(description="An item that the public sees.")]


class PublicSlugRef(PortfolioRef, frozen=True, kw_only=True):
    id_or_slug: Annotated[
        str, Meta(max_length=200), Meta(description="An item that the public sees, by one of the two.")
    ]


def ref_of(resource: Resource) -> type[PortfolioRef]:
    """Return the command that names an item: by id, or also by slug."""
    return PublicItemRef if resource.slug_of is None else PublicSlugRef


@cache
def list_query(resource: Resource) -> type[ListQuery]:
    """Return the query of a public list: that of the owner's list, for items that the public sees."""
    left_out = ("deleted", "grouped", "page", "limit")  # for the owner only, and those of every list
    fields: list[Any] = [
        (each.name, each.type, each.default)
        for each in msgspec.structs.fields(resource.list_query)
        if each.name not in left_out
    ]
    fields.append(("username", Username))
    doc = f"A page of the {resource.name} of a public portfolio."
    return _struct(f"ListPublic{resource.type_name}s", doc, fields, ListQuery)  # type: ignore[no-any-return]


class SendPortfolioMessage(Command):
    is_normalized: ClassVar[bool] = True

    name: Annotated[str, single_line(80, required=True), Meta(description="Of the sender.")]
    email: Annotated[NewEmail, Meta(description="To which the owner responds.")]
    message: Annotated[
        str, text(MAX_MESSAGE_CHARS, required=True), Meta(description="Plain text, several lines.")
    ]
    website: Annotated[
        str,
        Meta(max_length=MAX_HONEYPOT_CHARS, **LINE_RULES),
        Meta(description="Must stay empty. A form hides it, and only programs fill it in."),
    ] = ""


class MessageTo(SendPortfolioMessage, frozen=True, kw_only=True):
    username: Username
