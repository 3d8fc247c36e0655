"""The audit log as it is read."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.pagination import LONGEST_SORT, Limit, Listed, Page, Words, sorted_by

Order = Annotated[str, Meta(max_length=LONGEST_SORT, **sorted_by("at", "action", "outcome", "ip"))]
Moment = Annotated[datetime, Meta(tz=True)]


class AuditRecord(View):
    """`reason` says why it failed. The names of actor and target may be gone; their ids stay."""

    id: UUID
    at: str
    action: str
    outcome: str
    reason: str | None
    actor_id: UUID | None
    actor_username: str | None
    actor_role: str | None
    session_id: UUID | None
    target_kind: str | None
    target_id: str | None
    ip: str
    user_agent: str
    request_id: str
    facts: dict[str, Any]


class Filters(Command):
    """Which records; `since` is included, `until` is not."""

    query: Words | None = None
    action: Annotated[str, Meta(max_length=40)] | None = None
    outcome: Literal["ok", "failed"] | None = None
    actor_id: UUID | None = None
    target_kind: Annotated[str, Meta(max_length=20)] | None = None
    target_id: Annotated[str, Meta(max_length=64)] | None = None
    ip: Annotated[str, Meta(max_length=45)] | None = None
    since: Moment | None = None
    until: Moment | None = None


class ListAuditLog(Filters):
    """A page of them."""

    page: Page = 1
    limit: Limit = 20
    sort: Order | None = None

    @property
    def listed(self) -> Listed:
        """As other lists are asked for."""
        return Listed(page=self.page, limit=self.limit, query=self.query, sort=self.sort)


class ExportAuditLog(Filters):
    """All of them."""

    format: Literal["json", "csv"] = "json"
