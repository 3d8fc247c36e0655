"""Commands and views of queues and jobs, for administrators."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.pagination import PageQuery

JobState = Literal["waiting", "delayed", "active", "completed", "failed"]
QueueName = Annotated[str, Meta(max_length=32, description="Of the queue, such as `mail`.")]
KindName = Annotated[str, Meta(max_length=64, description="Only jobs of this kind, such as `mail.letter`.")]


class QueueStatus(View):
    """Completed jobs are kept for a day, failed ones for `HUBBUB_RETENTION_DAYS`."""

    name: Annotated[str, Meta(description="Each kind of job belongs to one queue.")]
    paused: Annotated[bool, Meta(description="True: its jobs are stored, and wait until it is resumed.")]
    waiting: Annotated[int, Meta(description="Jobs that are due.")]
    delayed: Annotated[int, Meta(description="Jobs that are due later, or will be retried.")]
    active: Annotated[int, Meta(description="Jobs that run.")]
    completed: Annotated[int, Meta(description="Jobs that succeeded.")]
    failed: Annotated[int, Meta(description="Jobs that are not retried automatically.")]
    oldest_due_s: Annotated[float, Meta(description="Age of the oldest due job in seconds; 0 without one.")]
    per_minute: Annotated[int, Meta(description="Jobs that were completed in the last 60 s.")]
    failed_share: Annotated[
        float, Meta(description="Share of failed jobs among those that ended in the last hour, 0 to 1.")
    ]


class ChangeQueue(Command):
    name: QueueName
    paused: Annotated[bool, Meta(description="A paused queue runs no jobs. Running ones continue.")]


class JobView(View):
    """One job."""

    id: Annotated[UUID, Meta(description="Sorts by the time at which the job was stored.")]
    kind: Annotated[str, Meta(description="What the job does, such as `mail.letter`.")]
    state: Annotated[str, Meta(description="`waiting`, `delayed`, `active`, `completed` or `failed`.")]
    attempts: Annotated[int, Meta(description="Runs, with the present one.")]
    run_at: Annotated[str, Meta(description="Earliest time of the next run, RFC 3339, UTC.")]
    created_at: Annotated[str, Meta(description="When it was stored, RFC 3339, UTC.")]
    ended_at: Annotated[str, Meta(description="RFC 3339, UTC. Null before its end.")] | None
    error: Annotated[str, Meta(description="Of the last run that failed. Null without one.")] | None
    facts: Annotated[dict[str, Any], Meta(description="Payload without secrets. Null for moderators.")] | None


class ListJobs(PageQuery, kw_only=True):
    name: QueueName
    state: Annotated[JobState, Meta(description="Only jobs in this state.")] | None = None
    kind: KindName | None = None


class JobRef(Command):
    name: QueueName
    job_id: Annotated[UUID, Meta(description="Of a job of this queue.")]


class RetryJobs(Command):
    """All failed jobs of a queue."""

    name: QueueName
    kind: KindName | None = None


class DeleteJobs(Command):
    name: QueueName
    state: Annotated[Literal["completed", "failed"], Meta(description="Only jobs in this state.")]
    older_than_s: Annotated[
        int, Meta(ge=0, le=10**9, description="Only jobs that ended at least so many seconds ago.")
    ] = 0


class DeletedJobs(View):
    deleted: Annotated[int, Meta(description="Number of deleted jobs.")]
