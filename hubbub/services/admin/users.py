"""Administration of users: lists, roles, suspensions, deletion.

Every change of a user locks the rows of all admins, of the user and of the caller. If two admins remove each
other's role, the second one is no longer an admin when its turn comes.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import UUID

from msgspec import UNSET
from tortoise.queryset import QuerySet

from hubbub import models
from hubbub.cluster.bus import AccountChanged, SessionEnded
from hubbub.core import clock
from hubbub.core.errors import Forbidden, InvalidPayload, NotFound
from hubbub.core.text import names
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.schemas.admin import users as wire
from hubbub.schemas.sync.connection import CloseCode
from hubbub.services import pagination, permissions
from hubbub.services.accounts import deletion
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.permissions import Permission
from hubbub.services.users import account_view, admin_guard, users


def _to_view(row: models.User) -> wire.ManagedUser:
    suspended = None
    if row.suspended_at is not None and account_view.is_suspended(row.suspended_at, row.suspended_until):
        until = row.suspended_until
        suspended = wire.Suspension(
            reason=row.suspend_reason or "",
            since=clock.rfc3339(row.suspended_at),
            until=clock.rfc3339(until) if until is not None else None,
        )
    return wire.ManagedUser(
        id=row.id,
        username=row.username,
        display_name=row.display_name,
        avatar_url=row.avatar_url,
        email=row.email,
        email_verified=row.email_verified_at is not None,
        role=row.role,
        suspended=suspended,
        created_at=clock.rfc3339(row.created_at),
        last_seen_at=clock.rfc3339(row.last_seen_at) if row.last_seen_at is not None else None,
    )


async def list_users(ctx: Context, command: wire.ListUsers) -> tuple[list[wire.ManagedUser], int]:
    """Return a page of all accounts, newest first, and the number of all."""
    await permissions.require(ctx, Permission.READ_USERS)
    found = models.User.filter(pagination.search_filter(command.query, ("username", "display_name", "email")))
    found = found.filter(deleted_at__isnull=True)
    if command.role is not None:
        found = found.filter(role=command.role)
    if command.suspended is not None:
        found = found.filter(
            admin_guard.suspended_filter() if command.suspended == "true" else ~admin_guard.suspended_filter()
        )
    rows, total = await pagination.page(
        found.order_by(*pagination.order_columns(command, "-created_at")), command
    )
    return [_to_view(row) for row in rows], total


async def get_user(ctx: Context, command: wire.UserRef) -> wire.ManagedUser:
    """Return an account. Raises NotFound."""
    await permissions.require(ctx, Permission.READ_USERS)
    async with database.guard():
        row = await _active_user(command.user_id).first()
    if row is None:
        raise NotFound("User not found.")
    return _to_view(row)


def _active_user(user_id: UUID) -> QuerySet[models.User]:
    return models.User.filter(id=user_id, deleted_at__isnull=True)


async def change_user(ctx: Context, command: wire.ChangeUser) -> wire.ManagedUser:
    """Change a user's role, suspend or unsuspend them. Takes effect on their sockets at once.

    Raises Forbidden, NotFound, Conflict (no admin would be left), InvalidPayload.
    """
    target = Target("user", command.user_id)
    async with AsyncExitStack() as stack:
        acts = {
            action: await stack.enter_async_context(
                recorder.attempt(ctx.container, recorder.act_of(ctx, action, target)),
            )
            for action in _requested_actions(command)
        }
        permissions.check(ctx.role, Permission.READ_USERS)
        async with ctx.unit() as unit:
            actor, user = await _lock_actor_and_user(ctx, command.user_id)
            was_admin = user.role == "admin"
            for action, act in acts.items():
                await _ACTION_HANDLERS[action](unit, actor, user, command, act)
            if acts:
                unit.bump_version(user.id)
            if acts and was_admin:
                await admin_guard.require_an_admin()
    return await get_user(ctx, wire.UserRef(user_id=command.user_id))


def _requested_actions(command: wire.ChangeUser) -> list[Action]:
    actions = [Action.SET_ROLE] if command.role is not UNSET else []
    if command.suspended is not UNSET:
        actions.append(Action.UNSUSPEND if command.suspended is None else Action.SUSPEND)
    return actions


async def _lock_actor_and_user(ctx: Context, user_id: UUID) -> tuple[models.User, models.User]:
    """Return the caller and the user, locked with all admins. Raises Forbidden, NotFound."""
    locked = await admin_guard.lock_admins(user_id, ctx.user_id)
    actor = locked.get(ctx.user_id)
    if actor is None or account_view.is_suspended(actor.suspended_at, actor.suspended_until):
        raise Forbidden
    await sessions.check_caller(ctx)
    user = locked.get(user_id)
    if user is None:
        raise NotFound("User not found.")
    return actor, user


async def _set_role(
    unit: UnitOfWork, actor: models.User, user: models.User, command: wire.ChangeUser, act: AuditEvent
) -> None:
    permissions.check(actor.role, Permission.SET_ROLES)
    before, user.role = user.role, str(command.role)
    if user.role == before:
        return
    await models.User.filter(id=user.id).update(role=user.role)
    unit.publish(AccountChanged(users.to_view(user), user.role))
    await audit_log.record(unit.tx, act, before=before, after=user.role)


async def _suspend(
    unit: UnitOfWork, actor: models.User, user: models.User, command: wire.ChangeUser, act: AuditEvent
) -> None:
    _require_may_suspend(actor, user)
    suspension = command.suspended
    if not isinstance(suspension, wire.Suspend):
        return
    reason, now = names.normalize_line(suspension.reason), clock.now()
    if suspension.until is not None and suspension.until <= now:
        raise InvalidPayload(fields=(("suspended.until", "Must be in the future."),))
    await models.User.filter(id=user.id).update(
        suspended_at=now, suspended_until=suspension.until, suspend_reason=reason
    )
    unit.change_portfolio(user.id)
    details = account_view.suspension_message(suspension.until, reason)
    unit.publish(SessionEnded(user.id, None, CloseCode.SUSPENDED, details))
    until = clock.rfc3339(suspension.until) if suspension.until is not None else None
    await audit_log.record(unit.tx, act, reason=reason, until=until)


async def _unsuspend(
    unit: UnitOfWork, actor: models.User, user: models.User, _: wire.ChangeUser, act: AuditEvent
) -> None:
    _require_may_suspend(actor, user)
    if user.suspended_at is not None:
        await models.User.filter(id=user.id).update(
            suspended_at=None, suspended_until=None, suspend_reason=None
        )
        unit.change_portfolio(user.id)
        await audit_log.record(unit.tx, act)


_ActionHandler = Callable[
    [UnitOfWork, models.User, models.User, wire.ChangeUser, AuditEvent], Awaitable[None]
]
_ACTION_HANDLERS: dict[Action, _ActionHandler] = {
    Action.SET_ROLE: _set_role,
    Action.SUSPEND: _suspend,
    Action.UNSUSPEND: _unsuspend,
}


def _require_may_suspend(actor: models.User, user: models.User) -> None:
    permissions.check(actor.role, Permission.SUSPEND_USERS)
    if actor.id == user.id:
        raise Forbidden("You can't suspend yourself.")
    if not permissions.outranks(actor.role, user.role):
        raise Forbidden("Moderators can't suspend moderators or admins.")


async def delete_user(ctx: Context, command: wire.UserRef) -> None:
    """Delete a user's account. The caller's own account is refused: it needs the token sent by e-mail.

    So the last admin can't be deleted here. Raises Forbidden, NotFound.
    """
    act = recorder.act_of(ctx, Action.DELETE_USER, Target("user", command.user_id))
    async with recorder.attempt(ctx.container, act):
        permissions.check(ctx.role, Permission.DELETE_USERS)
        if command.user_id == ctx.user_id:
            raise Forbidden("Delete your own account by the token sent by e-mail.")
        async with ctx.unit() as unit:
            actor, user = await _lock_actor_and_user(ctx, command.user_id)
            permissions.check(actor.role, Permission.DELETE_USERS)
            await deletion.erase(unit, user)
            await audit_log.record(unit.tx, act)
    await deletion.leave_all_rooms(ctx.container, command.user_id)
