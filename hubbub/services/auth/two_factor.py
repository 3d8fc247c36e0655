"""The second factor of an account: setting it up, trying codes against it, switching it off.

Whatever looks at a code locks the row of the account first, counts, and commits also when the code is wrong:
no code is taken twice and no guess is free, however many come at once and to whichever instance.
"""

import logging
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import msgspec

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, ids, otp, passwords
from hubbub.core.errors import Conflict, InvalidPayload, NotFound, RateLimited, Unavailable
from hubbub.core.request_info import RequestInfo
from hubbub.core.sealing import DecryptionError
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Act, Action, Target
from hubbub.schemas.auth import two_factor as wire
from hubbub.services.audit import recorder
from hubbub.services.auth import mfa_challenges, sessions
from hubbub.services.context import Container, Context, UnitOfWork
from hubbub.services.mail import mailer, one_time_tokens

T = TypeVar("T")
log = logging.getLogger(__name__)

ISSUER = "hubbub"
FREE = 5  # wrong codes in a row, before somebody has to wait
FIRST_WAIT_S, LONGEST_WAIT_S = 30, 900  # doubled from one to the next
WRONG = "This code is wrong, or was used before. An app shows another one within 30 seconds."


async def status(ctx: Context) -> wire.TwoFactorStatus:
    """Whether the caller's account has a second factor."""
    async with database.guard():
        enabled = await is_on(ctx.user_id)
        left = await models.RecoveryCode.filter(user_id=ctx.user_id).count()
    return wire.TwoFactorStatus(enabled=enabled, recovery_codes_left=left)


async def is_on(user_id: UUID) -> bool:
    """Whether a sign-in to the account needs a code."""
    return await models.TwoFactor.filter(user_id=user_id, enabled_at__isnull=False).exists()


async def setup(ctx: Context) -> wire.TwoFactorSecret:
    """A new secret for an app, in place of one that was never shown to work. Raises Conflict."""
    secret = otp.new_secret()
    async with ctx.unit() as unit:
        user = await sessions.hold(ctx, confirmed=True)
        stored = await unit.tx.execute(
            "INSERT INTO two_factors (id, user_id, secret, last_step, failures, created_at) "
            "VALUES ($1, $2, $3, 0, 0, $4) ON CONFLICT (user_id) DO UPDATE "
            "SET secret = excluded.secret, last_step = 0 WHERE two_factors.enabled_at IS NULL",
            *(ids.uuid7(), user.id, ctx.parts.sealing.seal(purpose(user.id), secret.encode()), clock.now()),
        )
        if not stored:
            raise _on_already()
    return wire.TwoFactorSecret(secret=secret, otpauth_uri=otp.uri(secret, user.email, ISSUER))


async def enable(ctx: Context, command: wire.EnableTwoFactor) -> wire.RecoveryCodes:
    """Switch it on, by a code of the app. Raises Conflict, InvalidPayload, RateLimited."""
    async with recorder.attempt(ctx.parts, recorder.by(ctx, Action.ENABLE_TWO_FACTOR)) as act:
        codes = await _enable(ctx, command.code, act)
        return _or_wrong_code(codes, act)


async def _enable(ctx: Context, code: str, act: Act) -> wire.RecoveryCodes | None:
    """None for a wrong code, which is counted."""
    async with ctx.unit() as unit:
        user = await sessions.hold(ctx, confirmed=True)
        row = await _lock(unit.tx, ctx.user_id)
        if row is None:
            raise Conflict("Ask for a secret first: /auth/2fa/setup.")
        if row.enabled_at is not None:
            raise _on_already()
        if not await _is_of_app(ctx.parts, unit.tx, row, code):
            return None
        await models.TwoFactor.filter(id=row.id).update(enabled_at=clock.now())
        undo = await one_time_tokens.begin_undo(
            user, one_time_tokens.UNDO_TWO_FACTOR, Before(enabled_id=row.id)
        )
        await _tell(unit, "two_factor_enabled", act, undo)
        return await _new_codes(ctx.user_id)


async def disable(ctx: Context, command: wire.ConfirmTwoFactor) -> None:
    """Switch it off, by the password and a code. Raises Conflict, InvalidPayload, RateLimited."""
    async with recorder.attempt(ctx.parts, recorder.by(ctx, Action.DISABLE_TWO_FACTOR)) as act:
        digest = await _check_password(ctx, command.password, act)
        async with ctx.unit() as unit:
            user = await _hold(ctx, digest)
            right = await accepts(ctx.parts, unit.tx, ctx.user_id, command.code, ctx.origin)
            if right:
                undo = await switch_off(user)
                await _tell(unit, "two_factor_disabled", act, undo)
        _or_wrong_code(right or None, act)


async def renew_codes(ctx: Context, command: wire.ConfirmTwoFactor) -> wire.RecoveryCodes:
    """New recovery codes; those of before are good for nothing. Raises as `disable`."""
    async with recorder.attempt(ctx.parts, recorder.by(ctx, Action.RENEW_RECOVERY_CODES)) as act:
        digest = await _check_password(ctx, command.password, act)
        codes = None
        async with ctx.unit() as unit:
            await _hold(ctx, digest)
            if await accepts(ctx.parts, unit.tx, ctx.user_id, command.code, ctx.origin):
                codes = await _new_codes(ctx.user_id)
                await audit_log.record(unit.tx, act)
        return _or_wrong_code(codes, act)


async def accepts(parts: Container, tx: Sql, user_id: UUID, code: str, origin: RequestInfo) -> bool:
    """Try a code of the app, or a recovery code, which is spent by it. The caller commits in any case.

    Raises RateLimited: after `FREE` wrong ones in a row, codes of the app are looked at now and then only.
    Recovery codes always are: they can't be guessed.
    """
    row = await _lock(tx, user_id)
    if row is None or row.enabled_at is None:
        return False
    if otp.is_totp(otp.normalize(code)):
        return await _is_of_app(parts, tx, row, code)
    own = models.RecoveryCode.filter(user_id=user_id)
    if not await own.filter(digest=otp.recovery_digest(user_id, code)).delete():
        return False
    left = await own.count()
    await mailer.enqueue(tx, "recovery_code_used", user_id, left=str(left))
    target = Target("user", user_id)
    await audit_log.record(tx, Act(Action.USE_RECOVERY_CODE, origin, target, actor_id=user_id), left=left)
    return True


async def forget(user_id: UUID) -> bool:
    """Delete all that is kept of it; False if there was nothing. Inside the caller's transaction."""
    deleted = await models.TwoFactor.filter(user_id=user_id).delete()
    await models.RecoveryCode.filter(user_id=user_id).delete()
    await mfa_challenges.forget(user_id)
    return bool(deleted)


class Before(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an undo goes back to: off, if `enabled_id` is on still, or on with this secret and these codes."""

    enabled_id: UUID | None = None
    secret: str | None = None  # sealed
    last_step: int = 0
    codes: list[str] = []  # digests


async def switch_off(user: models.User) -> str:
    """Switch it off for a user whose row is locked; returns the id of the undo. Raises Conflict."""
    row = await models.TwoFactor.filter(user_id=user.id, enabled_at__isnull=False).first()
    if row is None:
        raise Conflict("Two-factor is not on for this account.")
    codes = await models.RecoveryCode.filter(user_id=user.id).order_by("id").values_list("digest", flat=True)
    before = Before(secret=row.secret, last_step=row.last_step, codes=list(codes))  # type: ignore[arg-type]
    await forget(user.id)
    return await one_time_tokens.begin_undo(user, one_time_tokens.UNDO_TWO_FACTOR, before)


async def go_back(user_id: UUID, payload: str) -> None:
    """Undo a change of the second factor of a user whose row is locked."""
    before = msgspec.json.decode(payload, type=Before)
    if before.secret is None:
        if await models.TwoFactor.exists(user_id=user_id, id=before.enabled_id):
            await forget(user_id)
        return
    await forget(user_id)
    await models.TwoFactor.create(
        user_id=user_id, secret=before.secret, last_step=before.last_step, enabled_at=clock.now()
    )
    await models.RecoveryCode.bulk_create(
        models.RecoveryCode(user_id=user_id, digest=digest) for digest in before.codes
    )


async def _lock(tx: Sql, user_id: UUID) -> models.TwoFactor | None:
    await tx.execute("UPDATE two_factors SET failures = failures WHERE user_id = $1", user_id)
    return await models.TwoFactor.filter(user_id=user_id).first()


async def _is_of_app(parts: Container, tx: Sql, row: models.TwoFactor, code: str) -> bool:
    _check_wait(row)
    secret = _unsealed(parts, row)
    step = otp.matching_step(secret, otp.normalize(code), clock.now(), row.last_step)
    if step is None:
        await _missed(tx, row)
        return False
    await models.TwoFactor.filter(id=row.id).update(last_step=step, failures=0, wait_until=None)
    return True


def purpose(user_id: UUID) -> str:
    """What a secret is sealed for."""
    return f"totp:{user_id}"


def _unsealed(parts: Container, row: models.TwoFactor) -> str:
    try:
        return parts.sealing.unseal(purpose(row.user_id), row.secret).decode()
    except DecryptionError:
        log.error(  # noqa: TRY400 - nothing of it is in the trace
            "a second factor can't be read: its secret key is not listed", extra={"user_id": row.user_id}
        )
        raise Unavailable("Codes of the app can't be checked now. Use a recovery code.") from None


def _check_wait(row: models.TwoFactor | None) -> None:
    now = clock.now()
    if row is not None and row.wait_until is not None and row.wait_until > now:
        raise RateLimited(
            "Too many wrong codes. Wait, or use a recovery code.",
            retry_after_ms=int((row.wait_until - now) / timedelta(milliseconds=1)) + 1,
        )


async def _missed(tx: Sql, row: models.TwoFactor) -> None:
    failures, wait_until = row.failures + 1, row.wait_until
    if failures >= FREE:
        wait_s = min(FIRST_WAIT_S * 2 ** min(failures - FREE, 10), LONGEST_WAIT_S)
        wait_until = clock.now() + timedelta(seconds=wait_s)
    if failures == FREE and row.enabled_at is not None:
        await mailer.enqueue(tx, "wrong_codes", row.user_id)
    await models.TwoFactor.filter(id=row.id).update(failures=failures, wait_until=wait_until)


async def _hold(ctx: Context, digest: str | None) -> models.User:
    """Lock the caller, whose password was checked. Raises Conflict if it is another one by now."""
    user = await sessions.hold(ctx)
    if user.password_digest != digest:
        raise Conflict("The password was changed just now. Try again.")
    return user


async def _check_password(ctx: Context, password: str, act: Act) -> str | None:
    """Who has a session only guesses the password no faster than codes; returns the digest of a right one.

    Raises Conflict, InvalidPayload.
    """
    user = await _self(ctx)
    async with database.guard():
        row = await models.TwoFactor.filter(user_id=ctx.user_id, enabled_at__isnull=False).first()
    if row is None:
        raise Conflict("Two-factor is not on.")
    _check_wait(row)
    if await passwords.matches(password, user.password_digest, ctx.parts.settings.bcrypt_rounds):
        return user.password_digest
    async with ctx.unit() as unit:
        if (row := await _lock(unit.tx, ctx.user_id)) is not None:
            await _missed(unit.tx, row)
    act.reason = "wrong_password"
    raise InvalidPayload(fields=(("password", "This is not your password."),))


async def _self(ctx: Context) -> models.User:
    async with database.guard():
        user = await models.User.filter(id=ctx.user_id, deleted_at__isnull=True).first()
    if user is None:
        raise NotFound
    return user


async def _new_codes(user_id: UUID) -> wire.RecoveryCodes:
    """New recovery codes in place of those of before; only their digests are kept."""
    codes = otp.recovery_codes()
    await models.RecoveryCode.filter(user_id=user_id).delete()
    await models.RecoveryCode.bulk_create(
        models.RecoveryCode(user_id=user_id, digest=otp.recovery_digest(user_id, code)) for code in codes
    )
    return wire.RecoveryCodes(recovery_codes=codes)


async def _tell(unit: UnitOfWork, letter: str, act: Act, undo: str) -> None:
    """Have it recorded, and its owner told."""
    await audit_log.record(unit.tx, act)
    if act.actor_id is not None:
        await mailer.enqueue(unit.tx, letter, act.actor_id, undo=undo)
    unit.tell(JobsWaiting())


def _on_already() -> Conflict:
    return Conflict("Two-factor is on already: disable it first.")


def _or_wrong_code(done: T | None, act: Act) -> T:
    if done is None:
        act.reason = "wrong_code"
        raise InvalidPayload(fields=(("code", WRONG),))
    return done
