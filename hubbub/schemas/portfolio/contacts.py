"""Contacts: where the user can be found."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.portfolio.fields import LINK, Order, single_line
from hubbub.schemas.portfolio.resource import Item, Resource


class NewContact(Item):
    platform: Annotated[str, single_line(50, required=True), Meta(description="Such as `GitHub`.")]
    url: Annotated[str, LINK, Meta(description="A page, an e-mail address or a phone number.")]
    icon: Annotated[str, single_line(100), Meta(description="An icon, by its name.")] | None = None
    order: Order | None = None
    active: Annotated[bool, Meta(description="Whether the public sees it.")] | None = True


RESOURCE = Resource(
    name="contacts",
    noun="contact",
    item=NewContact,
    default_order=("order",),
    filters=("platform", "active"),
    searched=("platform",),
    hidden_unless="active",
)
