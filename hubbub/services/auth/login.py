"""Logging in with a password, and with the code of a second factor."""

import contextlib
from collections.abc import Awaitable, Callable
from uuid import UUID

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import passwords
from hubbub.core.errors import InvalidToken, Unauthenticated, Unavailable
from hubbub.core.request_info import RequestInfo
from hubbub.core.text import names
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Act, Action, Target
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.auth.two_factor import MfaRequired, VerifyTwoFactor
from hubbub.services.audit import recorder
from hubbub.services.auth import mfa_challenges, sessions, two_factor
from hubbub.services.context import Container
from hubbub.services.mail import mailer
from hubbub.services.users import account_view, users

LOOKS = 3  # at a password that is stored anew meanwhile, as at other rounds


WRONG = "The e-mail address or the password is wrong."


# Whether what a user proved still holds: asked in the transaction that acts on it, with the row locked.
Proof = Callable[[models.User], Awaitable[bool]]


async def login(parts: Container, command: wire.Login, origin: RequestInfo) -> wire.TokenPair | MfaRequired:
    """Sign in. An unknown address and a wrong password are answered alike, after the same time.

    Raises Unauthenticated, Suspended.
    """
    rounds = parts.settings.bcrypt_rounds
    async with recorder.attempt(parts, Act(Action.SIGN_IN, origin)) as act:
        for _ in range(LOOKS):
            user = await _proved(command.email, command.password, rounds, act)
            account_view.check(user)
            signed = await start_session(parts, user.id, _same_password(user), origin, command.device_name)
            if signed is not None:
                break
        else:
            raise Unauthenticated(WRONG)
    await _keep_cost(user, command.password, rounds)
    return signed


def _same_password(seen: models.User) -> Proof:
    async def holds(user: models.User) -> bool:
        return user.password_digest == seen.password_digest

    return holds


async def _proved(email: str, password: str, rounds: int, act: Act) -> models.User:
    """Whose address and password these are. Raises Unauthenticated."""
    async with database.guard():
        user = await users.by_email(email)
    act.target = Target("user", user.id) if user is not None else None
    matches = await passwords.matches(password, user.password_digest if user else None, rounds)
    if not matches or user is None:
        act.reason = "unknown_account" if user is None else "wrong_password"
        raise Unauthenticated(WRONG)
    return user


async def start_session(
    parts: Container, user_id: UUID, proof: Proof, origin: RequestInfo, device_name: str | None
) -> wire.TokenPair | MfaRequired | None:
    """Start a session for a user who proved who they are; with two-factor on a code comes first (`verify`).

    None if the proof does not hold any more, or the account is gone. Raises Suspended.
    """
    device_name = names.line(device_name or "") or None
    async with database.transaction() as tx:
        user = await users.lock(user_id)
        if user is None or not await proof(user):
            return None
        account_view.check(user)
        if await two_factor.is_on(user.id):
            await audit_log.record(tx, Act(Action.FIRST_STEP, origin, Target("user", user.id)))
            return MfaRequired(mfa_required=True, mfa_token=await mfa_challenges.begin(user.id, device_name))
        signed = await _enter(tx, parts, user, origin, device_name)
    parts.bus.publish(JobsWaiting())
    return signed


async def verify(parts: Container, command: VerifyTwoFactor, origin: RequestInfo) -> wire.TokenPair:
    """The second step of signing in. Raises InvalidToken, Unauthenticated, RateLimited, Suspended."""
    async with database.guard():
        pending = await mfa_challenges.find(command.mfa_token)
    async with recorder.attempt(parts, Act(Action.SIGN_IN, origin, Target("user", pending.user.id))) as act:
        account_view.check(pending.user)
        signed = await _verify(parts, pending, command.code, origin)
        parts.bus.publish(JobsWaiting())
        if signed is None:
            act.reason = "wrong_code"
            raise Unauthenticated(two_factor.WRONG)
    return signed


async def _verify(
    parts: Container, pending: models.PendingLogin, code: str, origin: RequestInfo
) -> wire.TokenPair | None:
    """None for a wrong code, which is counted."""
    async with database.transaction() as tx:
        user = await users.lock(pending.user_id)
        if user is None:
            raise InvalidToken
        account_view.check(user)
        right = await two_factor.accepts(parts, tx, user.id, code, origin)
        await mfa_challenges.attempt(tx, pending)
        if not right:
            return None
        await pending.delete()
        return await _enter(tx, parts, user, origin, pending.device_name)


async def _enter(
    tx: Sql, parts: Container, user: models.User, origin: RequestInfo, device_name: str | None
) -> wire.TokenPair:
    """A session, and a notice to its user if the device is a new one."""
    known = models.Session.filter(user_id=user.id, user_agent=origin.user_agent[:300], ip=origin.ip[:45])
    if not await known.filter(device_name=device_name).exists():
        facts = {"user_agent": origin.user_agent[:300], "ip": origin.ip[:45]}
        await mailer.enqueue(tx, "new_login", user.id, **facts)
    return await sessions.create(tx, parts, user, Act(Action.SIGN_IN, origin), device_name)


async def _keep_cost(user: models.User, password: str, rounds: int) -> None:
    """Make a digest of other rounds anew; at another login if there is no time for it at this one."""
    stored = user.password_digest
    if stored is None or passwords.rounds_of(stored) == rounds or passwords.busy():
        return
    with contextlib.suppress(Unavailable):
        fresh = await passwords.digest(password, rounds)
        async with database.guard():  # only this digest: the password may have been changed meanwhile
            await models.User.filter(id=user.id, password_digest=stored).update(password_digest=fresh)
