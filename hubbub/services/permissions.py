"""What each role may do besides what everybody may: the one table."""

from enum import StrEnum

from hubbub.core.errors import Forbidden
from hubbub.queries.audit.audit_log import Action, Target
from hubbub.services.audit import recorder
from hubbub.services.context import Context


class Permission(StrEnum):
    """Something that not everybody may do."""

    READ_USERS = "users.read"
    SUSPEND_USERS = "users.suspend"
    SET_ROLES = "users.set_role"
    DELETE_USERS = "users.delete"
    READ_ROOMS = "rooms.read"
    READ_AUDIT_LOG = "audit_log.read"
    READ_OPERATION = "operation.read"  # who is connected, which instances there are
    READ_HEALTH = "health.read"


_MODERATOR = frozenset(
    {
        Permission.READ_USERS,
        Permission.SUSPEND_USERS,
        Permission.READ_ROOMS,
        Permission.READ_AUDIT_LOG,
        Permission.READ_OPERATION,
    }
)
# From the least to the most.
ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    "user": frozenset(),
    "moderator": _MODERATOR,
    "admin": frozenset(Permission),
}
_RANK = {role: rank for rank, role in enumerate(ROLE_PERMISSIONS)}


def allows(role: str, permission: Permission) -> bool:
    """Whether a role has a permission."""
    return permission in ROLE_PERMISSIONS.get(role, frozenset())


async def require(ctx: Context, permission: Permission) -> None:
    """The guard of an operation that only reads, whichever edge calls it; a refusal is recorded.

    Raises Forbidden.
    """
    act = recorder.act_of(ctx, Action.USE_PERMISSION, Target("permission", permission))
    async with recorder.attempt(ctx.container, act):
        check(ctx.role, permission)


def check(role: str, permission: Permission) -> None:
    """The guard of one that writes, for whose attempt there is a record of its own. Raises Forbidden."""
    if not allows(role, permission):
        allowed_roles = " and ".join(f"{name}s" for name in ROLE_PERMISSIONS if allows(name, permission))
        raise Forbidden(f"Only {allowed_roles} may do that.")


def outranks(role: str, other: str) -> bool:
    """Whether the one may act upon the other: admins upon all, moderators upon users."""
    return role == "admin" or _RANK.get(role, 0) > _RANK.get(other, 0)
