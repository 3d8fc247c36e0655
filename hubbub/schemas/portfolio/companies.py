"""Companies, to which experiences refer."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.portfolio.fields import FILE_URL, WEB_URL, YEAR, single_line, text
from hubbub.schemas.portfolio.resource import Item, Resource


class NewCompany(Item):
    name: Annotated[str, single_line(120, required=True), Meta(description="Shown with experiences there.")]
    logo: Annotated[str, FILE_URL, Meta(description="A picture.")] | None = None
    website: Annotated[str, WEB_URL, Meta(description="Its page on the web.")] | None = None
    description: Annotated[str, text(5000), Meta(description="Plain text with line breaks.")] | None = None
    industry: Annotated[str, single_line(100), Meta(description="What the company does.")] | None = None
    location: Annotated[str, single_line(100), Meta(description="Where it is.")] | None = None
    founded_year: Annotated[int, YEAR, Meta(description="From 1000 to next year.")] | None = None


RESOURCE = Resource(
    name="companies",
    noun="company",
    item=NewCompany,
    default_order=("name",),
    searched=("name", "description"),
)
