"""Certifications."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.portfolio.fields import WEB_URL, Day, single_line
from hubbub.schemas.portfolio.resource import Item, Resource


class NewCertification(Item):
    name: Annotated[str, single_line(160, required=True), Meta(description="What was certified.")]
    issuer: Annotated[str, single_line(160), Meta(description="Who issued it.")] | None = None
    issue_date: Day | None = None
    expiry_date: Day | None = None
    credential_id: Annotated[str, single_line(100), Meta(description="As the issuer names it.")] | None = None
    credential_url: Annotated[str, WEB_URL, Meta(description="Where it can be verified.")] | None = None


RESOURCE = Resource(
    name="certifications",
    noun="certification",
    item=NewCertification,
    default_order=("-issue_date",),
    searched=("name", "issuer"),
    period=("issue_date", "expiry_date"),
)
