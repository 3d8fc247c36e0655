"""Proving an address and changing a password: by e-mail, or with the password of before."""

from hubbub import models
from hubbub.cluster.bus import JobsWaiting, SessionEnded
from hubbub.core import clock, passwords
from hubbub.core.errors import InvalidPayload, NotFound
from hubbub.core.origins import Origin
from hubbub.models import truth
from hubbub.models.connection import Sql
from hubbub.schemas import accounts as wire
from hubbub.services import accounts, audit, database, pending_logins, post, sessions, sign_ins, tokens
from hubbub.services.audit import Act, Action, Target
from hubbub.services.context import Context, Parts, Unit

_WRONG = "This is not your password."
_NONE = 'This account has none yet. Choose one by "Forgotten password".'


async def forgot(parts: Parts, command: wire.ForgotPassword, origin: Origin) -> None:
    """Have a letter sent, if there is such an account.

    A worker looks whether there is one: answer and time are the same for all addresses.
    """
    async with database.transaction() as tx:
        await post.promise_reset(tx, accounts.kept_email(command.email), origin)
    parts.bus.publish(JobsWaiting())


async def reset(parts: Parts, command: wire.ResetPassword, origin: Origin) -> str:
    """Choose a new password by the token of the letter; ends every session, and proves the address.

    Returns the e-mail address of the account.
    Raises InvalidToken, InvalidPayload (the token stays good), Unavailable.
    """
    async with audit.attempt(parts, Act(Action.RESET_PASSWORD, origin)) as act:
        user = await _holder(command.token)
        act.target = Target("user", user.id)
        accounts.check_password(command.password, "password", user.email, user.username, user.display_name)
        digest = await passwords.digest(command.password, parts.settings.bcrypt_rounds)
        await _reset(command.token, digest, act)
    parts.bus.publish(SessionEnded(user.id, None, "session_revoked", "password_reset"))
    parts.bus.publish(JobsWaiting())
    return user.email


async def _reset(token: str, digest: str, act: Act) -> None:
    async with database.transaction() as tx:
        user = await tokens.spend(tx, "reset_password", token)
        await _store(tx, user, digest)
        if user.email_verified_at is None:
            await models.User.filter(id=user.id).update(email_verified_at=clock.now())
        await models.Session.filter(user_id=user.id, revoked_at__isnull=True).update(
            revoked_at=clock.now(), revoke_reason="password_reset"
        )
        await truth.touch(tx, [user.id])
        act.actor_id, act.actor_role = user.id, user.role
        await audit.record(tx, act)


async def _holder(token: str) -> models.User:
    """Whose token it is, before the expensive part; nothing is used up yet. Raises InvalidToken."""
    async with database.guard():
        return await tokens.peek("reset_password", token)


async def _store(tx: Sql, user: models.User, digest: str) -> None:
    """A new password; what was begun with the one of before, or to replace it, is good for nothing now."""
    await pending_logins.forget(user.id)
    await models.User.filter(id=user.id).update(password_digest=digest, updated_at=clock.now())
    await models.OneTimeToken.filter(user_id=user.id, purpose="reset_password").delete()
    await post.promise(tx, "password_changed", user.id)


async def change(ctx: Context, command: wire.ChangePassword) -> None:
    """Change one's own password; other sessions end.

    Raises InvalidPayload naming `current_password` or `new_password`, RateLimited, Unavailable.
    """
    user = await _self(ctx)
    rounds = ctx.parts.settings.bcrypt_rounds
    async with audit.attempt(ctx.parts, audit.by(ctx, Action.CHANGE_PASSWORD)) as act:
        await sign_ins.may_prove(ctx.parts, user.id)
        right = await passwords.matches(command.current_password, user.password_digest, rounds)
        await sign_ins.proved(ctx.parts, user.id, right=right)
        if not right:
            act.reason, said = "wrong_password", _WRONG if user.password_digest else _NONE
            raise InvalidPayload(said, fields=(("current_password", said),))
        accounts.check_password(
            command.new_password, "new_password", user.email, user.username, user.display_name
        )
        digest = await passwords.digest(command.new_password, rounds)
        async with database.transaction() as tx:
            await _store(tx, user, digest)
            await audit.record(tx, act)
    await sessions.end_others(ctx.parts, ctx.user_id, ctx.session_id, "password_changed")
    ctx.parts.bus.publish(JobsWaiting())


async def _self(ctx: Context) -> models.User:
    async with database.guard():
        user = await models.User.filter(id=ctx.user_id, deleted_at__isnull=True).first()
    if user is None:
        raise NotFound
    return user


async def verify_email(parts: Parts, command: wire.VerifyEmail, origin: Origin) -> None:
    """The address of an account is its owner's. Raises InvalidToken."""
    async with audit.attempt(parts, Act(Action.VERIFY_EMAIL, origin)) as act, database.transaction() as tx:
        user = await tokens.spend(tx, "verify_email", command.token)
        await models.User.filter(id=user.id).update(email_verified_at=clock.now())
        act.actor_id, act.actor_role, act.target = user.id, user.role, Target("user", user.id)
        await audit.record(tx, act)


async def resend_verification(ctx: Context) -> None:
    """Have the letter sent again; nothing happens for an address that is verified."""
    user = await _self(ctx)
    if user.email_verified_at is None:
        async with ctx.unit() as unit:
            await _promise(unit, "verify_email", user)


async def request_deletion(ctx: Context) -> None:
    """Have the letter sent with which the caller's account can be deleted."""
    user = await _self(ctx)
    async with ctx.unit() as unit:
        await _promise(unit, "delete_account", user)
        await audit.record(unit.tx, audit.by(ctx, Action.REQUEST_DELETION))


async def _promise(unit: Unit, letter: str, user: models.User) -> None:
    await post.promise(unit.tx, letter, user.id, unique=f"{letter}:{user.id}")
    unit.tell(JobsWaiting())
