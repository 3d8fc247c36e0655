"""Identities of login providers, and the accounts that they are linked to.

An identity is linked only by an e-mail address that both sides have verified. An address that one side has
not verified may have another owner, who would then share the account.
"""

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock
from hubbub.core.errors import Conflict, Forbidden, InvalidToken, NotFound
from hubbub.core.text import email_addresses, names
from hubbub.db import database
from hubbub.gateways.identity_provider import IdentityProvider, VerifiedIdentity
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.schemas.accounts import oauth as wire
from hubbub.schemas.faults import is_text
from hubbub.services.audit import recorder
from hubbub.services.auth import login, sessions
from hubbub.services.chat import members
from hubbub.services.context import Container, Context
from hubbub.services.mail import mailer, one_time_tokens
from hubbub.services.users import account_view, users, validation

_MAX_SUBJECT_CHARS = 255  # of the column; OpenID Connect Core, 2
_MAX_NAME_CHARS = 80
_MAX_LISTED = 100
_MAX_TRIES = 3


async def resolve_account(
    container: Container, provider: IdentityProvider, verified: VerifiedIdentity, act: AuditEvent
) -> models.User:
    """Return the account of an identity: linked before, linked now by its e-mail address, or created now.

    Raises Forbidden (no verified address), Conflict (the account never verified the address), Suspended.
    """
    if not verified.subject or len(verified.subject) > _MAX_SUBJECT_CHARS or not is_text(verified.subject):
        raise InvalidToken
    # The identity may log in, or the address be registered, concurrently.
    for _ in range(_MAX_TRIES):
        user = await _by_identity(provider, verified)
        if user is None:
            user = await _attach_or_register(container, provider, verified, act)
        if user is not None:
            act.target = Target("user", user.id)
            return user
    raise Conflict("This account is being changed. Try again.")


def recheck_identity(provider: IdentityProvider, verified: VerifiedIdentity) -> login.Recheck:
    """Return the recheck of a provider login: whether the identity is linked to the user at that moment."""

    async def is_linked(user: models.User) -> bool:
        return await models.Identity.exists(issuer=provider.issuer, subject=verified.subject, user_id=user.id)

    return is_linked


async def get_linked_user(provider: IdentityProvider, verified: VerifiedIdentity) -> models.User:
    """Return the account that the identity is linked to. Raises Forbidden, InvalidToken, Suspended."""
    user = await _by_identity(provider, verified)
    if user is None:
        raise Forbidden(f"This {provider.title} account is not linked to your account.")
    return user


async def _by_identity(provider: IdentityProvider, verified: VerifiedIdentity) -> models.User | None:
    async with database.guard():
        known = models.Identity.filter(issuer=provider.issuer, subject=verified.subject)
        identity = await known.select_related("user").first()
        if identity is None:
            return None
        user = identity.user
        if user.deleted_at is not None:
            raise InvalidToken
        account_view.require_not_suspended(user)
        await known.update(last_used_at=clock.now())
    return user


async def _attach_or_register(
    container: Container, provider: IdentityProvider, verified: VerifiedIdentity, act: AuditEvent
) -> models.User | None:
    """Link the account with this e-mail address, or create one; None after a concurrent change."""
    email = _canonical_email(verified.email)
    if email is None:
        raise Forbidden(
            f"{provider.title} has no verified e-mail address for you, which is needed to find your account. "
            f"Verify your e-mail address there, then try again."
        )
    async with database.guard():
        user = await users.by_email(email)
        is_held = user is None and await one_time_tokens.find_owner(email) is not None
    if is_held:
        raise Conflict(
            "Less than 7 days ago this was the e-mail address of an account. Log in with its new one, or "
            "restore this one with the link that was sent to it."
        )
    if user is None:
        return await _register(container, provider, verified, email, act)
    act.target = Target("user", user.id)
    account_view.require_not_suspended(user)
    if user.email_verified_at is None:
        raise Conflict(
            f"An account with your e-mail address exists, but the address was never confirmed there. "
            f'Confirm it, or choose a new password with "Forgotten password". Then {provider.title} can be '
            f"linked."
        )
    return await _attach(container, provider, verified, user, act)


def _canonical_email(claim: str | None) -> str | None:
    """Return the stored form of an address. None if normalizing changes it, maybe to another owner's."""
    email = email_addresses.canonical(claim) if claim is not None else None
    return email if email is not None and email_addresses.is_spelling_of(claim or "", email) else None


async def _attach(
    container: Container,
    provider: IdentityProvider,
    verified: VerifiedIdentity,
    user: models.User,
    act: AuditEvent,
) -> models.User | None:
    try:
        async with database.transaction() as tx:
            locked = await users.lock(user.id)
            if locked is None or locked.email != user.email or locked.email_verified_at is None:
                return None
            account_view.require_not_suspended(locked)
            await _create_identity(provider, verified, user)
            await mailer.enqueue(tx, "identity_linked", user.id, provider=provider.title)
            audit_act = AuditEvent(
                Action.LINK_IDENTITY, act.request_info, Target("user", user.id), user.id, user.role
            )
            await audit_log.record(tx, audit_act, provider=provider.name)
    except database.Duplicate:
        return None
    container.bus.publish(JobsWaiting())
    return user


async def _register(
    container: Container, provider: IdentityProvider, verified: VerifiedIdentity, email: str, act: AuditEvent
) -> models.User | None:
    """Create an account without a password, with the first free username."""
    name = _display_name(verified.name) or email.partition("@")[0][:_MAX_NAME_CHARS]
    user = models.User(email=email, display_name=name, email_verified_at=clock.now())
    for username in validation.username_candidates(name, email):
        user.username = username
        if await _try_create(provider, verified, user, act):
            container.bus.publish(JobsWaiting())
            await members.join_default_rooms(Context(container, user.id))
            return user
        async with database.guard():
            known = models.Identity.filter(issuer=provider.issuer, subject=verified.subject)
            if await models.User.exists(email=email) or await known.exists():
                return None
    return None


async def _try_create(
    provider: IdentityProvider, verified: VerifiedIdentity, user: models.User, act: AuditEvent
) -> bool:
    """Store the account and its identity, both or neither. Returns whether they are stored."""
    try:
        async with database.transaction() as tx:
            await user.save(force_create=True)
            await _create_identity(provider, verified, user)
            audit_act = AuditEvent(
                Action.REGISTER, act.request_info, Target("user", user.id), user.id, user.role
            )
            await audit_log.record(tx, audit_act, provider=provider.name)
            await mailer.enqueue(tx, "welcome", user.id)  # the provider verified the e-mail address
    except database.Duplicate:
        return False
    return True


async def _create_identity(provider: IdentityProvider, verified: VerifiedIdentity, user: models.User) -> None:
    await models.Identity.create(
        user_id=user.id,
        provider=provider.name,
        issuer=provider.issuer,
        subject=verified.subject,
        email=user.email,
    )


def _display_name(claim: str) -> str:
    return names.truncate(claim, _MAX_NAME_CHARS) if is_text(claim) else ""


async def list_own(ctx: Context) -> list[wire.Identity]:
    """Return the caller's identities, oldest first, at most 100."""
    async with database.guard():
        rows = await models.Identity.filter(user_id=ctx.user_id).order_by("id").limit(_MAX_LISTED)
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
    """Unlink one of the caller's identities. Raises NotFound, Conflict (the only login method)."""
    act = recorder.act_of(ctx, Action.UNLINK_IDENTITY, Target("identity", command.identity_id))
    async with recorder.attempt(ctx.container, act), database.transaction() as tx:
        # The lock serializes concurrent calls, so that one identity remains.
        user = await sessions.lock_caller(ctx, confirmed=True)
        own = models.Identity.filter(user_id=ctx.user_id)
        identity = await own.filter(id=command.identity_id).first()
        if identity is None:
            raise NotFound("Identity not found.")
        if user.password_digest is None and await own.count() == 1:
            raise Conflict(
                'This is the only login method of your account. Choose a password with "Forgotten password" '
                "first."
            )
        await identity.delete()
        # A pending handoff may belong to this identity.
        await models.OAuthHandoff.filter(user_id=user.id).update(code_digest=None)
        await audit_log.record(tx, act, provider=identity.provider)
