"""Passwords: reset by e-mail, and change with the current password."""

from uuid import UUID

from hubbub import models
from hubbub.cluster.bus import JobsWaiting, SessionEnded
from hubbub.core import clock, ids, passwords
from hubbub.core.errors import InvalidPayload
from hubbub.core.request_info import RequestInfo
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.queries.sync import change_counters
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.jobs import Notify
from hubbub.schemas.sync.connection import CloseCode, SessionEndReason
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.services.audit import recorder
from hubbub.services.auth import login, login_throttle, mfa_challenges, sessions
from hubbub.services.context import Container, Context, publish
from hubbub.services.jobs import queue
from hubbub.services.mail import mailer, one_time_tokens
from hubbub.services.users import users, validation

_MISMATCH = "The password is wrong."
_NOT_SET = 'This account has no password. Choose one with "Forgotten password".'


async def request_reset(
    container: Container, command: wire.ForgotPassword, request_info: RequestInfo
) -> None:
    """Send a reset e-mail if the account exists. Raises RateLimited.

    A worker looks up the account, so that response and time are the same for all e-mail addresses.
    """
    await login_throttle.limit_password_reset(container, command.email)
    async with database.transaction() as tx:
        await mailer.enqueue_reset(tx, command.email, request_info)
    container.bus.publish(JobsWaiting())


async def reset(container: Container, command: wire.ResetPassword, request_info: RequestInfo) -> None:
    """Set a new password with a token sent by e-mail. Ends every session and verifies the e-mail address.

    API keys are revoked too, unless `end_api_keys` is false. Two-factor stays on. Raises InvalidToken,
    InvalidPayload (the token stays valid), Unavailable.
    """
    async with recorder.attempt(container, AuditEvent(Action.RESET_PASSWORD, request_info)) as act:
        user = await _by_reset_token(command.token)
        act.target = Target("user", user.id)
        validation.check_password(command.password, "password", user.email, user.username, user.display_name)
        digest = await passwords.digest(command.password, container.settings.bcrypt_rounds)
        await _reset(command, digest, act)
    await publish(
        container.bus,
        SessionEnded(user.id, None, CloseCode.SESSION_REVOKED, SessionEndReason.PASSWORD_RESET),
        JobsWaiting(),
    )
    await login_throttle.record_login(container, user.email, request_info)


async def _reset(command: wire.ResetPassword, digest: str, act: AuditEvent) -> None:
    async with database.transaction() as tx:
        user = await one_time_tokens.consume(tx, "reset_password", command.token)
        await _store_password(tx, user, digest)
        if user.email_verified_at is None:
            await models.User.filter(id=user.id).update(email_verified_at=clock.now())
            await mailer.enqueue(tx, "welcome", user.id)
        await change_counters.bump_version(tx, [user.id])
        await change_counters.revoke_sessions(tx, user.id, None, SessionEndReason.PASSWORD_RESET)
        keys = await models.ApiKey.filter(user_id=user.id).delete() if command.end_api_keys else 0
        act.set_user(user.id, user.role)
        await audit_log.record(tx, act, api_keys=keys)


async def _by_reset_token(token: str) -> models.User:
    """Return the user of a token without using it, before the expensive hashing. Raises InvalidToken."""
    async with database.guard():
        return await one_time_tokens.peek("reset_password", token)


async def _store_password(tx: Sql, user: models.User, digest: str) -> None:
    """Store a new password, and invalidate everything that was started with the old one or to replace it."""
    await mfa_challenges.delete_for_user(user.id)
    await models.OAuthHandoff.filter(user_id=user.id).update(code_digest=None)
    await models.User.filter(id=user.id).update(password_digest=digest, updated_at=clock.now())
    await models.OneTimeToken.filter(user_id=user.id, purpose="reset_password").delete()
    await one_time_tokens.cancel_changes(user.id)
    await queue.enqueue(
        tx,
        Notify(
            user_id=user.id,
            kind=NotificationKind.PASSWORD_CHANGED,
            source=f"password:{ids.uuid7()}",
        ),
    )


async def change(ctx: Context, command: wire.ChangePassword) -> None:
    """Change the caller's password, and end their other sessions.

    Raises InvalidPayload with the field `current_password` or `new_password`, RateLimited, Unavailable.
    """
    async with recorder.attempt(ctx.container, recorder.act_of(ctx, Action.CHANGE_PASSWORD)) as act:
        for _ in range(login.MAX_PASSWORD_CHECKS):
            user = await users.load_caller(ctx)
            await _verify_password(ctx, user, command.current_password, act)
            validation.check_password(
                command.new_password, "new_password", user.email, user.username, user.display_name
            )
            digest = await passwords.digest(command.new_password, ctx.container.settings.bcrypt_rounds)
            ended = await _change(ctx, user, digest, act)
            if ended is not None:
                break
        else:
            raise _wrong_password(user)
    reason = SessionEndReason.PASSWORD_CHANGED
    signals = (SessionEnded(ctx.user_id, each, CloseCode.SESSION_REVOKED, reason) for each in ended)
    await publish(ctx.container.bus, *signals, JobsWaiting())


async def _verify_password(ctx: Context, user: models.User, password: str, act: AuditEvent) -> None:
    """Verify the current password. Raises InvalidPayload, RateLimited, Unavailable."""
    await login_throttle.check_reauthentication(ctx.container, user.id)
    matches = await passwords.matches(password, user.password_digest, ctx.container.settings.bcrypt_rounds)
    await login_throttle.record_reauthentication(ctx.container, user.id, success=matches)
    if not matches:
        act.reason = "wrong_password"
        raise _wrong_password(user)


def _wrong_password(user: models.User) -> InvalidPayload:
    message = _MISMATCH if user.password_digest else _NOT_SET
    return InvalidPayload(fields=(("current_password", message),))


async def _change(
    ctx: Context, verified_user: models.User, digest: str, act: AuditEvent
) -> list[UUID] | None:
    """Store the new password in one transaction.

    Returns the ended sessions; None if the password has changed.
    """
    async with database.transaction() as tx:
        user = await sessions.lock_caller(ctx)
        if user.password_digest != verified_user.password_digest:
            return None
        await _store_password(tx, user, digest)
        await change_counters.bump_version(tx, [user.id])
        ended = await change_counters.revoke_sessions(
            tx, user.id, ctx.session_id, SessionEndReason.PASSWORD_CHANGED
        )
        await audit_log.record(tx, act)
    return ended
