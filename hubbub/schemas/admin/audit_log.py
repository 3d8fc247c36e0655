"""The audit log as it is read."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.pagination import MAX_SORT_CHARS, Limit, ListQuery, Page, SearchText, sort_rules

Order = Annotated[str, Meta(max_length=MAX_SORT_CHARS, **sort_rules("at", "action", "outcome", "ip"))]
Timestamp = Annotated[datetime, Meta(tz=True)]


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


class AuditLogFilters(Command):
    """Which records; `since` is included, `until` is not."""

    query: SearchText | None = None
    action: Annotated[str, Meta(max_length=40)] | None = None
    outcome: Literal["ok", "failed"] | None = None
    actor_id: UUID | None = None
    target_kind: Annotated[str, Meta(max_length=20)] | None = None
    target_id: Annotated[str, Meta(max_length=64)] | None = None
    ip: Annotated[str, Meta(max_length=45)] | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None


class ListAuditLog(AuditLogFilters):
    """A page of them."""

    page: Page = 1
    limit: Limit = 20
    sort: Order | None = None

    @property
    def list_query(self) -> ListQuery:
        """As other lists are asked for."""
        return ListQuery(page=self.page, limit=self.limit, query=self.query, sort=self.sort)


class ExportAuditLog(AuditLogFilters):
    """All of them."""

    format: Literal["json", "csv"] = "json"
