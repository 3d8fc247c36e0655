"""Login with a password, and with the code of a second factor."""

import contextlib
from collections.abc import Awaitable, Callable
from uuid import UUID

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, passwords
from hubbub.core.errors import InvalidToken, Unauthenticated, Unavailable
from hubbub.core.request_info import RequestInfo
from hubbub.core.text import names
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.auth.two_factor import MfaRequired, VerifyTwoFactor
from hubbub.schemas.jobs import Notify
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.services.audit import recorder
from hubbub.services.auth import login_throttle, mfa_challenges, sessions, two_factor
from hubbub.services.context import Container
from hubbub.services.jobs import queue
from hubbub.services.users import account_view, users

MAX_PASSWORD_CHECKS = 3  # if the digest changes during a check, for example by another login's rehash
WRONG_CREDENTIALS = "The e-mail address or the password is wrong."


# Whether an authentication is still valid. Called in the transaction that relies on it, with the row locked.
Recheck = Callable[[models.User], Awaitable[bool]]


async def login(
    container: Container, command: wire.Login, request_info: RequestInfo
) -> wire.TokenPair | MfaRequired:
    """Log in with a password. The result is an MFA challenge if two-factor is enabled.

    An unknown e-mail address and a wrong password raise the same error after the same time.

    Raises Unauthenticated, RateLimited (`login_throttle`), Suspended.
    """
    async with login_throttle.limit_login(container, command.email, request_info):
        response = await _login(container, command, request_info)
    if isinstance(response, wire.TokenPair):
        await login_throttle.record_login(container, command.email, request_info)
    return response


async def _login(
    container: Container, command: wire.Login, request_info: RequestInfo
) -> wire.TokenPair | MfaRequired:
    rounds = container.settings.bcrypt_rounds
    async with recorder.attempt(container, AuditEvent(Action.LOGIN, request_info)) as act:
        for _ in range(MAX_PASSWORD_CHECKS):
            user = await _verify_password(command.email, command.password, rounds, act)
            account_view.require_not_suspended(user)
            response = await start_session(
                container, user.id, _recheck_password(user), request_info, command.device_name
            )
            if response is not None:
                break
        else:
            raise Unauthenticated(WRONG_CREDENTIALS)
    await _rehash_if_needed(user, command.password, rounds)
    return response


def _recheck_password(verified_user: models.User) -> Recheck:
    async def is_unchanged(user: models.User) -> bool:
        return user.password_digest == verified_user.password_digest

    return is_unchanged


async def _verify_password(email: str, password: str, rounds: int, act: AuditEvent) -> models.User:
    """Return the user with this e-mail address and password. Raises Unauthenticated."""
    async with database.guard():
        user = await users.by_email(email)
    act.target = Target("user", user.id) if user is not None else None
    matches = await passwords.matches(password, user.password_digest if user else None, rounds)
    if not matches or user is None:
        act.reason = "unknown_account" if user is None else "wrong_password"
        raise Unauthenticated(WRONG_CREDENTIALS)
    return user


async def start_session(
    container: Container,
    user_id: UUID,
    still_valid: Recheck,
    request_info: RequestInfo,
    device_name: str | None,
) -> wire.TokenPair | MfaRequired | None:
    """Start a session for an authenticated user.

    If two-factor is on, the result is an MFA challenge (`verify_two_factor`). None if the authentication is
    no longer valid or the account is deleted. Raises Suspended.
    """
    device_name = names.normalize_line(device_name or "") or None
    async with database.transaction() as tx:
        user = await users.lock(user_id)
        if user is None or not await still_valid(user):
            return None
        account_view.require_not_suspended(user)
        if await two_factor.is_enabled(user.id):
            await audit_log.record(
                tx, AuditEvent(Action.LOGIN_FIRST_FACTOR, request_info, Target("user", user.id))
            )
            return MfaRequired(mfa_required=True, mfa_token=await mfa_challenges.create(user.id, device_name))
        tokens = await _create_session(tx, container, user, request_info, device_name)
    container.bus.publish(JobsWaiting())
    return tokens


async def verify_two_factor(
    container: Container, command: VerifyTwoFactor, request_info: RequestInfo
) -> wire.TokenPair:
    """Complete a login with a code. Raises InvalidToken, Unauthenticated, RateLimited, Suspended."""
    async with database.guard():
        challenge = await mfa_challenges.find(command.mfa_token)
    async with recorder.attempt(
        container, AuditEvent(Action.LOGIN, request_info, Target("user", challenge.user.id))
    ) as act:
        account_view.require_not_suspended(challenge.user)
        tokens = await _verify_code(container, challenge, command.code, request_info)
        container.bus.publish(JobsWaiting())
        if tokens is None:
            act.reason = "wrong_code"
            raise Unauthenticated(two_factor.WRONG_CODE)
    await login_throttle.record_login(container, tokens.user.email, request_info)
    return tokens


async def _verify_code(
    container: Container, challenge: models.MfaChallenge, code: str, request_info: RequestInfo
) -> wire.TokenPair | None:
    """Verify the code. Returns None for a wrong code, which is counted."""
    async with database.transaction() as tx:
        user = await users.lock(challenge.user_id)
        if user is None:
            raise InvalidToken
        account_view.require_not_suspended(user)
        accepted = await two_factor.verify_code(container, tx, user.id, code, request_info)
        await mfa_challenges.count_attempt(tx, challenge)
        if not accepted:
            return None
        await challenge.delete()
        return await _create_session(tx, container, user, request_info, challenge.device_name)


async def _create_session(
    tx: Sql, container: Container, user: models.User, request_info: RequestInfo, device_name: str | None
) -> wire.TokenPair:
    """Create a session. A notification informs the user if the device is new."""
    act, origin = AuditEvent(Action.LOGIN, request_info), session_origin(request_info)
    is_known = await models.Session.filter(user_id=user.id, device_name=device_name, **origin).exists()
    tokens = await sessions.create(tx, container, user, act, device_name)
    if not is_known:
        await queue.enqueue(tx, _new_login(user.id, act, device_name, origin))
    return tokens


def session_origin(request_info: RequestInfo) -> dict[str, str]:
    """Return where a session comes from, as its row has it."""
    return {"user_agent": request_info.user_agent[:300], "ip": request_info.ip[:45]}


def _new_login(user_id: UUID, act: AuditEvent, device_name: str | None, origin: dict[str, str]) -> Notify:
    content = {**origin, "session_id": str(act.session_id), "at": clock.rfc3339(clock.now())}
    if device_name is not None:
        content["device_name"] = device_name
    source = f"login:{act.session_id}"
    return Notify(user_id=user_id, kind=NotificationKind.NEW_LOGIN, source=source, content=content)


async def _rehash_if_needed(user: models.User, password: str, rounds: int) -> None:
    """Replace a digest of other rounds. Skipped while the hashing pool is busy: a later login does it."""
    stored = user.password_digest
    if stored is None or passwords.rounds_of(stored) == rounds or passwords.is_busy():
        return
    with contextlib.suppress(Unavailable):
        new_digest = await passwords.digest(password, rounds)
        async with database.guard():  # only if the password was not changed meanwhile
            await models.User.filter(id=user.id, password_digest=stored).update(password_digest=new_digest)
