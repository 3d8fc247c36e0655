"""The last admin of a deployment can not be removed."""

from uuid import UUID

from tortoise.expressions import Q

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import Conflict


async def lock_admins(*user_ids: UUID) -> dict[UUID, models.User]:
    """Lock all admins and these users, in the order of ids: of two who act upon each other one is first.

    In a transaction, before anything else. Who is deleted is left out.
    """
    condition = Q(role="admin", deleted_at__isnull=True) | Q(id__in=user_ids)
    rows = await models.User.filter(condition).order_by("id").select_for_update(no_key=True)
    return {row.id: row for row in rows if row.deleted_at is None}


async def require_an_admin() -> None:
    """At the end of an act upon an admin who was held. Raises Conflict if nobody is left to undo it."""
    active_admins = models.User.filter(~suspended_filter(), role="admin", deleted_at__isnull=True)
    if not await active_admins.exists():
        raise Conflict("Somebody must stay an admin: make somebody else one first.")


def suspended_filter() -> Q:
    """Whose suspension is in force, as `sessions.is_suspended` has it."""
    endless = Q(suspended_at__isnull=False, suspended_until__isnull=True)
    return endless | Q(suspended_at__isnull=False, suspended_until__gt=clock.now())
