"""Keeps at least one active admin in a deployment."""

from uuid import UUID

from tortoise.expressions import Q

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import Conflict


async def lock_admins(*user_ids: UUID) -> dict[UUID, models.User]:
    """Lock all admins and these users, and return them by id. Deleted users are not returned.

    Call it first in the transaction. The rows are locked in the order of ids, so that of two admins who
    change each other one is first.
    """
    condition = Q(role="admin", deleted_at__isnull=True) | Q(id__in=user_ids)
    rows = await models.User.filter(condition).order_by("id").select_for_update(no_key=True)
    return {row.id: row for row in rows if row.deleted_at is None}


async def require_an_admin() -> None:
    """Require at least one active admin.

    Raises Conflict. Call it at the end of a transaction of `lock_admins`.
    """
    active_admins = models.User.filter(~suspended_filter(), role="admin", deleted_at__isnull=True)
    if not await active_admins.exists():
        raise Conflict("The last admin can't be removed: make another user an admin first.")


def suspended_filter() -> Q:
    """Return the filter of the suspended users, with the rule of `account_view.is_suspended`."""
    endless = Q(suspended_at__isnull=False, suspended_until__isnull=True)
    return endless | Q(suspended_at__isnull=False, suspended_until__gt=clock.now())
