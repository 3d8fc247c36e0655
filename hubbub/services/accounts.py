"""Accounts: registering and logging in."""

import contextlib
import re
import secrets
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Iterator
from uuid import UUID

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, email_addresses, names, password_policy, passwords
from hubbub.core import usernames as core_usernames
from hubbub.core.errors import Conflict, InvalidPayload, InvalidToken, NotFound, Unauthenticated, Unavailable
from hubbub.core.request_info import RequestInfo
from hubbub.core.reserved_usernames import is_reserved
from hubbub.core.usernames import SHORTEST
from hubbub.models.connection import Sql
from hubbub.schemas import accounts as wire
from hubbub.schemas.accounts import NOT_EMAIL
from hubbub.schemas.two_factor import MfaRequired, VerifyTwoFactor
from hubbub.services import audit, database, mailer, members, mfa_challenges, sessions, two_factor, users
from hubbub.services.audit import Act, Action, Target
from hubbub.services.context import Container, Context

DELETED = (
    "deleted-"  # usernames of deleted accounts begin with it; all that begin with `deleted` are reserved
)
_MADE = 24  # of a made username's letters, which leaves room for a number
_TRIES = 20
LOOKS = 3  # at a password that is stored anew meanwhile, as at other rounds
WRONG = "The e-mail address or the password is wrong."
# Whether what a user proved still holds: asked in the transaction that acts on it, with the row locked.
Proof = Callable[[models.User], Awaitable[bool]]


async def register(
    parts: Container, command: wire.Register, origin: RequestInfo, *, by_operator: bool = False
) -> wire.TokenPair:
    """Make an account, sign in, join the default rooms. Raises Conflict, InvalidPayload, Unavailable.

    A reserved username is taken from an operator's command alone.
    """
    email, name = checked_email(command.email), names.line(command.name)
    asked = checked_username(command.username) if command.username is not None else None
    check_password(command.password, "password", email, asked or "", name)
    digest = await passwords.digest(command.password, parts.settings.bcrypt_rounds)
    verified_at = clock.now() if by_operator else None
    new = models.User(email=email, display_name=name, password_digest=digest, email_verified_at=verified_at)
    async with audit.attempt(parts, Act(Action.REGISTER, origin)) as act:
        tried = [asked] if asked else usernames(name, email, reserved=by_operator)
        signed = await _register(parts, new, tried, act)
    await members.join_defaults(Context(parts, new.id))
    return signed


async def _register(parts: Container, new: models.User, usernames: Iterable[str], act: Act) -> wire.TokenPair:
    """By the first of the usernames that is free. Raises Conflict."""
    async with database.guard():  # an earlier release may have stored another spelling of the address
        if await users.by_email(new.email) is not None:
            raise _taken("email")
    for username in usernames:
        new.username = username
        if (signed := await _begin(parts, new, act)) is not None:
            return signed
        async with database.guard():
            if await models.User.exists(email=new.email):
                raise _taken("email")
    raise _taken("username")


async def _begin(parts: Container, user: models.User, act: Act) -> wire.TokenPair | None:
    """The account and its first session, both or neither; None if the address or the username is taken."""
    try:
        async with database.transaction() as tx:
            await user.save(force_create=True)
            if user.email_verified_at is None:
                await mailer.enqueue(tx, "verify_email", user.id)
            signed = await sessions.create(tx, parts, user, act, None)
    except Exception as error:
        if database.is_duplicate(error):
            return None
        raise
    parts.bus.publish(JobsWaiting())
    return signed


def check_password(password: str, field: str, email: str, *names: str) -> None:
    """Raises InvalidPayload for a password that would soon be guessed."""
    if (why := password_policy.violation(password, email, email.partition("@")[0], *names)) is not None:
        raise InvalidPayload(fields=((field, why),))


def _taken(field: str) -> Conflict:
    return Conflict(f"An account with this {field} exists already.", fields=((field, "Taken already."),))


def normalize_email(text: str) -> str:
    """An e-mail address as accounts keep it: all spellings of one mailbox are one."""
    return email_addresses.normalize(text)


def checked_email(text: str) -> str:
    """The same of something that must be an address. Raises InvalidPayload."""
    email = email_addresses.canonical(text)
    if email is None:
        raise InvalidPayload(fields=(("email", NOT_EMAIL),))
    return email


def checked_username(text: str) -> str:
    """A username as it is stored. Raises InvalidPayload for what is none, and for what is reserved."""
    if (why := core_usernames.fault(text)) is not None:
        raise InvalidPayload(fields=(("username", why),))
    return core_usernames.normalize(text)


def usernames(name: str, email: str, *, reserved: bool = False) -> Iterator[str]:
    """Usernames to try, the nicest first; then by chance, so that many of one name do not race for each.

    Those that are reserved, or look like it, are left out, unless `reserved` ones may be given.
    """
    for username in _candidates(name, email, reserved=reserved):
        if reserved or not is_reserved(username):
            yield username


def _candidates(name: str, email: str, *, reserved: bool) -> Iterator[str]:
    local = _plain(email.partition("@")[0])
    short = f"{local}-user" if 0 < len(local) < SHORTEST else ""
    fit = (
        each
        for each in (_plain(name).removeprefix(DELETED), local, short, "user")
        if len(each) >= SHORTEST and (reserved or not is_reserved(each))
    )
    base = next(fit)
    yield base
    yield f"{base}-2"
    yield f"{base}-3"
    for _ in range(_TRIES):
        yield f"{base}-{secrets.randbelow(900_000) + 100_000}"


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:_MADE].strip("-")


async def login(parts: Container, command: wire.Login, origin: RequestInfo) -> wire.TokenPair | MfaRequired:
    """Sign in. An unknown address and a wrong password are answered alike, after the same time.

    Raises Unauthenticated, Suspended.
    """
    rounds = parts.settings.bcrypt_rounds
    async with audit.attempt(parts, Act(Action.SIGN_IN, origin)) as act:
        for _ in range(LOOKS):
            user = await _proved(command.email, command.password, rounds, act)
            sessions.check(user)
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
        sessions.check(user)
        if await two_factor.is_on(user.id):
            await audit.record(tx, Act(Action.FIRST_STEP, origin, Target("user", user.id)))
            return MfaRequired(mfa_required=True, mfa_token=await mfa_challenges.begin(user.id, device_name))
        signed = await _enter(tx, parts, user, origin, device_name)
    parts.bus.publish(JobsWaiting())
    return signed


async def verify(parts: Container, command: VerifyTwoFactor, origin: RequestInfo) -> wire.TokenPair:
    """The second step of signing in. Raises InvalidToken, Unauthenticated, RateLimited, Suspended."""
    async with database.guard():
        pending = await mfa_challenges.find(command.mfa_token)
    async with audit.attempt(parts, Act(Action.SIGN_IN, origin, Target("user", pending.user.id))) as act:
        sessions.check(pending.user)
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
        sessions.check(user)
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


async def me(ctx: Context) -> wire.Account:
    """The caller as they see themselves."""
    async with database.guard():
        user = await models.User.filter(id=ctx.user_id).first()
    if user is None:
        raise NotFound
    return sessions.show(user)
