"""Reads the audit log: a page, or all of it as a file."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from tortoise.queryset import QuerySet

from hubbub import models
from hubbub.core import clock
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, Target
from hubbub.schemas.admin import audit_log as wire
from hubbub.schemas.base import encode
from hubbub.services import csv_rows, pagination, permissions
from hubbub.services.audit import recorder
from hubbub.services.context import Context
from hubbub.services.permissions import Permission

SEARCH_COLUMNS = ("action", "reason", "ip", "user_agent", "target_id", "request_id", "facts")
EXPORT_BATCH_ROWS = 500
COLUMNS = wire.AuditRecord.__struct_fields__
_decode_facts = msgspec.json.Decoder(dict[str, Any]).decode


def _query(filters: wire.AuditLogFilters) -> QuerySet[models.AuditRecord]:
    """Return the query of the filtered rows."""
    rows = models.AuditRecord.filter(pagination.search_filter(filters.query, SEARCH_COLUMNS))
    for name in ("action", "outcome", "actor_id", "target_kind", "target_id", "ip"):
        if (value := getattr(filters, name)) is not None:
            rows = rows.filter(**{name: value})
    if filters.since is not None:
        rows = rows.filter(at__gte=filters.since)
    if filters.until is not None:
        rows = rows.filter(at__lt=filters.until)
    return rows


async def list_records(ctx: Context, command: wire.ListAuditLog) -> tuple[list[wire.AuditRecord], int]:
    """Return a page of the log, latest first, and the number of all records."""
    await permissions.require(ctx, Permission.READ_AUDIT_LOG)
    order = pagination.order_columns(command.list_query, "-at")
    rows, total = await pagination.page(_query(command).order_by(*order), command.list_query)
    return await _to_views(rows), total


async def _to_views(rows: Sequence[models.AuditRecord]) -> list[wire.AuditRecord]:
    names = await _usernames(row.actor_id for row in rows if row.actor_id is not None)
    return [_to_view(row, names.get(row.actor_id) if row.actor_id is not None else None) for row in rows]


async def _usernames(user_ids: Iterable[UUID]) -> dict[UUID, str]:
    async with database.guard():
        found = models.User.filter(id__in=set(user_ids), deleted_at__isnull=True)
        return {row.id: row.username for row in await found}


def _to_view(row: models.AuditRecord, username: str | None) -> wire.AuditRecord:
    return wire.AuditRecord(
        id=row.id,
        at=clock.rfc3339(row.at),
        action=row.action,
        outcome=row.outcome,
        reason=row.reason,
        actor_id=row.actor_id,
        actor_username=username,
        actor_role=row.actor_role,
        session_id=row.session_id,
        target_kind=row.target_kind,
        target_id=row.target_id,
        ip=row.ip,
        user_agent=row.user_agent,
        request_id=row.request_id,
        facts=_decode_facts(row.facts),
    )


async def as_json(ctx: Context, filters: wire.AuditLogFilters) -> AsyncIterator[bytes]:
    """Yield `{"data": [{…}, …]}` in pieces, oldest first."""
    await _start_export(ctx, "json")
    start = b'{"data":['
    async for records in _read_batches(filters):
        yield start + b",".join(encode(record) for record in records)
        start = b","
    yield b"]}" if start == b"," else start + b"]}"


async def as_csv(ctx: Context, filters: wire.AuditLogFilters) -> AsyncIterator[bytes]:
    """Yield CSV, the first line with the column names. Text that looks like a formula is escaped."""
    await _start_export(ctx, "csv")
    yield csv_rows.to_csv([dict(zip(COLUMNS, COLUMNS, strict=True))], COLUMNS)
    async for records in _read_batches(filters):
        rows = [msgspec.to_builtins(record) for record in records]
        for row in rows:
            row["facts"] = encode(row["facts"]).decode()
        yield csv_rows.to_csv(rows, COLUMNS)


async def _start_export(ctx: Context, kind: str) -> None:
    """Check the permission, and record the export in the log."""
    await permissions.require(ctx, Permission.READ_AUDIT_LOG)
    async with database.transaction() as tx:
        act = recorder.act_of(ctx, Action.EXPORT_AUDIT_LOG, Target("audit_log", ""))
        await audit_log.record(tx, act, format=kind)


async def _read_batches(filters: wire.AuditLogFilters) -> AsyncIterator[list[wire.AuditRecord]]:
    """Yield the filtered records in batches, by id and so by time. Memory holds one batch."""
    async for batch in pagination.batches(_query(filters), EXPORT_BATCH_ROWS):
        yield await _to_views(batch)
