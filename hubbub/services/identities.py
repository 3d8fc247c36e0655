"""Identities: which account somebody has who proved elsewhere who they are.

An identity is linked by nothing but an address that both sides have verified. If one side has not, somebody
else may have written it down: they would share the account from then on.
"""

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock
from hubbub.core.errors import Conflict, Forbidden, InvalidPayload, InvalidToken, NotFound
from hubbub.gateways.providers import IdentityProvider, Proved
from hubbub.schemas import oauth as wire
from hubbub.schemas.base import is_text
from hubbub.services import accounts, audit, database, members, post, sessions
from hubbub.services.audit import Act, Action, Target
from hubbub.services.context import Context, Parts

_SUBJECT = 255  # the column, and OpenID Connect Core, 2
_NAME = 80
_SHOWN = 100
_TRIES = 3


async def account(parts: Parts, provider: IdentityProvider, proved: Proved, act: Act) -> models.User:
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


async def _linked(provider: IdentityProvider, proved: Proved) -> models.User | None:
    async with database.guard():
        known = models.Identity.filter(issuer=provider.issuer, subject=proved.subject)
        identity = await known.select_related("user").first()
        if identity is None:
            return None
        user = identity.user
        if user.deleted_at is not None:
            raise InvalidToken
        sessions.check(user)
        await known.update(last_used_at=clock.now())
    return user


async def _by_address(
    parts: Parts, provider: IdentityProvider, proved: Proved, act: Act
) -> models.User | None:
    """Link the account with this address, or make one; None if somebody was quicker."""
    email = _address(proved.email)
    if email is None:
        raise Forbidden(
            f"{provider.title} names no verified e-mail address of yours, and without one it can't be told "
            f"which account is yours. Verify your address there, then try again."
        )
    async with database.guard():
        user = await models.User.filter(email=email, deleted_at__isnull=True).first()
    if user is None:
        return await _make(parts, provider, proved, email, act)
    act.target = Target("user", user.id)
    sessions.check(user)
    if user.email_verified_at is None:
        raise Conflict(
            f"There is an account with your address, never confirmed there, so it may be somebody else's. "
            f'Confirm the address, or choose a new password by "Forgotten password"; then {provider.title} '
            f"can be linked."
        )
    return await _link(parts, provider, proved, user, act)


def _address(told: str | None) -> str | None:
    """An address as accounts keep it; None for one that becomes another by that, maybe somebody else's."""
    if told is None:
        return None
    try:
        email = accounts.checked_email(told)
    except InvalidPayload:
        return None
    same = told.lower() if told.isascii() else told
    return email if email == same else None


async def _link(
    parts: Parts, provider: IdentityProvider, proved: Proved, user: models.User, act: Act
) -> models.User | None:
    try:
        async with database.transaction() as tx:
            same = models.User.filter(id=user.id, email=user.email, deleted_at__isnull=True)
            if not await same.filter(email_verified_at__isnull=False).select_for_update().exists():
                return None
            await _store(provider, proved, user)
            await post.promise(tx, "identity_linked", user.id, provider=provider.title)
            done = Act(Action.LINK_IDENTITY, act.origin, Target("user", user.id), user.id, user.role)
            await audit.record(tx, done, provider=provider.name)
    except Exception as error:
        if database.is_duplicate(error):
            return None
        raise
    parts.bus.publish(JobsWaiting())
    return user


async def _make(
    parts: Parts, provider: IdentityProvider, proved: Proved, email: str, act: Act
) -> models.User | None:
    """An account without a password, by the first username that is free."""
    name = _display_name(proved.name) or email.partition("@")[0][:_NAME]
    user = models.User(email=email, display_name=name, email_verified_at=clock.now())
    for username in accounts.usernames(name, email):
        user.username = username
        if await _made(provider, proved, user, act):
            await members.join_defaults(Context(parts, user.id))
            return user
        async with database.guard():
            known = models.Identity.filter(issuer=provider.issuer, subject=proved.subject)
            if await models.User.exists(email=email) or await known.exists():
                return None
    return None


async def _made(provider: IdentityProvider, proved: Proved, user: models.User, act: Act) -> bool:
    """Whether the account and its identity are stored: both or neither."""
    try:
        async with database.transaction() as tx:
            await user.save(force_create=True)
            await _store(provider, proved, user)
            done = Act(Action.REGISTER, act.origin, Target("user", user.id), user.id, user.role)
            await audit.record(tx, done, provider=provider.name)
    except Exception as error:
        if database.is_duplicate(error):
            return False
        raise
    return True


async def _store(provider: IdentityProvider, proved: Proved, user: models.User) -> None:
    await models.Identity.create(
        user_id=user.id,
        provider=provider.name,
        issuer=provider.issuer,
        subject=proved.subject,
        email=user.email,
    )


def _display_name(told: str) -> str:
    try:
        return accounts.one_line(told[:_NAME], "name") if is_text(told) else ""
    except InvalidPayload:
        return ""


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


async def unlink(ctx: Context, command: wire.IdentityOnly) -> None:
    """Take one of the caller's identities away. Raises NotFound, Conflict (it is the only way in)."""
    act = audit.by(ctx, Action.UNLINK_IDENTITY, Target("identity", command.identity_id))
    async with audit.attempt(ctx.parts, act), database.transaction() as tx:
        # Locked, so that of two who take the last two away one is refused.
        user = await models.User.filter(id=ctx.user_id).select_for_update().get()
        own = models.Identity.filter(user_id=ctx.user_id)
        identity = await own.filter(id=command.identity_id).first()
        if identity is None:
            raise NotFound("There is no such identity.")
        if user.password_digest is None and await own.count() == 1:
            raise Conflict(
                'This is the only way into your account. First choose a password by "Forgotten password".'
            )
        await identity.delete()
        await audit.record(tx, act, provider=identity.provider)
