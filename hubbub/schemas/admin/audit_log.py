"""Commands and views of the audit log."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.pagination import MAX_SORT_CHARS, Limit, ListQuery, Page, SearchText, sort_rules

Order = Annotated[str, Meta(max_length=MAX_SORT_CHARS, **sort_rules("at", "action", "outcome", "ip"))]
Timestamp = Annotated[datetime, Meta(tz=True)]


class AuditRecord(View):
    """`reason` states why it failed. The names of actor and target may be deleted; their ids remain."""

    id: Annotated[UUID, Meta(description="Sorts by time.")]
    at: Annotated[str, Meta(description="When it happened, RFC 3339, UTC.")]
    action: Annotated[str, Meta(description="What was attempted, such as `session.sign_in`.")]
    outcome: Annotated[str, Meta(description="`ok` or `failed`.")]
    reason: Annotated[str, Meta(description="Why it failed. Null for a success.")] | None
    actor_id: (
        Annotated[UUID, Meta(description="The user who acted. Null for an unknown user and for the server.")]
        | None
    )
    actor_username: (
        Annotated[str, Meta(description="Current name of the actor. Null after the account was deleted.")]
        | None
    )
    actor_role: (
        Annotated[str, Meta(description="Role of the actor at that time. Null without an actor.")] | None
    )
    session_id: (
        Annotated[
            UUID, Meta(description="Session of the actor. Null without one, for example with an API key.")
        ]
        | None
    )
    target_kind: (
        Annotated[str, Meta(description="`user`, `room` and so on. Null if the action has no target.")] | None
    )
    target_id: Annotated[str, Meta(description="Id of the target. Null if the action has no target.")] | None
    ip: Annotated[str, Meta(description="IP address of the client. Empty for the server.")]
    user_agent: Annotated[str, Meta(description="As the client sent it, shortened. Empty for the server.")]
    request_id: Annotated[str, Meta(description="Finds the request in the log of the server.")]
    facts: Annotated[
        dict[str, Any], Meta(description="Details of the action, without secrets. The keys depend on it.")
    ]


class AuditLogFilters(Command):
    """Filters of records. `since` is included, `until` is not."""

    query: (
        Annotated[SearchText, Meta(description="Words that occur in the text columns of a record.")] | None
    ) = None
    action: (
        Annotated[str, Meta(max_length=40), Meta(description="Exact name, such as `session.sign_in`.")] | None
    ) = None
    outcome: (
        Annotated[Literal["ok", "failed"], Meta(description="`failed` selects refused attempts.")] | None
    ) = None
    actor_id: Annotated[UUID, Meta(description="The user who acted.")] | None = None
    target_kind: Annotated[str, Meta(max_length=20), Meta(description="`user`, `room` and so on.")] | None = (
        None
    )
    target_id: (
        Annotated[str, Meta(max_length=64), Meta(description="Id of the user, room or message acted upon.")]
        | None
    ) = None
    ip: Annotated[str, Meta(max_length=45), Meta(description="Exact IP address of the client.")] | None = None
    since: (
        Annotated[Timestamp, Meta(description="Earliest time, included. RFC 3339 with a time zone.")] | None
    ) = None
    until: (
        Annotated[Timestamp, Meta(description="Latest time, excluded. RFC 3339 with a time zone.")] | None
    ) = None


class ListAuditLog(AuditLogFilters):
    """A page of records."""

    page: Annotated[Page, Meta(description="Number of the page, from 1.")] = 1
    limit: Annotated[Limit, Meta(description="Records on a page.")] = 20
    sort: Order | None = None

    @property
    def list_query(self) -> ListQuery:
        """The query in the form of other lists."""
        return ListQuery(page=self.page, limit=self.limit, query=self.query, sort=self.sort)


class ExportAuditLog(AuditLogFilters):
    """All records."""

    format: Annotated[Literal["json", "csv"], Meta(description="`csv` has one row for each record.")] = "json"
