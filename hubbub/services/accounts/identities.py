"""Identities: which account somebody has who proved elsewhere who they are.

An identity is linked by nothing but an address that both sides have verified. If one side has not, somebody
else may have written it down: they would share the account from then on.
"""

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock
from hubbub.core.errors import Conflict, Forbidden, InvalidToken, NotFound
from hubbub.core.text import email_addresses, names
from hubbub.db import database
from hubbub.gateways.identity_provider import IdentityProvider, VerifiedIdentity
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Act, Action, Target
from hubbub.schemas.accounts import oauth as wire
from hubbub.schemas.faults import is_text
from hubbub.services.audit import recorder
from hubbub.services.auth import login, sessions
from hubbub.services.chat import members
from hubbub.services.context import Container, Context
from hubbub.services.mail import mailer
from hubbub.services.users import account_view, users, validation

_SUBJECT = 255  # the column, and OpenID Connect Core, 2
_NAME = 80
_SHOWN = 100
_TRIES = 3


async def account(
    parts: Container, provider: IdentityProvider, proved: VerifiedIdentity, act: Act
) -> models.User:
    """The account of an identity: linked already, linked now by its address, or made now.

    Raises Forbidden (no verified address), Conflict (an address that the account never verified), Suspended.
    """
    if not proved.subject or len(proved.subject) > _SUBJECT or not is_text(proved.subject):
        raise InvalidToken
    for _ in range(_TRIES):  # others may sign in with the same identity, or register the address, meanwhile
        user = await _linked(provider, proved) or await _by_address(parts, provider, proved, act)
        if user is not None:
            act.target = Target("user", user.id)
            return user
    raise Conflict("This account is being changed just now. Try again.")


def still_linked(provider: IdentityProvider, proved: VerifiedIdentity) -> login.Proof:
    """The proof of a login by a provider: the identity is that user's at the moment of the login."""

    async def holds(user: models.User) -> bool:
        return await models.Identity.exists(issuer=provider.issuer, subject=proved.subject, user_id=user.id)

    return holds


async def linked_to(provider: IdentityProvider, proved: VerifiedIdentity) -> models.User:
    """The account that the identity is linked to. Raises Forbidden, InvalidToken, Suspended."""
    user = await _linked(provider, proved)
    if user is None:
        raise Forbidden(f"This account of {provider.title} is not linked to yours.")
    return user


async def _linked(provider: IdentityProvider, proved: VerifiedIdentity) -> models.User | None:
    async with database.guard():
        known = models.Identity.filter(issuer=provider.issuer, subject=proved.subject)
        identity = await known.select_related("user").first()
        if identity is None:
            return None
        user = identity.user
        if user.deleted_at is not None:
            raise InvalidToken
        account_view.check(user)
        await known.update(last_used_at=clock.now())
    return user


async def _by_address(
    parts: Container, provider: IdentityProvider, proved: VerifiedIdentity, act: Act
) -> models.User | None:
    """Link the account with this address, or make one; None if somebody was quicker."""
    email = _address(proved.email)
    if email is None:
        raise Forbidden(
            f"{provider.title} names no verified e-mail address of yours, and without one it can't be told "
            f"which account is yours. Verify your address there, then try again."
        )
    async with database.guard():
        user = await users.by_email(email)
    if user is None:
        return await _make(parts, provider, proved, email, act)
    act.target = Target("user", user.id)
    account_view.check(user)
    if user.email_verified_at is None:
        raise Conflict(
            f"There is an account with your address, never confirmed there, so it may be somebody else's. "
            f'Confirm the address, or choose a new password by "Forgotten password"; then {provider.title} '
            f"can be linked."
        )
    return await _link(parts, provider, proved, user, act)


def _address(told: str | None) -> str | None:
    """An address as accounts keep it; None for one that becomes another by that, maybe somebody else's."""
    email = email_addresses.canonical(told) if told is not None else None
    return email if email is not None and email_addresses.is_spelled(told or "", email) else None


async def _link(
    parts: Container, provider: IdentityProvider, proved: VerifiedIdentity, user: models.User, act: Act
) -> models.User | None:
    try:
        async with database.transaction() as tx:
            now = await users.lock(user.id)
            if now is None or now.email != user.email or now.email_verified_at is None:
                return None
            account_view.check(now)
            await _store(provider, proved, user)
            await mailer.enqueue(tx, "identity_linked", user.id, provider=provider.title)
            done = Act(Action.LINK_IDENTITY, act.origin, Target("user", user.id), user.id, user.role)
            await audit_log.record(tx, done, provider=provider.name)
    except Exception as error:
        if database.is_duplicate(error):
            return None
        raise
    parts.bus.publish(JobsWaiting())
    return user


async def _make(
    parts: Container, provider: IdentityProvider, proved: VerifiedIdentity, email: str, act: Act
) -> models.User | None:
    """An account without a password, by the first username that is free."""
    name = _display_name(proved.name) or email.partition("@")[0][:_NAME]
    user = models.User(email=email, display_name=name, email_verified_at=clock.now())
    for username in validation.usernames(name, email):
        user.username = username
        if await _made(provider, proved, user, act):
            await members.join_defaults(Context(parts, user.id))
            return user
        async with database.guard():
            known = models.Identity.filter(issuer=provider.issuer, subject=proved.subject)
            if await models.User.exists(email=email) or await known.exists():
                return None
    return None


async def _made(provider: IdentityProvider, proved: VerifiedIdentity, user: models.User, act: Act) -> bool:
    """Whether the account and its identity are stored: both or neither."""
    try:
        async with database.transaction() as tx:
            await user.save(force_create=True)
            await _store(provider, proved, user)
            done = Act(Action.REGISTER, act.origin, Target("user", user.id), user.id, user.role)
            await audit_log.record(tx, done, provider=provider.name)
    except Exception as error:
        if database.is_duplicate(error):
            return False
        raise
    return True


async def _store(provider: IdentityProvider, proved: VerifiedIdentity, user: models.User) -> None:
    await models.Identity.create(
        user_id=user.id,
        provider=provider.name,
        issuer=provider.issuer,
        subject=proved.subject,
        email=user.email,
    )


def _display_name(told: str) -> str:
    return names.shortened(told, _NAME) if is_text(told) else ""


async def list_own(ctx: Context) -> list[wire.Identity]:
    """The caller's identities, the oldest first."""
    async with database.guard():
        rows = await models.Identity.filter(user_id=ctx.user_id).order_by("id").limit(_SHOWN)
    return [
        wire.Identity(
            id=row.id,
            provider=row.provider,
            email=row.email,
            created_at=clock.rfc3339(row.created_at),
            last_used_at=clock.rfc3339(row.last_used_at),
        )
        for row in rows
    ]


async def unlink(ctx: Context, command: wire.IdentityRef) -> None:
    """Take one of the caller's identities away. Raises NotFound, Conflict (it is the only way in)."""
    act = recorder.by(ctx, Action.UNLINK_IDENTITY, Target("identity", command.identity_id))
    async with recorder.attempt(ctx.parts, act), database.transaction() as tx:
        user = await sessions.hold(ctx, confirmed=True)  # of two who take the last two away one is refused
        own = models.Identity.filter(user_id=ctx.user_id)
        identity = await own.filter(id=command.identity_id).first()
        if identity is None:
            raise NotFound("There is no such identity.")
        if user.password_digest is None and await own.count() == 1:
            raise Conflict(
                'This is the only way into your account. First choose a password by "Forgotten password".'
            )
        await identity.delete()
        await models.Handover.filter(user_id=user.id).update(code_digest=None)  # may be of this identity
        await audit_log.record(tx, act, provider=identity.provider)
