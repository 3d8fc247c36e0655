"""Payloads of jobs: what is stored as JSON in the table `jobs`, and decoded by the worker.

Workers of the previous and of the next release read what is stored: a field keeps its name in the JSON, and a
new field has a default. Any other change is a new version of the kind (`services/jobs/kinds.py`).
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import ClassVar
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from hubbub.core.request_info import RequestInfo

NO_ID = UUID(int=0)


class Queue(StrEnum):
    """A group of kinds of jobs: workers are started for some of them, and each can be paused."""

    MAIL = "mail"
    PUSH = "push"
    SMS = "sms"
    WEBHOOKS = "webhooks"
    NOTIFICATIONS = "notifications"
    MEDIA = "media"
    EXPORTS = "exports"
    MAINTENANCE = "maintenance"


class Priority(IntEnum):
    """Due jobs of a lower number run first. A worker looks for each number, so there are few."""

    URGENT = 0  # a user waits for the result
    NORMAL = 1
    BULK = 2  # may wait behind everything else


class JobPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The payload of one kind of job. Unknown fields are ignored; fields with their defaults are omitted.

    `secret_fields` are the names, in the JSON, of fields that no page and no API shows.
    """

    secret_fields: ClassVar[frozenset[str]] = frozenset()


class ScheduledJob(JobPayload, frozen=True, kw_only=True):
    """The payload of a job of a schedule. `run_id` is the run whose outcome the job stores."""

    run_id: UUID


class RemoveEndedSessions(ScheduledJob, frozen=True, kw_only=True):
    """Remove ended sessions and pending logins."""


class RemoveUsedTokens(ScheduledJob, frozen=True, kw_only=True):
    """Remove used tokens, idempotency keys and nonces."""


class WatchQueues(ScheduledJob, frozen=True, kw_only=True):
    """Warn about queues whose jobs wait too long."""


class RemoveOldRows(ScheduledJob, frozen=True, kw_only=True):
    """Remove what is kept for a number of days."""


class MaintainDatabase(ScheduledJob, frozen=True, kw_only=True):
    """Update the statistics of the database and reclaim space."""


class LogHeartbeat(ScheduledJob, frozen=True, kw_only=True):
    """Write one line to the log."""


class SendMail(JobPayload, frozen=True, kw_only=True):
    """Send an e-mail to one user: the one with `user_id`, else the one whose address is `email`.

    With `to` it is sent to that e-mail address, of an account that no longer exists, in `language`.
    """

    template: str = msgspec.field(name="letter")
    user_id: UUID | UnsetType = UNSET
    email: str | UnsetType = UNSET  # as it was entered; there need not be such an account
    to: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    context: dict[str, str] = msgspec.field(name="facts")  # values for the template; no one-time token
    request_info: RequestInfo | UnsetType = msgspec.field(name="origin", default=UNSET)  # to be recorded


class EraseAccount(JobPayload, frozen=True, kw_only=True):
    """Remove what is left of a deleted account, and its name from the logs."""

    user_id: UUID
    # The key of the last log entry that an earlier run rewrote.
    after_room_id: UUID = UUID(int=0)
    after_seq: int = 0


class RemoveObjects(JobPayload, frozen=True, kw_only=True):
    """Delete stored bytes to which no upload refers any more."""

    object_ids: list[UUID]


class IndexPortfolio(JobPayload, frozen=True, kw_only=True):
    """Index the words of the items that a large import has stored."""

    user_id: UUID
    since: datetime  # of the import: later changes of an item are indexed again, with the same result


class SweepUploads(ScheduledJob, frozen=True, kw_only=True):
    """Remove aborted and unreferenced uploads, and bytes without an upload."""


class NotifyMessage(JobPayload, frozen=True, kw_only=True):
    """Create the notifications that follow from a message: direct, a mention, a reply."""

    room_id: UUID
    message_id: UUID


class Notify(JobPayload, frozen=True, kw_only=True):
    """Create one notification of an account: an invitation, or an event of its security."""

    user_id: UUID
    kind: str  # a NotificationKind
    source: str  # what it follows from: at most one per user
    actor_id: UUID | None = None
    room_id: UUID | None = None
    content: dict[str, str] = {}


class NotifyPortfolioMessage(JobPayload, frozen=True, kw_only=True):
    """Create the notification of a message that a visitor of a public portfolio sent to its owner."""

    secret_fields: ClassVar[frozenset[str]] = frozenset({"sender", "email", "body"})

    user_id: UUID  # the owner
    message_id: UUID  # at most one notification
    sender: str  # the name that the visitor gave
    email: str
    body: str
    url: str  # of the portfolio


class NotifyByEmail(JobPayload, frozen=True, kw_only=True):
    """Decide whether a notification is sent by e-mail, and send it."""

    notification_id: UUID


class SendDigests(ScheduledJob, frozen=True, kw_only=True):
    """Enqueue the digests that are due."""


class SendDigest(JobPayload, frozen=True, kw_only=True):
    """Send the digest of one window to one user."""

    user_id: UUID
    window: str  # the local date on which the window ends


class DeliverAnnouncement(JobPayload, frozen=True, kw_only=True):
    """Append an announcement to the inboxes of the connected users."""

    number: int  # of the announcement
    after: UUID = NO_ID  # the last account that an earlier run considered
