"""Confirmation of a session: its user enters the password again, and a code if two-factor is on.

An access token alone is not enough for operations that outlive it or reveal everything. Registration, login
and refresh do not confirm a session.
"""

from hubbub import models
from hubbub.core import passwords
from hubbub.core.errors import NotFound, Unauthenticated
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent
from hubbub.schemas.accounts import accounts as wire
from hubbub.services.audit import recorder
from hubbub.services.auth import login, login_throttle, sessions, two_factor
from hubbub.services.context import Context


async def confirm(ctx: Context, command: wire.Confirm) -> None:
    """Confirm the caller's session for `sessions.CONFIRMATION_LIFETIME`.

    Raises Unauthenticated (wrong password or code), SessionRevoked, Suspended, RateLimited, Unavailable.
    """
    email = await _caller_email(ctx)
    async with login_throttle.limit_login(ctx.container, email, ctx.request_info):
        await _confirm_by_password(ctx, command)
    await login_throttle.record_login(ctx.container, email, ctx.request_info)


async def _caller_email(ctx: Context) -> str:
    async with database.guard():
        user = await models.User.filter(id=ctx.user_id).first()
    if user is None:
        raise NotFound
    return user.email


async def _confirm_by_password(ctx: Context, command: wire.Confirm) -> None:
    async with recorder.attempt(ctx.container, recorder.act_of(ctx, Action.CONFIRM_SESSION)) as act:
        for _ in range(login.MAX_PASSWORD_CHECKS):
            verified_user = await _verify_password(ctx, command.password, act)
            confirmed = await _confirm(ctx, verified_user, command.code, act)
            if confirmed is not None:
                break
        else:
            raise Unauthenticated(login.WRONG_CREDENTIALS)
        if not confirmed:
            act.reason = "wrong_code"
            raise Unauthenticated(two_factor.WRONG_CODE)


async def _verify_password(ctx: Context, password: str, act: AuditEvent) -> models.User:
    async with database.guard():
        user = await models.User.filter(id=ctx.user_id, deleted_at__isnull=True).first()
    digest = user.password_digest if user is not None else None
    matches = await passwords.matches(password, digest, ctx.container.settings.bcrypt_rounds)
    if user is None or not matches:
        act.reason = "wrong_password"
        raise Unauthenticated("The password is wrong.")
    return user


async def _confirm(
    ctx: Context, verified_user: models.User, code: str | None, act: AuditEvent
) -> bool | None:
    """Confirm the session.

    Returns False for a wrong code, which is counted; None if the password has changed.
    """
    async with database.transaction() as tx:
        user = await sessions.lock_caller(ctx)
        if user.password_digest != verified_user.password_digest:
            return None
        if await two_factor.is_enabled(user.id) and not await _verify_code(ctx, tx, code):
            return False
        await sessions.mark_confirmed(ctx)
        await audit_log.record(tx, act)
    return True


async def _verify_code(ctx: Context, tx: Sql, code: str | None) -> bool:
    if code is None:
        return False
    return await two_factor.verify_code(ctx.container, tx, ctx.user_id, code, ctx.request_info)


async def confirm_by_provider(ctx: Context, still_valid: login.Recheck) -> bool:
    """Confirm the caller's session after a new login with a provider.

    Returns whether the login was the caller's.

    A password with a second factor can't be bypassed: such an account is not confirmed by a provider. Raises
    SessionRevoked, Suspended, Unauthenticated.
    """
    act = recorder.act_of(ctx, Action.CONFIRM_SESSION)
    async with database.transaction() as tx:
        user = await sessions.lock_caller(ctx)
        requires_password = user.password_digest is not None and await two_factor.is_enabled(user.id)
        if requires_password or not await still_valid(user):
            return False
        await sessions.mark_confirmed(ctx)
        await audit_log.record(tx, act, by="provider")
    return True


async def require(ctx: Context) -> None:
    """Raise ConfirmationRequired unless the caller's session is confirmed."""
    async with database.guard():
        await sessions.check_caller(ctx, confirmed=True)
