"""Sessions: authenticating access tokens, refreshing tokens, ending sessions."""

import hashlib
from datetime import timedelta
from typing import Never
from uuid import UUID

from hubbub import models
from hubbub.cluster.bus import SessionEnded
from hubbub.core import clock, ids
from hubbub.core.auth_tokens import AccessClaims
from hubbub.core.errors import ConfirmationRequired, InvalidToken, SessionRevoked, Suspended, Unauthenticated
from hubbub.core.request_info import RequestInfo
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.queries.sync import change_counters
from hubbub.schemas.accounts import accounts as wire
from hubbub.schemas.sync.connection import CloseCode, SessionEndReason
from hubbub.services.audit import recorder
from hubbub.services.context import Container, Context, publish
from hubbub.services.instance.loaded_memberships import LoadedMemberships
from hubbub.services.instance.session_cache import AuthenticatedSession
from hubbub.services.mail import one_time_tokens
from hubbub.services.users import account_view, users

CONFIRMATION_LIFETIME = timedelta(minutes=10)  # after which the password is needed again


async def authenticate(container: Container, token: str) -> AuthenticatedSession:
    """Authenticate an access token. One query for all concurrent calls.

    Raises Unauthenticated, TokenExpired, SessionRevoked, Suspended, Unavailable.
    """
    return await authenticate_claims(container, container.token_issuer.verify_access(token))


async def authenticate_claims(container: Container, claims: AccessClaims) -> AuthenticatedSession:
    """Authenticate the claims of a verified token. Raises as `authenticate`, except TokenExpired."""
    return _check(claims, await container.loaders.sessions.get(claims.session_id))


async def authenticate_with_memberships(
    container: Container, claims: AccessClaims
) -> tuple[AuthenticatedSession, LoadedMemberships]:
    """Do what `authenticate_claims` does, and read the user's memberships in the same query.

    Subscribe to the signals about the user first. `loaded_memberships.adopt` uses the memberships if none of
    these signals arrived in between.
    """
    signal_count = container.membership_cache.signal_count
    found = await container.loaders.connects.get(claims.session_id)
    authenticated = _check(claims, found.session if found is not None else None)
    return authenticated, LoadedMemberships(signal_count, found.memberships if found is not None else [])


def _check(claims: AccessClaims, session: change_counters.SessionRow | None) -> AuthenticatedSession:
    if session is None or session.user_id != claims.user_id or session.deleted:
        raise Unauthenticated
    if account_view.is_suspended(session.suspended_at, session.suspended_until):
        raise Suspended(account_view.suspension_message(session.suspended_until, session.suspend_reason))
    if session.revoked or session.expires_at <= clock.now():
        raise SessionRevoked
    user = users.view(claims.user_id, session)
    return AuthenticatedSession(
        user,
        claims.session_id,
        session.role,
        claims.expires_at,
        session.created_at,
        session.version,
        session.read_version,
    )


def authenticate_cached(container: Container, claims: AccessClaims) -> AuthenticatedSession | None:
    """Authenticate from the cache a session with a recent socket here; None: the database must be queried."""
    cache = container.membership_cache
    cached_user = cache.get(claims.user_id) if cache.recently_reconciled else None
    cached_session = cached_user.session(claims.session_id) if cached_user is not None else None
    if cached_user is None or cached_session is None:
        return None
    return AuthenticatedSession(
        cached_user.user,
        cached_session.id,
        cached_session.role,
        claims.expires_at,
        cached_session.created_at,
        cached_user.version,
        cached_user.read_version,
    )


async def lock_caller(ctx: Context, *, confirmed: bool = False) -> models.User:
    """Lock the caller's row. Call it first in a transaction that acts for them.

    Raises Unauthenticated, Suspended, SessionRevoked (the session or key ended meanwhile), and
    ConfirmationRequired if the operation requires a `confirmed` session.
    """
    user = await users.lock(ctx.user_id)
    if user is None:
        raise Unauthenticated
    account_view.require_not_suspended(user)
    await check_caller(ctx, confirmed=confirmed)
    return user


async def check_caller(ctx: Context, *, confirmed: bool = False) -> None:
    """Check that the caller's session or key is valid. Lock the user first if a write depends on it.

    Raises SessionRevoked, Unauthenticated, ConfirmationRequired.
    """
    session, now = None, clock.now()
    if ctx.session_id is not None:
        valid = models.Session.filter(id=ctx.session_id, user_id=ctx.user_id, revoked_at__isnull=True)
        session = await valid.filter(expires_at__gt=now).first()
        if session is None:
            raise SessionRevoked
    confirmed_at = session.confirmed_at if session is not None else None
    if confirmed and (confirmed_at is None or confirmed_at + CONFIRMATION_LIFETIME <= now):
        raise ConfirmationRequired
    if ctx.key_id is not None and not await models.ApiKey.exists(id=ctx.key_id, user_id=ctx.user_id):
        raise Unauthenticated


async def mark_confirmed(ctx: Context) -> None:
    """Mark the caller's session as confirmed now. The transaction must hold the caller's row."""
    await models.Session.filter(id=ctx.session_id, user_id=ctx.user_id).update(confirmed_at=clock.now())


async def create(
    tx: Sql, container: Container, user: models.User, act: AuditEvent, device_name: str | None
) -> wire.TokenPair:
    """Create a session of an authenticated user, and record `act`, by which they authenticated."""
    token_id = str(ids.uuid7())
    session = await models.Session.create(
        user_id=user.id,
        device_name=device_name,
        user_agent=act.request_info.user_agent[:300],
        ip=act.request_info.ip[:45],
        refresh_digest=_digest(token_id),
        expires_at=clock.now() + timedelta(seconds=container.token_issuer.refresh_ttl_s),
    )
    act.set_user(user.id, user.role)
    act.session_id = session.id
    await audit_log.record(tx, act)
    return _issue_tokens(container, user, session.id, token_id)


def _issue_tokens(container: Container, user: models.User, session_id: UUID, token_id: str) -> wire.TokenPair:
    access, _ = container.token_issuer.issue_access(user.id, session_id)
    refresh_token, _ = container.token_issuer.issue_refresh(user.id, session_id, token_id)
    return wire.TokenPair(
        access_token=access,
        refresh_token=refresh_token,
        token_type="Bearer",  # noqa: S106 - the name of a scheme
        expires_in=container.token_issuer.access_ttl_s,
        user=account_view.to_view(user),
    )


def _digest(token_id: str) -> str:
    return hashlib.sha256(token_id.encode()).hexdigest()


async def refresh(container: Container, command: wire.Refresh, request_info: RequestInfo) -> wire.TokenPair:
    """Exchange a refresh token for a new pair. Using a token again ends the session.

    Of several concurrent calls with one token, one returns the pair. Raises InvalidToken, Suspended.
    """
    claims = container.token_issuer.verify_refresh(command.refresh_token)
    token_id, now = str(ids.uuid7()), clock.now()
    async with database.transaction():
        user = await users.lock(claims.user_id)  # everything that ends a session locks it too
        own = models.Session.filter(id=claims.session_id, user_id=claims.user_id)
        session = await own.first()
        if user is None or session is None or session.revoked_at is not None or session.expires_at <= now:
            raise InvalidToken
        account_view.require_not_suspended(user)
        rotated = await own.filter(refresh_digest=_digest(claims.token_id)).update(
            refresh_digest=_digest(token_id),
            last_seen_at=now,
            expires_at=now + timedelta(seconds=container.token_issuer.refresh_ttl_s),
        )
    if not rotated:
        await _revoke_replayed(container, session, request_info)
    return _issue_tokens(container, user, session.id, token_id)


async def _revoke_replayed(container: Container, session: models.Session, request_info: RequestInfo) -> Never:
    """End a session whose refresh token was used twice. Raises InvalidToken.

    Either of the two clients may be an attacker's.
    """
    act = AuditEvent(
        Action.REPLAY_REFRESH_TOKEN, request_info, Target("user", session.user_id), session_id=session.id
    )
    async with recorder.attempt(container, act):
        await revoke(container, session.user_id, session.id, SessionEndReason.REFRESH_TOKEN_REUSED)
        raise InvalidToken("This refresh token was used before, so the session was ended. Log in again.")


async def revoke(
    container: Container,
    user_id: UUID,
    session_id: UUID,
    reason: SessionEndReason,
    act: AuditEvent | None = None,
    caller: Context | None = None,
) -> None:
    """End a session: its tokens become invalid and its sockets are closed. Safe to call twice.

    `act`, by which it ends, is recorded with it. Raises as `lock_caller` if the `caller`'s session has ended.
    """
    async with database.transaction() as tx:
        if caller is not None:
            await lock_caller(caller)
        own = models.Session.filter(id=session_id, user_id=user_id, revoked_at__isnull=True)
        if await own.exists():
            await change_counters.bump_version(tx, [user_id])  # locks the user's row first, as everywhere
            if await own.update(revoked_at=clock.now(), revoke_reason=reason) and act is not None:
                await audit_log.record(tx, act)
    await publish(container.bus, SessionEnded(user_id, session_id, CloseCode.SESSION_REVOKED, reason))


async def revoke_others(
    container: Container,
    user_id: UUID,
    except_id: UUID | None,
    reason: SessionEndReason,
    act: AuditEvent | None = None,
    caller: Context | None = None,
) -> None:
    """End all sessions of a user except one. `act`, by which they end, is recorded with them.

    Changes of the e-mail address that others requested are cancelled, also those of a session that has ended.
    Raises as `lock_caller` if the `caller`'s session has ended.
    """
    async with database.transaction() as tx:
        if caller is not None:
            await lock_caller(caller)
        await change_counters.bump_version(tx, [user_id])  # locks the user's row first, as everywhere
        await one_time_tokens.cancel_changes(user_id, except_id)
        ended = await change_counters.revoke_sessions(tx, user_id, except_id, reason)
        if act is not None:
            await audit_log.record(tx, act, sessions=len(ended))
    await publish(
        container.bus, *(SessionEnded(user_id, each, CloseCode.SESSION_REVOKED, reason) for each in ended)
    )


async def logout(ctx: Context) -> None:
    """End the caller's own session."""
    if ctx.session_id is not None:
        act = recorder.act_of(ctx, Action.LOGOUT)
        await revoke(ctx.container, ctx.user_id, ctx.session_id, SessionEndReason.LOGGED_OUT, act)


async def logout_by_refresh_token(container: Container, token: str, request_info: RequestInfo) -> None:
    """End the session of a refresh token, also of a used one. Raises InvalidToken."""
    claims = container.token_issuer.verify_refresh(token)
    async with database.guard():
        user = await models.User.filter(id=claims.user_id, deleted_at__isnull=True).first()
    if user is None:
        raise InvalidToken
    await logout(Context(container, user.id, claims.session_id, user.role, request_info))
