"""Sessions: who may come in with a token, how tokens are renewed, how a session ends."""

import hashlib
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from hubbub import models
from hubbub.cluster.bus import SessionEnded
from hubbub.core import clock, ids
from hubbub.core.errors import InvalidToken, SessionRevoked, Suspended, Unauthenticated
from hubbub.schemas import accounts as wire
from hubbub.schemas.users import User
from hubbub.services import database, users
from hubbub.services.context import Context, Parts


class Origin(NamedTuple):
    """Where somebody signs in from."""

    ip: str
    user_agent: str


class Admitted(NamedTuple):
    """Somebody who may come in, until `expires_at`."""

    user: User
    session_id: UUID
    role: str
    expires_at: datetime


async def admit(parts: Parts, token: str) -> Admitted:
    """Who holds this access token, if its session lives: one query.

    Raises Unauthenticated, TokenExpired, SessionRevoked, Suspended, Unavailable.
    """
    claims = parts.tokens.read_access(token)
    async with database.guard():
        session = (
            await models.Session.filter(id=claims.session_id, user_id=claims.user_id)
            .select_related("user")
            .first()
        )
    if session is None or session.user.deleted_at is not None:
        raise Unauthenticated
    check(session.user)
    if session.revoked_at is not None or session.expires_at <= clock.now():
        raise SessionRevoked
    return Admitted(users.show(session.user), session.id, session.user.role, claims.expires_at)


def check(user: models.User) -> None:
    """Raises Suspended."""
    if user.suspended_at is not None and (user.suspended_until is None or user.suspended_until > clock.now()):
        raise Suspended


def show(user: models.User) -> wire.Account:
    """A person as they see themselves."""
    return wire.Account(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        avatar_url=user.avatar_url,
        email=user.email,
        role=user.role,
        email_verified=user.email_verified_at is not None,
        created_at=clock.rfc3339(user.created_at),
    )


async def begin(parts: Parts, user: models.User, origin: Origin, device_name: str | None) -> wire.Signed:
    """A new session of a user who proved who they are. Inside the caller's transaction, if there is one."""
    token_id = str(ids.new())
    session = await models.Session.create(
        user_id=user.id,
        device_name=device_name,
        user_agent=origin.user_agent[:300],
        ip=origin.ip[:45],
        refresh_digest=_digest(token_id),
        expires_at=clock.now() + timedelta(seconds=parts.tokens.refresh_ttl_s),
    )
    return _signed(parts, user, session.id, token_id)


def _signed(parts: Parts, user: models.User, session_id: UUID, token_id: str) -> wire.Signed:
    access, _ = parts.tokens.access(user.id, session_id)
    refresh_token, _ = parts.tokens.refresh(user.id, session_id, token_id)
    return wire.Signed(
        access_token=access,
        refresh_token=refresh_token,
        token_type="Bearer",  # noqa: S106 - a scheme's name
        expires_in=parts.tokens.access_ttl_s,
        user=show(user),
    )


def _digest(token_id: str) -> str:
    return hashlib.sha256(token_id.encode()).hexdigest()


async def refresh(parts: Parts, command: wire.Refresh) -> wire.Signed:
    """A new pair for a refresh token, which is spent by it. A spent one used again ends the session.

    Of several who use one at the same moment, one gets the pair. Raises InvalidToken, Suspended.
    """
    claims = parts.tokens.read_refresh(command.refresh_token)
    async with database.guard():
        own = models.Session.filter(id=claims.session_id, user_id=claims.user_id)
        session = await own.select_related("user").first()
        if session is None or session.user.deleted_at is not None:
            raise InvalidToken
        if session.revoked_at is not None or session.expires_at <= clock.now():
            raise InvalidToken
        check(session.user)
        token_id = str(ids.new())
        unspent = own.filter(refresh_digest=_digest(claims.token_id), revoked_at__isnull=True)
        now = clock.now()
        won = await unspent.update(
            refresh_digest=_digest(token_id),
            last_seen_at=now,
            expires_at=now + timedelta(seconds=parts.tokens.refresh_ttl_s),
        )
    if not won:
        await end(parts, session.user_id, session.id, "refresh_token_reused")
        raise InvalidToken("This refresh token was used before: the session was ended. Log in again.")
    return _signed(parts, session.user, session.id, token_id)


async def end(parts: Parts, user_id: UUID, session_id: UUID, reason: str) -> None:
    """End a session: its tokens and its sockets are good for nothing from now on. Safe to call twice."""
    async with database.guard():
        own = models.Session.filter(id=session_id, user_id=user_id, revoked_at__isnull=True)
        await own.update(revoked_at=clock.now(), revoke_reason=reason)
    parts.bus.publish(SessionEnded(user_id, session_id, "session_revoked", reason))


async def logout(ctx: Context) -> None:
    """End the caller's own session."""
    if ctx.session_id is not None:
        await end(ctx.parts, ctx.user_id, ctx.session_id, "logged_out")
