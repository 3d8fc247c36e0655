"""Experiences: jobs and other work, at a company of the user or at one that is only named."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import View
from hubbub.schemas.normalization import TRIMMED
from hubbub.schemas.portfolio.fields import Day, Words, markdown, single_line
from hubbub.schemas.portfolio.resource import Item, Relation, Resource
from hubbub.schemas.texts import LINE_RULES

_ACHIEVEMENT = Meta(min_length=1, max_length=300, **LINE_RULES)


class LinkedCompany(View):
    """The company of an experience, if it is one of the user's."""

    id: Annotated[UUID, Meta(description="The same as `company_id`.")]
    name: Annotated[str, Meta(description="As the company is called now.")]
    logo: Annotated[str, Meta(description="A picture.")] | None
    website: Annotated[str, Meta(description="Its page on the web.")] | None


class NewExperience(Item, frozen=True, kw_only=True):
    field_rules: ClassVar[tuple[dict[str, Any], ...]] = (
        {"anyOf": [{"required": ["company"]}, {"required": ["company_id"]}]},
    )

    title: Annotated[str, single_line(120, required=True), Meta(description="The position.")]
    company: (
        Annotated[
            str,
            single_line(120, required=True),
            Meta(description="Name of the company. Without it, responses have the name of `company_id`."),
        ]
        | None
    ) = None
    company_id: (
        Annotated[UUID, Meta(description="One of the user's companies. Null once it is deleted.")] | None
    ) = None
    location: Annotated[str, single_line(100), Meta(description="Where the work was done.")] | None = None
    start_date: Day
    end_date: Annotated[Day, Meta(description="YYYY-MM-DD. Not with `current`.")] | None = None
    current: Annotated[bool, Meta(description="Whether it has not ended.")] | None = False
    description: Annotated[str, markdown(10_000), Meta(description="In Markdown.")] | None = None
    achievements: (
        Annotated[
            list[Annotated[str, _ACHIEVEMENT]],
            Meta(max_length=30, extra=TRIMMED),
            Meta(description="One line each."),
        ]
        | None
    ) = []
    technologies: Annotated[Words, Meta(description="What was worked with.")] | None = []


RESOURCE = Resource(
    name="experiences",
    noun="experience",
    item=NewExperience,
    default_order=("-current", "-start_date"),
    filters=("current", "company_id", "technologies"),
    searched=("title", "description", "company", "technologies"),
    period=("start_date", "end_date"),
    open_period="current",
    relation=Relation("companies", "company_id", "company", "name", "linked_company", LinkedCompany),
)
