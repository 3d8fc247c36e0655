"""Accounts: registering and logging in."""

import contextlib
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import passwords, weak
from hubbub.core.errors import Conflict, InvalidPayload, NotFound, Unauthenticated, Unavailable
from hubbub.core.origins import Origin
from hubbub.models.connection import Sql
from hubbub.schemas import accounts as wire
from hubbub.schemas.two_factor import MfaRequired, VerifyTwoFactor
from hubbub.services import audit, database, members, pending_logins, post, sessions, two_factor
from hubbub.services.audit import Act, Action, Target
from hubbub.services.context import Context, Parts

_EMAIL = re.compile(r"[^\s@<>()\",;:\\]+@[^\s@<>()\",;:\\]+")
_EMAIL_LENGTH = 254  # RFC 5321, and the column
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9_])?")
SHORTEST, LONGEST = 3, 32  # of usernames
DELETED = "deleted-"  # the names of accounts that are gone begin so
_MADE = 24  # of a made username's letters, which leaves room for a number
_TRIES = 20
# Line ends, and marks that turn the direction of what is written after them.
_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


async def register(parts: Parts, command: wire.Register, origin: Origin) -> wire.Signed:
    """Make an account, sign in, join the default rooms. Raises Conflict, InvalidPayload, Unavailable."""
    email, name = checked_email(command.email), one_line(command.name, "name")
    asked = _username(command.username) if command.username is not None else None
    check_password(command.password, "password", email, asked or "", name)
    digest = await passwords.digest(command.password, parts.settings.bcrypt_rounds)
    new = models.User(email=email, display_name=name, password_digest=digest)
    async with audit.attempt(parts, Act(Action.REGISTER, origin)) as act:
        signed = await _register(parts, new, [asked] if asked else usernames(name, email), act)
    await members.join_defaults(Context(parts, new.id))
    return signed


async def _register(parts: Parts, new: models.User, usernames: Iterable[str], act: Act) -> wire.Signed:
    """By the first of the usernames that is free. Raises Conflict."""
    for username in usernames:
        new.username = username
        if (signed := await _begin(parts, new, act)) is not None:
            return signed
        async with database.guard():
            if await models.User.exists(email=new.email):
                raise _taken("email")
    raise _taken("username")


async def _begin(parts: Parts, user: models.User, act: Act) -> wire.Signed | None:
    """The account and its first session, both or neither; None if the address or the username is taken."""
    try:
        async with database.transaction() as tx:
            await user.save(force_create=True)
            await post.promise(tx, "verify_email", user.id)
            signed = await sessions.begin(tx, parts, user, act, None)
    except Exception as error:
        if database.is_duplicate(error):
            return None
        raise
    parts.bus.publish(JobsWaiting())
    return signed


def check_password(password: str, field: str, email: str, *names: str) -> None:
    """Raises InvalidPayload for a password that would soon be guessed."""
    if (why := weak.reason(password, email, email.partition("@")[0], *names)) is not None:
        raise InvalidPayload(f"{field}: {why}", fields=((field, why),))


def _taken(field: str) -> Conflict:
    return Conflict(f"An account with this {field} exists already.", fields=((field, "Taken already."),))


def kept_email(text: str) -> str:
    """An address as accounts keep it: width, case and the spaces around it do not count."""
    return unicodedata.normalize("NFKC", text).strip(" ").lower()


def checked_email(text: str) -> str:
    """The same of something that must be an address. Raises InvalidPayload."""
    email = kept_email(text)
    if not _EMAIL.fullmatch(email) or len(email) > _EMAIL_LENGTH or not email.isprintable():
        raise InvalidPayload(fields=(("email", "Not an e-mail address."),))
    return email


def one_line(text: str, field: str) -> str:
    """A name of something, without the spaces around it. Raises InvalidPayload for what breaks a line."""
    name = text.strip()
    if _BREAKING.search(name) or not any(character.isprintable() for character in name):
        raise InvalidPayload(fields=((field, "Some characters that can be seen, all in one line."),))
    return name


def _username(text: str) -> str:
    username = unicodedata.normalize("NFKC", text).strip(" ").lower()
    if not SHORTEST <= len(username) <= LONGEST or not _USERNAME.fullmatch(username):
        message = "3 to 32 letters a-z, digits, dots, dashes and underscores; no dot or dash at the ends."
        raise InvalidPayload(fields=(("username", message),))
    if username.startswith(DELETED):
        raise InvalidPayload(fields=(("username", "Names that begin so are of deleted accounts."),))
    return username


def usernames(name: str, email: str) -> Iterator[str]:
    """Usernames to try, the nicest first; then by chance, so that many of one name do not race for each."""
    base = _plain(name).removeprefix(DELETED)
    if len(base) < SHORTEST:
        base = _plain(email.partition("@")[0]) or "user"
    base = base if len(base) >= SHORTEST else f"{base}-user"
    yield base
    yield f"{base}-2"
    yield f"{base}-3"
    for _ in range(_TRIES):
        yield f"{base}-{secrets.randbelow(900_000) + 100_000}"


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:_MADE].strip("-")


async def login(parts: Parts, command: wire.Login, origin: Origin) -> wire.Signed | MfaRequired:
    """Sign in. An unknown address and a wrong password are answered alike, after the same time.

    Raises Unauthenticated, Suspended.
    """
    try:
        email = checked_email(command.email)
    except InvalidPayload:
        email = ""
    rounds = parts.settings.bcrypt_rounds
    async with audit.attempt(parts, Act(Action.SIGN_IN, origin)) as act:
        user = await _proved(email, command.password, rounds, act)
        sessions.check(user)
    await _keep_cost(user, command.password, rounds)
    return await enter(parts, user, origin, command.device_name)


async def _proved(email: str, password: str, rounds: int, act: Act) -> models.User:
    """Whose address and password these are. Raises Unauthenticated."""
    async with database.guard():
        user = await models.User.filter(email=email, deleted_at__isnull=True).first()
    act.target = Target("user", user.id) if user is not None else None
    matches = await passwords.matches(password, user.password_digest if user else None, rounds)
    if not matches or user is None:
        act.reason = "unknown_account" if user is None else "wrong_password"
        raise Unauthenticated("The e-mail address or the password is wrong.")
    return user


async def enter(
    parts: Parts, user: models.User, origin: Origin, device_name: str | None
) -> wire.Signed | MfaRequired:
    """Let in somebody who proved who they are; with two-factor on they owe a code first (`verify`)."""
    async with database.transaction() as tx:
        if await two_factor.is_on(user.id):
            await audit.record(tx, Act(Action.FIRST_STEP, origin, Target("user", user.id)))
            return MfaRequired(mfa_required=True, mfa_token=await pending_logins.begin(user.id, device_name))
        signed = await _enter(tx, parts, user, origin, device_name)
    parts.bus.publish(JobsWaiting())
    return signed


async def verify(parts: Parts, command: VerifyTwoFactor, origin: Origin) -> wire.Signed:
    """The second step of signing in. Raises InvalidToken, Unauthenticated, RateLimited, Suspended."""
    async with database.guard():
        pending = await pending_logins.find(command.mfa_token)
    async with audit.attempt(parts, Act(Action.SIGN_IN, origin, Target("user", pending.user.id))) as act:
        sessions.check(pending.user)
        signed = await _verify(parts, pending, command.code, origin)
        parts.bus.publish(JobsWaiting())
        if signed is None:
            act.reason = "wrong_code"
            raise Unauthenticated(two_factor.WRONG)
    return signed


async def _verify(
    parts: Parts, pending: models.PendingLogin, code: str, origin: Origin
) -> wire.Signed | None:
    """None for a wrong code, which is counted."""
    async with database.transaction() as tx:
        right = await two_factor.accepts(parts, tx, pending.user.id, code, origin)
        await pending_logins.attempt(tx, pending)
        if not right:
            return None
        await pending.delete()
        return await _enter(tx, parts, pending.user, origin, pending.device_name)


async def _enter(
    tx: Sql, parts: Parts, user: models.User, origin: Origin, device_name: str | None
) -> wire.Signed:
    """A session, and a notice to its user if the device is a new one."""
    known = models.Session.filter(user_id=user.id, user_agent=origin.user_agent[:300], ip=origin.ip[:45])
    if not await known.filter(device_name=device_name).exists():
        facts = {"user_agent": origin.user_agent[:300], "ip": origin.ip[:45]}
        await post.promise(tx, "new_login", user.id, **facts)
    return await sessions.begin(tx, parts, user, Act(Action.SIGN_IN, origin), device_name)


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
