"""Sessions: who may come in with a token, how tokens are renewed, how a session ends."""

import hashlib
from datetime import datetime, timedelta
from typing import Never
from uuid import UUID

from hubbub import models
from hubbub.cluster.bus import SessionEnded
from hubbub.core import clock, ids
from hubbub.core.errors import InvalidToken, SessionRevoked, Suspended, Unauthenticated
from hubbub.core.origins import Origin
from hubbub.models import truth
from hubbub.models.connection import Sql
from hubbub.schemas import accounts as wire
from hubbub.schemas.users import User
from hubbub.services import audit, database
from hubbub.services.audit import Act, Action, Target
from hubbub.services.context import Context, Parts
from hubbub.services.stays import Admitted


async def admit(parts: Parts, token: str) -> Admitted:
    """Who holds this access token, if its session lives: one query, for all who come at once.

    Raises Unauthenticated, TokenExpired, SessionRevoked, Suspended, Unavailable.
    """
    claims = parts.tokens.read_access(token)
    session = await parts.doors.sessions.get(claims.session_id)
    if session is None or session.user_id != claims.user_id or session.deleted:
        raise Unauthenticated
    if is_suspended(session.suspended_at, session.suspended_until):
        raise Suspended(suspension(session.suspended_until, session.suspend_reason))
    if session.revoked or session.expires_at <= clock.now():
        raise SessionRevoked
    user = User(
        id=session.user_id,
        username=session.username,
        display_name=session.display_name,
        avatar_url=session.avatar_url,
    )
    return Admitted(
        user, session.id, session.role, claims.expires_at, session.began_at, session.version, session.marks
    )


def recall(parts: Parts, token: str) -> Admitted | None:
    """The same from memory, for a session with a socket here now or a moment ago; None: ask the database.

    Raises Unauthenticated, TokenExpired.
    """
    claims = parts.tokens.read_access(token)
    residents = parts.residents
    resident = residents.get(claims.user_id) if residents.trusted else None
    stay = resident.sessions.get(claims.session_id) if resident is not None else None
    if resident is None or stay is None:
        return None
    return Admitted(
        resident.user,
        claims.session_id,
        stay.role,
        claims.expires_at,
        stay.began_at,
        resident.version,
        resident.marks,
    )


def is_suspended(since: datetime | None, until: datetime | None) -> bool:
    """Whether a suspension is in force."""
    return since is not None and (until is None or until > clock.now())


def suspension(until: datetime | None, reason: str | None) -> str:
    """What the suspended are told."""
    ending = f" until {clock.rfc3339(until)}" if until is not None else ""
    return f"This account is suspended{ending}{f': {reason}' if reason else '.'}"


def check(user: models.User) -> None:
    """Raises Suspended."""
    if is_suspended(user.suspended_at, user.suspended_until):
        raise Suspended(suspension(user.suspended_until, user.suspend_reason))


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


async def begin(tx: Sql, parts: Parts, user: models.User, act: Act, device_name: str | None) -> wire.Signed:
    """A new session of a user who proved who they are, by what they did; that is recorded with it."""
    token_id = str(ids.new())
    session = await models.Session.create(
        user_id=user.id,
        device_name=device_name,
        user_agent=act.origin.user_agent[:300],
        ip=act.origin.ip[:45],
        refresh_digest=_digest(token_id),
        expires_at=clock.now() + timedelta(seconds=parts.tokens.refresh_ttl_s),
    )
    act.actor_id, act.actor_role, act.session_id = user.id, user.role, session.id
    act.target = Target("user", user.id)
    await audit.record(tx, act)
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


async def refresh(parts: Parts, command: wire.Refresh, origin: Origin) -> wire.Signed:
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
        await _replayed(parts, session, origin)
    return _signed(parts, session.user, session.id, token_id)


async def _replayed(parts: Parts, session: models.Session, origin: Origin) -> Never:
    """Whoever used it first may be the thief: the session ends for both. Raises InvalidToken."""
    act = Act(Action.REPLAY, origin, Target("user", session.user_id), session_id=session.id)
    async with audit.attempt(parts, act):
        await end(parts, session.user_id, session.id, "refresh_token_reused")
        raise InvalidToken("This refresh token was used before: the session was ended. Log in again.")


async def end(parts: Parts, user_id: UUID, session_id: UUID, reason: str, act: Act | None = None) -> None:
    """End a session: its tokens and its sockets are good for nothing from now on. Safe to call twice.

    The act by which it ends is recorded with it.
    """
    async with database.transaction() as tx:
        own = models.Session.filter(id=session_id, user_id=user_id, revoked_at__isnull=True)
        if await own.update(revoked_at=clock.now(), revoke_reason=reason):
            await truth.touch(tx, [user_id])
            if act is not None:
                await audit.record(tx, act)
    parts.bus.publish(SessionEnded(user_id, session_id, "session_revoked", reason))


async def end_others(
    parts: Parts, user_id: UUID, kept: UUID | None, reason: str, act: Act | None = None
) -> None:
    """End all sessions of a user but one. The act by which they end is recorded with it."""
    async with database.transaction() as tx:
        own = models.Session.filter(user_id=user_id, revoked_at__isnull=True)
        others = own.exclude(id=kept) if kept is not None else own
        ended = [row.id for row in await others]
        await others.update(revoked_at=clock.now(), revoke_reason=reason)
        await truth.touch(tx, [user_id])
        if act is not None:
            await audit.record(tx, act, sessions=len(ended))
    for session_id in ended:
        parts.bus.publish(SessionEnded(user_id, session_id, "session_revoked", reason))


async def logout(ctx: Context) -> None:
    """End the caller's own session."""
    if ctx.session_id is not None:
        act = audit.by(ctx, Action.SIGN_OUT)
        await end(ctx.parts, ctx.user_id, ctx.session_id, "logged_out", act)
