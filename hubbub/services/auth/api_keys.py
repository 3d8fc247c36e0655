"""API keys: made, listed and revoked by their user."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from msgspec import structs

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, ids
from hubbub.core.auth_tokens import API_KEY
from hubbub.core.errors import Conflict, InvalidPayload, NotFound
from hubbub.core.text import names
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, Target
from hubbub.schemas.auth import api_keys as wire
from hubbub.schemas.pagination import Paged
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions
from hubbub.services.context import Context
from hubbub.services.mail import mailer, one_time_tokens

PREFIX = API_KEY
NAMED = 6  # bytes of a prefix that are random
SECRET = 32
MOST = 25  # of one user
LONGEST = timedelta(days=3650)


def digest(key: str) -> str:
    """What is stored of a key: it is random enough for a plain hash."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def purpose(key_id: UUID) -> str:
    """What a sealed signing secret is good for."""
    return f"signing:{key_id}"


def _show(ctx: Context, row: models.ApiKey) -> wire.ApiKey:
    used = ctx.parts.key_activity.of(row.id) or row.last_used_at
    return wire.ApiKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=[scope for scope in wire.SCOPES if scope in row.scopes.split()],
        signed=row.sealed_secret is not None,
        created_at=clock.rfc3339(row.created_at),
        expires_at=clock.rfc3339(row.expires_at) if row.expires_at is not None else None,
        last_used_at=clock.rfc3339(used) if used is not None else None,
    )


async def create(ctx: Context, command: wire.CreateApiKey) -> wire.NewApiKey:
    """A new key; it can't be shown again. Raises InvalidPayload, Conflict."""
    async with recorder.attempt(ctx.parts, recorder.by(ctx, Action.CREATE_KEY)) as act:
        name = names.line(command.name)
        _check(command)
        row, key, secret = _draft(ctx, command, name)
        async with ctx.unit() as unit:
            user = await sessions.hold(ctx, confirmed=True)  # two keys do not cross
            if await models.ApiKey.filter(user_id=ctx.user_id).count() >= MOST:
                raise Conflict(f"There are {MOST} keys already: delete one that is not needed.")
            await row.save(force_create=True)
            act.target = Target("api_key", row.id)
            facts = {"prefix": row.prefix, "scopes": row.scopes}
            await audit_log.record(unit.tx, act, **facts, signed=command.signed)
            undo = await one_time_tokens.begin_undo(user, one_time_tokens.UNDO_KEY, row.id)
            await mailer.enqueue(unit.tx, "api_key_made", ctx.user_id, key_name=name, undo=undo, **facts)
            unit.tell(JobsWaiting())
    return wire.NewApiKey(**structs.asdict(_show(ctx, row)), key=key, signing_secret=secret)


def _draft(ctx: Context, command: wire.CreateApiKey, name: str) -> tuple[models.ApiKey, str, str | None]:
    """The row, the key that it stands for, and its signing secret."""
    key_id, prefix = ids.uuid7(), PREFIX + secrets.token_hex(NAMED)
    key = f"{prefix}_{secrets.token_urlsafe(SECRET)}"
    secret = secrets.token_hex(SECRET) if command.signed else None
    row = models.ApiKey(
        id=key_id,
        user_id=ctx.user_id,
        name=name,
        prefix=prefix,
        digest=digest(key),
        scopes=" ".join(sorted(set(command.scopes))),
        sealed_secret=ctx.parts.sealing.seal(purpose(key_id), secret.encode())
        if secret is not None
        else None,
        created_at=clock.now(),
        expires_at=command.expires_at,
    )
    return row, key, secret


def _check(command: wire.CreateApiKey) -> None:
    expires_at, now = command.expires_at, clock.now()
    if expires_at is not None and not now < expires_at <= now + LONGEST:
        said = "Must be in the future, and within ten years."
        raise InvalidPayload(fields=(("expires_at", said),))


async def list_own(ctx: Context, asked: Paged) -> tuple[list[wire.ApiKey], int]:
    """A page of the caller's keys, the newest first, and how many there are."""
    async with database.guard():
        own = models.ApiKey.filter(user_id=ctx.user_id)
        rows = await own.order_by("-created_at", "-id").offset(asked.offset).limit(asked.limit)
        total = await own.count()
    return [_show(ctx, row) for row in rows], total


async def get(ctx: Context, command: wire.ApiKeyRef) -> wire.ApiKey:
    """One of the caller's keys. Raises NotFound."""
    async with database.guard():
        row = await models.ApiKey.filter(id=command.key_id, user_id=ctx.user_id).first()
    if row is None:
        raise NotFound("There is no such key.")
    return _show(ctx, row)


async def revoke(ctx: Context, command: wire.ApiKeyRef) -> None:
    """Delete one of the caller's keys: it is refused from now on, everywhere. Raises NotFound."""
    act = recorder.by(ctx, Action.REVOKE_KEY, Target("api_key", command.key_id))
    async with recorder.attempt(ctx.parts, act), database.transaction() as tx:
        await sessions.hold(ctx)
        own = models.ApiKey.filter(id=command.key_id, user_id=ctx.user_id)
        row = await own.first()
        if row is None or not await own.delete():
            raise NotFound("There is no such key.")
        await audit_log.record(tx, act, prefix=row.prefix)
