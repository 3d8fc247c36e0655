"""Education."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.portfolio.fields import HUNDREDTHS, Day, single_line, text
from hubbub.schemas.portfolio.resource import Item, Resource


class NewEducation(Item):
    institution: Annotated[str, single_line(160, required=True), Meta(description="Name of the school.")]
    degree: Annotated[str, single_line(120), Meta(description="What was achieved.")] | None = None
    field: Annotated[str, single_line(120), Meta(description="What was studied.")] | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    gpa: (
        Annotated[
            float,
            Meta(ge=0, le=100, **HUNDREDTHS),
            Meta(description="The grade, on the scale of the school, with at most two digits."),
        ]
        | None
    ) = None
    description: Annotated[str, text(5000), Meta(description="Plain text with line breaks.")] | None = None


RESOURCE = Resource(
    name="education",
    noun="education",
    item=NewEducation,
    default_order=("-start_date",),
    searched=("institution", "description"),
    period=("start_date", "end_date"),
)
