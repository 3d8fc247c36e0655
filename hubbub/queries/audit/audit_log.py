"""Writes to the audit log: one row for each action, in the transaction that performs it.

Rows are added and never changed.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock, ids
from hubbub.core.logs import mask_secrets
from hubbub.core.request_info import SYSTEM, RequestInfo
from hubbub.db.sql import Sql
from hubbub.schemas.base import encode

Fact = str | int | bool | None


class Action(StrEnum):
    """Every action that is recorded."""

    REGISTER = "account.register"
    LOGIN = "session.sign_in"
    LOGIN_FIRST_FACTOR = "session.first_step"  # the password was right, the second factor is still missing
    LOGOUT = "session.sign_out"
    REPLAY_REFRESH_TOKEN = "session.refresh_replayed"  # noqa: S105 - likewise
    REVOKE_SESSION = "session.end"
    REVOKE_OTHER_SESSIONS = "session.end_others"
    CONFIRM_SESSION = "session.confirm"
    UNDO = "account.undo"
    CREATE_API_KEY = "api_key.create"
    REVOKE_API_KEY = "api_key.revoke"
    USE_API_KEY = "api_key.use"  # recorded only on failure
    CHANGE_PASSWORD = "password.change"  # noqa: S105 - the name of an action, not a secret; likewise below
    FORGET_PASSWORD = "password.forgot"  # noqa: S105
    RESET_PASSWORD = "password.reset"  # noqa: S105
    VERIFY_EMAIL = "email.verify"
    REQUEST_EMAIL_CHANGE = "email.request_change"
    CHANGE_EMAIL = "email.change"
    ENABLE_TWO_FACTOR = "two_factor.enable"
    DISABLE_TWO_FACTOR = "two_factor.disable"
    RENEW_RECOVERY_CODES = "two_factor.renew_codes"
    USE_RECOVERY_CODE = "two_factor.use_recovery_code"
    LINK_IDENTITY = "identity.link"
    UNLINK_IDENTITY = "identity.unlink"
    REQUEST_DELETION = "account.request_deletion"
    DELETE_ACCOUNT = "account.delete"
    EXPORT_ACCOUNT = "account.export"
    REMOVE_MEMBER = "room.remove_member"
    SET_MEMBER_ROLE = "room.set_role"
    SET_ROLE = "user.set_role"
    SUSPEND = "user.suspend"
    UNSUSPEND = "user.unsuspend"
    DELETE_USER = "user.delete"
    USE_PERMISSION = "permission.use"  # recorded only on failure
    CREATE_ADMIN = "admin.create"
    EXPORT_AUDIT_LOG = "audit_log.export"
    RAISE_EPOCH = "epoch.raise"
    PAUSE_QUEUE = "queue.pause"
    RESUME_QUEUE = "queue.resume"
    RETRY_JOBS = "queue.retry_jobs"
    DELETE_JOBS = "queue.delete_jobs"
    CANCEL_JOB = "job.cancel"
    RETRY_JOB = "job.retry"
    CHANGE_SCHEDULE = "schedule.change"
    RUN_SCHEDULE = "schedule.run"
    ANNOUNCE = "announcement.create"


class Target(NamedTuple):
    """The object of an action: a `user`, a `session`, a `room`, …, and its id."""

    kind: str
    id: UUID | str


@dataclass(slots=True)
class AuditEvent:
    """A performed or attempted action. Its fields are set as they become known. `reason` is an error code."""

    action: Action
    request_info: RequestInfo = SYSTEM
    target: Target | None = None
    actor_id: UUID | None = None
    actor_role: str | None = None
    session_id: UUID | None = None
    reason: str | None = None
    key_id: UUID | None = None  # of the API key that authenticated the call

    def set_user(self, user_id: UUID, role: str) -> None:
        """Make a user the actor and the target, once they are known."""
        self.actor_id, self.actor_role, self.target = user_id, role, Target("user", user_id)


async def record(tx: Sql, event: AuditEvent, **facts: Fact) -> None:
    """Record a success, in the transaction that performs the action. `facts` are small, without secrets."""
    await _insert(tx, event, "ok", None, facts)


_INSERT = (
    "INSERT INTO audit_log (id, at, action, outcome, reason, actor_id, actor_role, session_id, target_kind, "
    "target_id, ip, user_agent, request_id, facts) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
)


async def record_failure(tx: Sql, event: AuditEvent, reason: str) -> None:
    """Record a failure with its error code, in a transaction of its own."""
    await _insert(tx, event, "failed", reason, {})


async def _insert(
    tx: Sql, event: AuditEvent, outcome: str, reason: str | None, facts: dict[str, Fact]
) -> None:
    if event.key_id is not None:
        facts = {**facts, "key_id": str(event.key_id)}
    await tx.execute(
        _INSERT,
        ids.uuid7(),
        clock.now(),
        event.action.value,
        outcome,
        reason,
        event.actor_id,
        event.actor_role,
        event.session_id,
        event.target.kind if event.target is not None else None,
        str(event.target.id) if event.target is not None else None,
        event.request_info.ip[:45],
        mask_secrets(event.request_info.user_agent[:300]),
        event.request_info.request_id[:128],
        mask_secrets(encode(facts).decode()),
    )
