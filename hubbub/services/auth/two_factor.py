"""The second factor of an account: setup, verification of codes, and turning it off.

Every verification locks the row of the account first, counts, and commits even if the code is wrong. So no
code is accepted twice and no guess is free, however many calls arrive at once and at whichever instance.
"""

import logging
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import msgspec

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, ids, otp, passwords
from hubbub.core.errors import Conflict, InvalidPayload, RateLimited, Unavailable
from hubbub.core.request_info import RequestInfo
from hubbub.core.sealing import DecryptionError
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent
from hubbub.schemas.auth import two_factor as wire
from hubbub.services.audit import recorder
from hubbub.services.auth import mfa_challenges, recovery_codes, sessions
from hubbub.services.context import Container, Context, UnitOfWork
from hubbub.services.mail import mailer, one_time_tokens
from hubbub.services.users import users

T = TypeVar("T")
log = logging.getLogger(__name__)

ISSUER = "hubbub"
FREE_FAILURES = 5  # wrong codes in a row before the first delay
FIRST_DELAY_S, MAX_DELAY_S = 30, 900  # doubled after each further failure
WRONG_CODE = "The code is wrong or was used before. Your app shows a new code every 30 seconds."


async def status(ctx: Context) -> wire.TwoFactorStatus:
    """Return whether the caller's account has a second factor, and the number of recovery codes."""
    async with database.guard():
        enabled = await is_enabled(ctx.user_id)
        codes_left = await recovery_codes.count(ctx.user_id)
    return wire.TwoFactorStatus(enabled=enabled, recovery_codes_left=codes_left)


async def is_enabled(user_id: UUID) -> bool:
    """Return whether a login to the account requires a code."""
    return await models.TwoFactor.filter(user_id=user_id, enabled_at__isnull=False).exists()


async def setup(ctx: Context) -> wire.TwoFactorSecret:
    """Return a new secret for an app, replacing one that was not enabled. Raises Conflict."""
    secret = otp.generate_secret()
    async with ctx.unit() as unit:
        user = await sessions.lock_caller(ctx, confirmed=True)
        stored = await unit.tx.execute(
            "INSERT INTO two_factors (id, user_id, secret, last_step, failures, created_at) "
            "VALUES ($1, $2, $3, 0, 0, $4) ON CONFLICT (user_id) DO UPDATE "
            "SET secret = excluded.secret, last_step = 0 WHERE two_factors.enabled_at IS NULL",
            *(
                ids.uuid7(),
                user.id,
                ctx.container.sealing.seal(sealing_purpose(user.id), secret.encode()),
                clock.now(),
            ),
        )
        if not stored:
            raise _already_enabled()
    return wire.TwoFactorSecret(secret=secret, otpauth_uri=otp.provisioning_uri(secret, user.email, ISSUER))


async def enable(ctx: Context, command: wire.EnableTwoFactor) -> wire.RecoveryCodes:
    """Turn it on with a code of the app. Raises Conflict, InvalidPayload, RateLimited."""
    async with recorder.attempt(ctx.container, recorder.act_of(ctx, Action.ENABLE_TWO_FACTOR)) as act:
        codes = await _enable(ctx, command.code, act)
        return _require_right_code(codes, act)


async def _enable(ctx: Context, code: str, act: AuditEvent) -> wire.RecoveryCodes | None:
    """Turn it on. Returns None for a wrong code, which is counted."""
    async with ctx.unit() as unit:
        user = await sessions.lock_caller(ctx, confirmed=True)
        row = await _lock(unit.tx, ctx.user_id)
        if row is None:
            raise Conflict("Request a secret first: POST /auth/2fa/setup.")
        if row.enabled_at is not None:
            raise _already_enabled()
        if not await _verify_app_code(ctx.container, unit.tx, row, code):
            return None
        await models.TwoFactor.filter(id=row.id).update(enabled_at=clock.now())
        undo = await one_time_tokens.create_undo(
            user, one_time_tokens.UNDO_TWO_FACTOR, UndoState(enabled_id=row.id)
        )
        await _record_and_notify(unit, "two_factor_enabled", act, undo)
        return wire.RecoveryCodes(recovery_codes=await recovery_codes.generate(ctx.user_id))


async def disable(ctx: Context, command: wire.ConfirmTwoFactor) -> None:
    """Turn it off with the password and a code. Raises Conflict, InvalidPayload, RateLimited."""
    async with recorder.attempt(ctx.container, recorder.act_of(ctx, Action.DISABLE_TWO_FACTOR)) as act:
        digest = await _check_password(ctx, command.password, act)
        async with ctx.unit() as unit:
            user = await _lock_caller(ctx, digest)
            accepted = await verify_code(ctx.container, unit.tx, ctx.user_id, command.code, ctx.request_info)
            if accepted:
                undo = await disable_with_undo(user)
                await _record_and_notify(unit, "two_factor_disabled", act, undo)
        _require_right_code(accepted or None, act)


async def regenerate_recovery_codes(ctx: Context, command: wire.ConfirmTwoFactor) -> wire.RecoveryCodes:
    """Replace the recovery codes. Raises as `disable`."""
    async with recorder.attempt(ctx.container, recorder.act_of(ctx, Action.RENEW_RECOVERY_CODES)) as act:
        digest = await _check_password(ctx, command.password, act)
        codes = None
        async with ctx.unit() as unit:
            await _lock_caller(ctx, digest)
            if await verify_code(ctx.container, unit.tx, ctx.user_id, command.code, ctx.request_info):
                codes = wire.RecoveryCodes(recovery_codes=await recovery_codes.generate(ctx.user_id))
                await audit_log.record(unit.tx, act)
        return _require_right_code(codes, act)


async def verify_code(
    container: Container, tx: Sql, user_id: UUID, code: str, request_info: RequestInfo
) -> bool:
    """Verify a code of the app, or use a recovery code. The caller commits in any case.

    Raises RateLimited: after FREE_FAILURES wrong codes in a row, codes of the app are only verified after a
    delay. Recovery codes are always accepted, because they can't be guessed.
    """
    row = await _lock(tx, user_id)
    if row is None or row.enabled_at is None:
        return False
    if otp.is_totp(otp.normalize(code)):
        return await _verify_app_code(container, tx, row, code)
    return await recovery_codes.consume(tx, user_id, code, request_info)


async def delete_for_user(user_id: UUID) -> bool:
    """Delete the second factor and its codes.

    Returns False if there was none. Inside the caller's transaction.
    """
    deleted = await models.TwoFactor.filter(user_id=user_id).delete()
    await recovery_codes.delete_all(user_id)
    await mfa_challenges.delete_for_user(user_id)
    return bool(deleted)


class UndoState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state that an undo restores.

    With `enabled_id` the undo turns that second factor off if it is still on. With `secret` the undo turns it
    on again.
    """

    enabled_id: UUID | None = None  # row of the second factor that was turned on
    secret: str | None = None  # encrypted
    last_step: int = 0  # of the last accepted code
    codes: list[str] = []  # digests of the recovery codes


async def disable_with_undo(user: models.User) -> str:
    """Turn it off for a user whose row is locked. Returns the id of the undo. Raises Conflict."""
    row = await models.TwoFactor.filter(user_id=user.id, enabled_at__isnull=False).first()
    if row is None:
        raise Conflict("Two-factor login is not on for this account.")
    codes = await recovery_codes.digests(user.id)
    state = UndoState(secret=row.secret, last_step=row.last_step, codes=codes)
    await delete_for_user(user.id)
    return await one_time_tokens.create_undo(user, one_time_tokens.UNDO_TWO_FACTOR, state)


async def restore(user_id: UUID, payload: str) -> None:
    """Undo a change of the second factor of a user whose row is locked."""
    state = msgspec.json.decode(payload, type=UndoState)
    if state.secret is None:
        if await models.TwoFactor.exists(user_id=user_id, id=state.enabled_id):
            await delete_for_user(user_id)
        return
    await delete_for_user(user_id)
    await models.TwoFactor.create(
        user_id=user_id, secret=state.secret, last_step=state.last_step, enabled_at=clock.now()
    )
    await recovery_codes.restore(user_id, state.codes)


async def _lock(tx: Sql, user_id: UUID) -> models.TwoFactor | None:
    await tx.execute("UPDATE two_factors SET failures = failures WHERE user_id = $1", user_id)
    return await models.TwoFactor.filter(user_id=user_id).first()


async def _verify_app_code(container: Container, tx: Sql, row: models.TwoFactor, code: str) -> bool:
    _check_backoff(row)
    secret = _unseal_secret(container, row)
    step = otp.matching_step(secret, otp.normalize(code), clock.now(), row.last_step)
    if step is None:
        await _record_failure(tx, row)
        return False
    await models.TwoFactor.filter(id=row.id).update(last_step=step, failures=0, wait_until=None)
    return True


def sealing_purpose(user_id: UUID) -> str:
    """Return the purpose by which a secret is encrypted."""
    return f"totp:{user_id}"


def _unseal_secret(container: Container, row: models.TwoFactor) -> str:
    try:
        return container.sealing.unseal(sealing_purpose(row.user_id), row.secret).decode()
    except DecryptionError:
        log.error(  # noqa: TRY400 - the trace adds nothing
            "second factor not decrypted: its secret key is not configured", extra={"user_id": row.user_id}
        )
        raise Unavailable("Codes of the app can't be verified now. Use a recovery code.") from None


def _check_backoff(row: models.TwoFactor | None) -> None:
    now = clock.now()
    if row is not None and row.wait_until is not None and row.wait_until > now:
        raise RateLimited(
            "Too many wrong codes. Wait, or use a recovery code.",
            retry_after_ms=int((row.wait_until - now) / timedelta(milliseconds=1)) + 1,
        )


async def _record_failure(tx: Sql, row: models.TwoFactor) -> None:
    failures, wait_until = row.failures + 1, row.wait_until
    if failures >= FREE_FAILURES:
        wait_s = min(FIRST_DELAY_S * 2 ** min(failures - FREE_FAILURES, 10), MAX_DELAY_S)
        wait_until = clock.now() + timedelta(seconds=wait_s)
    if failures == FREE_FAILURES and row.enabled_at is not None:
        await mailer.enqueue(tx, "wrong_codes", row.user_id)
    await models.TwoFactor.filter(id=row.id).update(failures=failures, wait_until=wait_until)


async def _lock_caller(ctx: Context, digest: str | None) -> models.User:
    """Lock the caller, whose password was verified. Raises Conflict if the password has changed."""
    user = await sessions.lock_caller(ctx)
    if user.password_digest != digest:
        raise Conflict("The password has just been changed. Try again.")
    return user


async def _check_password(ctx: Context, password: str, act: AuditEvent) -> str | None:
    """Verify the caller's password. Returns its digest.

    Failures count like wrong codes, so that a stolen session does not allow faster guesses of the password.
    Raises Conflict, InvalidPayload.
    """
    user = await users.load_caller(ctx)
    async with database.guard():
        row = await models.TwoFactor.filter(user_id=ctx.user_id, enabled_at__isnull=False).first()
    if row is None:
        raise Conflict("Two-factor login is not on.")
    _check_backoff(row)
    if await passwords.matches(password, user.password_digest, ctx.container.settings.bcrypt_rounds):
        return user.password_digest
    async with ctx.unit() as unit:
        if (row := await _lock(unit.tx, ctx.user_id)) is not None:
            await _record_failure(unit.tx, row)
    act.reason = "wrong_password"
    raise InvalidPayload(fields=(("password", "The password is wrong."),))


async def _record_and_notify(unit: UnitOfWork, template: str, act: AuditEvent, undo: str) -> None:
    """Record the change, and notify the user by e-mail."""
    await audit_log.record(unit.tx, act)
    if act.actor_id is not None:
        await mailer.enqueue(unit.tx, template, act.actor_id, undo=undo)
    unit.publish(JobsWaiting())


def _already_enabled() -> Conflict:
    return Conflict("Two-factor login is already on. Turn it off first.")


def _require_right_code(result: T | None, act: AuditEvent) -> T:
    if result is None:
        act.reason = "wrong_code"
        raise InvalidPayload(fields=(("code", WRONG_CODE),))
    return result
