"""Exports the data of a user in batches of rows: as one JSON object, or as a zip of CSV files."""

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from hubbub import models
from hubbub.core import clock
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action
from hubbub.schemas.base import decode, encode
from hubbub.services import csv_rows, pagination
from hubbub.services.accounts import user_data
from hubbub.services.accounts.user_data import UserTable
from hubbub.services.audit import recorder
from hubbub.services.auth import sessions, two_factor
from hubbub.services.context import Context

EXPORT_BATCH_ROWS = 500

Row = dict[str, Any]


def _columns(table: UserTable) -> tuple[str, ...]:
    """Return the columns of a table in the export. The account also says whether two-factor is on."""
    return (*table.columns, "two_factor") if table.model is models.User else table.columns


async def _read_batches(table: UserTable, user_id: UUID) -> AsyncIterator[list[Row]]:
    """Yield all rows of a table, ascending by id. Memory holds one batch."""
    async for batch in pagination.batches(table.rows(user_id), EXPORT_BATCH_ROWS, table.columns):
        rows: list[Row] = batch
        if table.model is models.User:
            async with database.guard():
                enabled = await two_factor.is_enabled(user_id)
            rows = [{**row, "two_factor": enabled} for row in batch]
        yield [{name: _to_json_value(value) for name, value in row.items()} for row in rows]


def _to_json_value(value: object) -> object:
    return clock.rfc3339(value) if hasattr(value, "astimezone") else value  # type: ignore[arg-type]


def _with_json(table: UserTable, row: Row) -> Row:
    """Return a row in which JSON is not text."""
    texts = {name: row[name] for name in table.json_columns}
    return {**row, **{name: text and decode(text) for name, text in texts.items()}}


async def _record_export(ctx: Context, kind: str) -> None:
    async with database.transaction() as tx:
        await sessions.lock_caller(ctx, confirmed=True)
        await audit_log.record(tx, recorder.act_of(ctx, Action.EXPORT_ACCOUNT), format=kind)


async def as_json(ctx: Context) -> AsyncIterator[bytes]:
    """Yield `{"data": {"account": {…}, "messages": […], …}}` in pieces."""
    await _record_export(ctx, "json")
    start = b'{"data":{'
    for table in user_data.exported():
        single = table.model is models.User
        yield start + encode(table.export) + (b":" if single else b":[")
        comma = b""
        async for rows in _read_batches(table, ctx.user_id):
            yield comma + b",".join(encode(_with_json(table, row)) for row in rows)
            comma = b","
        start = b"," if single else b"],"
    yield b"]}}"


class _ZipBuffer(io.RawIOBase):
    """A file for `zipfile` whose content is taken in pieces."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytes] = []  # written and not taken yet

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        self._chunks.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        """Return what was written since the last call."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data


async def as_csv(ctx: Context) -> AsyncIterator[bytes]:
    """Yield a zip with one CSV file per table, in pieces."""
    await _record_export(ctx, "csv")
    sink = _ZipBuffer()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in user_data.exported():
            columns = _columns(table)
            with archive.open(f"{table.export}.csv", "w") as file:
                file.write(csv_rows.to_csv([dict(zip(columns, columns, strict=True))], columns))
                async for rows in _read_batches(table, ctx.user_id):
                    file.write(csv_rows.to_csv(rows, columns))
                    yield sink.drain()
    yield sink.drain()
