"""Payloads of jobs: what is stored as JSON in the table `jobs`, and decoded by the worker.

Workers of the previous and of the next release read what is stored: a field keeps its name in the JSON, and a
new field has a default.
"""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from hubbub.core.request_info import RequestInfo


class JobPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The payload of one kind of job. Unknown fields are ignored; fields with their defaults are omitted."""


class SendMail(JobPayload, frozen=True, kw_only=True):
    """Send an e-mail to one user: the one with `user_id`, else the one whose address is `email`."""

    template: str = msgspec.field(name="letter")
    user_id: UUID | UnsetType = UNSET
    email: str | UnsetType = UNSET  # as it was entered; there need not be such an account
    context: dict[str, str] = msgspec.field(name="facts")  # values for the template; no one-time token
    request_info: RequestInfo | UnsetType = msgspec.field(name="origin", default=UNSET)  # to be recorded


class EraseAccount(JobPayload, frozen=True, kw_only=True):
    """Remove what is left of a deleted account, and its name from the logs."""

    user_id: UUID
    after: int = 0  # the id of the last log entry that an earlier run rewrote
