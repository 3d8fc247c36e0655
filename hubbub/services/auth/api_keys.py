"""API keys: created, listed and revoked by their user."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from msgspec import structs

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, ids
from hubbub.core.auth_tokens import API_KEY_PREFIX
from hubbub.core.errors import Conflict, InvalidPayload, NotFound
from hubbub.core.text import names
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, Target
from hubbub.schemas.auth import api_keys as wire
from hubbub.schemas.pagination import PageQuery
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions
from hubbub.services.context import Context
from hubbub.services.mail import mailer, one_time_tokens

PREFIX = API_KEY_PREFIX
PREFIX_RANDOM_BYTES = 6
SECRET_BYTES = 32
MAX_KEYS_PER_USER = 25
MAX_LIFETIME = timedelta(days=3650)


def digest(key: str) -> str:
    """Return the stored digest of a key. A plain hash is enough, because the key is random."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def sealing_purpose(key_id: UUID) -> str:
    """Return the purpose by which a signing secret is encrypted."""
    return f"signing:{key_id}"


def _to_view(ctx: Context, row: models.ApiKey) -> wire.ApiKey:
    last_used = ctx.container.api_key_last_seen.get(row.id) or row.last_used_at
    return wire.ApiKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=[scope for scope in wire.SCOPES if scope in row.scopes.split()],
        signed=row.sealed_secret is not None,
        created_at=clock.rfc3339(row.created_at),
        expires_at=clock.rfc3339(row.expires_at) if row.expires_at is not None else None,
        last_used_at=clock.rfc3339(last_used) if last_used is not None else None,
    )


async def create(ctx: Context, command: wire.CreateApiKey) -> wire.NewApiKey:
    """Create a key. It is returned only this once. Raises InvalidPayload, Conflict."""
    async with recorder.attempt(ctx.container, recorder.act_of(ctx, Action.CREATE_API_KEY)) as act:
        name = names.normalize_line(command.name)
        _validate(command)
        row, key, secret = _generate(ctx, command, name)
        async with ctx.unit() as unit:
            user = await sessions.lock_caller(ctx, confirmed=True)  # serializes concurrent calls
            if await models.ApiKey.filter(user_id=ctx.user_id).count() >= MAX_KEYS_PER_USER:
                raise Conflict(
                    f"You have {MAX_KEYS_PER_USER} keys, the maximum. Delete one that you do not need."
                )
            await row.save(force_create=True)
            act.target = Target("api_key", row.id)
            facts = {"prefix": row.prefix, "scopes": row.scopes}
            await audit_log.record(unit.tx, act, **facts, signed=command.signed)
            undo = await one_time_tokens.create_undo(user, one_time_tokens.UNDO_API_KEY, row.id)
            await mailer.enqueue(unit.tx, "api_key_made", ctx.user_id, key_name=name, undo=undo, **facts)
            unit.publish(JobsWaiting())
    return wire.NewApiKey(**structs.asdict(_to_view(ctx, row)), key=key, signing_secret=secret)


def _generate(ctx: Context, command: wire.CreateApiKey, name: str) -> tuple[models.ApiKey, str, str | None]:
    """Return the row, the key and its signing secret."""
    key_id, prefix = ids.uuid7(), PREFIX + secrets.token_hex(PREFIX_RANDOM_BYTES)
    key = f"{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    secret = sealed_secret = None
    if command.signed:
        secret = secrets.token_hex(SECRET_BYTES)
        sealed_secret = ctx.container.sealing.seal(sealing_purpose(key_id), secret.encode())
    row = models.ApiKey(
        id=key_id,
        user_id=ctx.user_id,
        name=name,
        prefix=prefix,
        digest=digest(key),
        scopes=" ".join(sorted(set(command.scopes))),
        sealed_secret=sealed_secret,
        created_at=clock.now(),
        expires_at=command.expires_at,
    )
    return row, key, secret


def _validate(command: wire.CreateApiKey) -> None:
    expires_at, now = command.expires_at, clock.now()
    if expires_at is not None and not now < expires_at <= now + MAX_LIFETIME:
        reason = "Must be in the future, and within ten years."
        raise InvalidPayload(fields=(("expires_at", reason),))


async def list_own(ctx: Context, page: PageQuery) -> tuple[list[wire.ApiKey], int]:
    """Return a page of the caller's keys, newest first, and the number of all."""
    async with database.guard():
        own = models.ApiKey.filter(user_id=ctx.user_id)
        rows = await own.order_by("-created_at", "-id").offset(page.offset).limit(page.limit)
        total = await own.count()
    return [_to_view(ctx, row) for row in rows], total


async def get(ctx: Context, command: wire.ApiKeyRef) -> wire.ApiKey:
    """Return one of the caller's keys. Raises NotFound."""
    async with database.guard():
        row = await models.ApiKey.filter(id=command.key_id, user_id=ctx.user_id).first()
    if row is None:
        raise NotFound("Key not found.")
    return _to_view(ctx, row)


async def revoke(ctx: Context, command: wire.ApiKeyRef) -> None:
    """Delete one of the caller's keys. All instances refuse it from then on. Raises NotFound."""
    act = recorder.act_of(ctx, Action.REVOKE_API_KEY, Target("api_key", command.key_id))
    async with recorder.attempt(ctx.container, act), database.transaction() as tx:
        await sessions.lock_caller(ctx)
        own = models.ApiKey.filter(id=command.key_id, user_id=ctx.user_id)
        row = await own.first()
        if row is None or not await own.delete():
            raise NotFound("Key not found.")
        await audit_log.record(tx, act, prefix=row.prefix)
