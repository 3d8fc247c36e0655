"""Testimonials: what others say about the user."""

from typing import Annotated, ClassVar

from msgspec import Meta

from hubbub.schemas.portfolio.fields import FILE_URL, Order, single_line, text
from hubbub.schemas.portfolio.resource import MAX_CONTENT_BODY_BYTES, Item, Resource


class NewTestimonial(Item, frozen=True, kw_only=True):
    max_body_bytes: ClassVar[int] = MAX_CONTENT_BODY_BYTES

    name: Annotated[str, single_line(120, required=True), Meta(description="Who says it.")]
    role: Annotated[str, single_line(120), Meta(description="The position of the author.")] | None = None
    company: Annotated[str, single_line(120), Meta(description="Where the author works.")] | None = None
    content: Annotated[str, text(5000, required=True), Meta(description="Plain text with line breaks.")]
    avatar: Annotated[str, FILE_URL, Meta(description="A picture of the author.")] | None = None
    rating: Annotated[int, Meta(ge=1, le=5), Meta(description="From 1 to 5.")] | None = None
    featured: Annotated[bool, Meta(description="Whether it is one of the most important.")] | None = False
    order: Order | None = None


RESOURCE = Resource(
    name="testimonials",
    noun="testimonial",
    item=NewTestimonial,
    default_order=("order",),
    filters=("featured",),
    searched=("name", "content", "company"),
)
