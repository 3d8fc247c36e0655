"""The permissions of each role, as one table."""

from enum import StrEnum

from hubbub.core.errors import Forbidden
from hubbub.queries.audit.audit_log import Action, Target
from hubbub.services.audit import recorder
from hubbub.services.context import Context


class Permission(StrEnum):
    """A permission that ordinary users do not have."""

    READ_USERS = "users.read"
    SUSPEND_USERS = "users.suspend"
    SET_ROLES = "users.set_role"
    DELETE_USERS = "users.delete"
    READ_ROOMS = "rooms.read"
    READ_AUDIT_LOG = "audit_log.read"
    READ_OPERATION = "operation.read"  # connected users, instances, queues, schedules
    READ_JOB_PAYLOADS = "job_payloads.read"
    MANAGE_JOBS = "jobs.manage"  # queues, jobs and schedules
    READ_HEALTH = "health.read"
    READ_NOTIFICATIONS = "notifications.read"  # decisions about delivery, without their content
    ANNOUNCE = "announcements.create"


_MODERATOR = frozenset(
    {
        Permission.READ_USERS,
        Permission.SUSPEND_USERS,
        Permission.READ_ROOMS,
        Permission.READ_AUDIT_LOG,
        Permission.READ_OPERATION,
        Permission.READ_NOTIFICATIONS,
    }
)
# In ascending order of rank.
ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    "user": frozenset(),
    "moderator": _MODERATOR,
    "admin": frozenset(Permission),
}
_RANK = {role: rank for rank, role in enumerate(ROLE_PERMISSIONS)}


def allows(role: str, permission: Permission) -> bool:
    """Return whether a role has a permission."""
    return permission in ROLE_PERMISSIONS.get(role, frozenset())


async def require(ctx: Context, permission: Permission) -> None:
    """Require a permission for an operation that only reads. A refusal is recorded in the audit log.

    Raises Forbidden.
    """
    act = recorder.act_of(ctx, Action.USE_PERMISSION, Target("permission", permission))
    async with recorder.attempt(ctx.container, act):
        check(ctx.role, permission)


def check(role: str, permission: Permission) -> None:
    """Require a permission for an operation that records its own attempts. Raises Forbidden."""
    if not allows(role, permission):
        allowed_roles = " and ".join(f"{name}s" for name in ROLE_PERMISSIONS if allows(name, permission))
        raise Forbidden(f"Only {allowed_roles} are allowed to do this.")


def outranks(role: str, other: str) -> bool:
    """Return whether a role may act on another: admins on all, moderators on users."""
    return role == "admin" or _RANK.get(role, 0) > _RANK.get(other, 0)
