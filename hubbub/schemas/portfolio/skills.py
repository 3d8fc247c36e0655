"""Skills, in categories."""

from typing import Annotated, Literal

from msgspec import Meta

from hubbub.schemas.portfolio.fields import COLOR, Order, single_line
from hubbub.schemas.portfolio.resource import Item, Resource

# In the order in which they are listed.
Category = Literal[
    "language",
    "frontend",
    "backend",
    "mobile",
    "database",
    "devops",
    "cloud",
    "data",
    "ai",
    "security",
    "testing",
    "design",
    "tool",
    "soft_skill",
    "other",
]


class NewSkill(Item):
    name: Annotated[str, single_line(60, required=True), Meta(description="What the skill is called.")]
    category: Annotated[Category, Meta(description="Lists are in the order of these values.")]
    level: Annotated[int, Meta(ge=1, le=5), Meta(description="From 1 (basic) to 5 (expert).")] | None = None
    icon: Annotated[str, single_line(100), Meta(description="An icon, by its name.")] | None = None
    color: Annotated[str, COLOR, Meta(description="Of its icon.")] | None = None
    order: Order | None = None


RESOURCE = Resource(
    name="skills",
    noun="skill",
    item=NewSkill,
    default_order=("category", "order"),
    filters=("category",),
    searched=("name",),
    grouped_by="category",
)
