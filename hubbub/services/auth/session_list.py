"""The sessions of a user: listed and ended by their user."""

import asyncio

from hubbub import models
from hubbub.core import clock, user_agents
from hubbub.core.errors import NotFound
from hubbub.db import database
from hubbub.queries.audit.audit_log import Action, Target
from hubbub.schemas.auth import sessions as wire
from hubbub.schemas.pagination import PageQuery
from hubbub.schemas.sync.connection import SessionEndReason
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions
from hubbub.services.context import Context


async def list_own(ctx: Context, page: PageQuery) -> tuple[list[wire.Session], int]:
    """Return a page of the caller's active sessions, last active first, and the number of all."""
    async with database.guard():
        own = models.Session.filter(user_id=ctx.user_id, revoked_at__isnull=True, expires_at__gt=clock.now())
        rows = await own.order_by("-last_seen_at", "-id").offset(page.offset).limit(page.limit)
        total = await own.count()
    agents = await asyncio.to_thread(_parse_user_agents, rows)
    return [_to_view(ctx, row, agent) for row, agent in zip(rows, agents, strict=True)], total


def _parse_user_agents(rows: list[models.Session]) -> list[user_agents.UserAgent]:
    return [user_agents.parse(row.user_agent) for row in rows]


def _to_view(ctx: Context, row: models.Session, agent: user_agents.UserAgent) -> wire.Session:
    last_seen = ctx.container.session_last_seen.get(row.id) or row.last_seen_at
    place = ctx.container.geoip.locate(row.ip)
    return wire.Session(
        id=row.id,
        device_name=row.device_name,
        device=agent.device,
        browser=agent.browser,
        os=agent.os,
        ip=row.ip,
        location=place.text if place is not None else None,
        place=wire.Place(**place._asdict()) if place is not None else None,
        created_at=clock.rfc3339(row.created_at),
        expires_at=clock.rfc3339(row.expires_at),
        last_active_at=clock.rfc3339(max(last_seen, row.last_seen_at)),
        current=row.id == ctx.session_id,
    )


async def revoke(ctx: Context, command: wire.SessionRef) -> None:
    """End one of the caller's sessions, which may be the current one. Raises NotFound."""
    own = models.Session.filter(id=command.session_id, user_id=ctx.user_id, revoked_at__isnull=True)
    async with database.guard():
        exists = await own.exists()
    if not exists:
        raise NotFound("Session not found.")
    act = recorder.act_of(ctx, Action.REVOKE_SESSION, Target("session", command.session_id))
    await sessions.revoke(
        ctx.container, ctx.user_id, command.session_id, SessionEndReason.ENDED_BY_USER, act, caller=ctx
    )


async def revoke_others(ctx: Context) -> None:
    """End all of the caller's sessions except the current one."""
    act = recorder.act_of(ctx, Action.REVOKE_OTHER_SESSIONS)
    await sessions.revoke_others(
        ctx.container, ctx.user_id, ctx.session_id, SessionEndReason.ENDED_BY_USER, act, caller=ctx
    )
