"""Everything that is a user's, a few hundred rows at a time: as one JSON object, or as a zip of CSV files."""

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from tortoise.queryset import QuerySet

from hubbub import models
from hubbub.core import clock
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action
from hubbub.schemas.base import encode
from hubbub.services import csv_rows
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions, two_factor
from hubbub.services.context import Context

EXPORT_BATCH_ROWS = 500

# Table → its columns that say something to its owner; no digests, no keys of ours.
_ACCOUNT_COLUMNS = (
    *("id", "username", "email", "display_name", "avatar_url", "bio", "location", "website_url", "role"),
    *("email_verified_at", "last_seen_at", "created_at", "updated_at", "two_factor"),
)
COLUMNS: dict[str, tuple[str, ...]] = {
    "account": _ACCOUNT_COLUMNS,
    "preferences": ("id", "kind", "chosen", "updated_at"),
    "sessions": (
        *("id", "device_name", "user_agent", "ip", "created_at", "last_seen_at", "expires_at"),
        *("revoked_at", "revoke_reason"),
    ),
    "api_keys": ("id", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at"),
    "identities": ("id", "provider", "issuer", "subject", "email", "created_at", "last_used_at"),
    "memberships": ("id", "room_id", "role", "joined_at", "last_read_seq", "muted"),
    "messages": (
        *("id", "room_id", "seq", "client_id", "body", "reply_to_id", "created_at", "edited_at"),
        "deleted_at",
    ),
    "reactions": ("id", "message_id", "emoji", "created_at"),
    "mentions": ("id", "message_id", "room_id"),
    "audit_log": (
        *("id", "at", "action", "outcome", "reason", "target_kind", "target_id", "ip", "user_agent"),
    ),
}
Row = dict[str, Any]


def _query(table: str, user_id: UUID) -> QuerySet[Any]:
    queries: dict[str, QuerySet[Any]] = {
        "account": models.User.filter(id=user_id),
        "preferences": models.Preference.filter(user_id=user_id),
        "sessions": models.Session.filter(user_id=user_id),
        "api_keys": models.ApiKey.filter(user_id=user_id),
        "identities": models.Identity.filter(user_id=user_id),
        "memberships": models.Membership.filter(user_id=user_id),
        "messages": models.Message.filter(sender_id=user_id),
        "reactions": models.Reaction.filter(user_id=user_id),
        "mentions": models.Mention.filter(user_id=user_id),
        "audit_log": models.AuditRecord.filter(actor_id=user_id),
    }
    return queries[table]


async def _read_batches(table: str, user_id: UUID) -> AsyncIterator[list[Row]]:
    """All rows of a table, ascending by id; memory holds one batch."""
    after = None
    while True:
        rows = _query(table, user_id).order_by("id").limit(EXPORT_BATCH_ROWS)
        columns = [name for name in COLUMNS[table] if name != "two_factor"]
        async with database.guard():
            batch = await (rows if after is None else rows.filter(id__gt=after)).values(*columns)
            if table == "account":  # that there is one, and nothing of it
                batch = [{**row, "two_factor": await two_factor.is_enabled(user_id)} for row in batch]
        if batch:
            yield [{name: _to_json_value(value) for name, value in row.items()} for row in batch]
        if len(batch) < EXPORT_BATCH_ROWS:
            return
        after = batch[-1]["id"]


def _to_json_value(value: object) -> object:
    return clock.rfc3339(value) if hasattr(value, "astimezone") else value  # type: ignore[arg-type]


async def _record_export(ctx: Context, kind: str) -> None:
    async with database.transaction() as tx:
        await sessions.lock_caller(ctx, confirmed=True)
        await audit_log.record(tx, recorder.act_of(ctx, Action.EXPORT_ACCOUNT), format=kind)


async def as_json(ctx: Context) -> AsyncIterator[bytes]:
    """`{"data": {"account": {…}, "messages": […], …}}`, in pieces."""
    await _record_export(ctx, "json")
    start = b'{"data":{'
    for table in COLUMNS:
        single = table == "account"
        yield start + encode(table) + (b":" if single else b":[")
        comma = b""
        async for rows in _read_batches(table, ctx.user_id):
            yield comma + b",".join(encode(row) for row in rows)
            comma = b","
        start = b"," if single else b"],"
    yield b"]}}"


class _ZipBuffer(io.RawIOBase):
    """What a zip file is written to, and taken from."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        self._chunks.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data


async def as_csv(ctx: Context) -> AsyncIterator[bytes]:
    """A zip with a file per table, in pieces."""
    await _record_export(ctx, "csv")
    sink = _ZipBuffer()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for table, columns in COLUMNS.items():
            with archive.open(f"{table}.csv", "w") as file:
                file.write(csv_rows.to_csv([dict(zip(columns, columns, strict=True))], columns))
                async for rows in _read_batches(table, ctx.user_id):
                    file.write(csv_rows.to_csv(rows, columns))
                    yield sink.drain()
    yield sink.drain()
