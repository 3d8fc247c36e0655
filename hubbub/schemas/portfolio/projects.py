"""Projects."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.portfolio.fields import FILE_URL, WEB_URL, Day, Order, Words, markdown, single_line
from hubbub.schemas.portfolio.resource import Item, Resource


class NewProject(Item):
    title: Annotated[str, single_line(120, required=True), Meta(description="What the project is called.")]
    description: Annotated[str, markdown(10_000), Meta(description="In Markdown.")] | None = None
    image: Annotated[str, FILE_URL, Meta(description="A picture of the project.")] | None = None
    url: Annotated[str, WEB_URL, Meta(description="Where the project is on the web.")] | None = None
    github_url: Annotated[str, WEB_URL, Meta(description="Where its source is.")] | None = None
    tags: Annotated[Words, Meta(description="Words to filter by.")] | None = []
    technologies: Annotated[Words, Meta(description="What it is made with.")] | None = []
    start_date: Day | None = None
    end_date: Day | None = None
    featured: Annotated[bool, Meta(description="Whether it is one of the most important.")] | None = False
    order: Order | None = None


RESOURCE = Resource(
    name="projects",
    noun="project",
    item=NewProject,
    default_order=("order", "-created_at"),
    filters=("featured", "tags", "technologies"),
    searched=("title", "description", "tags", "technologies"),
    period=("start_date", "end_date"),
)
