"""Connections to the PostgreSQL server that accepts writes, with one or several hosts."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from hubbub.core import tasks

STAGGER_S = 0.5  # after which the next host is tried as well
# A simple query takes one round trip and passes through every pooler. Its status holds the row count.
WRITABLE_QUERY = "SELECT 1 WHERE current_setting('transaction_read_only') = 'off' AND NOT pg_is_in_recovery()"
WRITABLE_STATUS = "SELECT 1"

HostConnection = tuple[int, "asyncpg.Connection[asyncpg.Record]"]


class NotWritable(asyncpg.TargetServerAttributeNotMatched):
    """The server responds, but is a standby or read-only."""


class Hosts:
    """The servers of a database. The one that accepted writes last is tried first."""

    def __init__(self, dsns: Sequence[str], session_sql: str = "") -> None:
        self._dsns = dsns
        # Executed on a new connection before its first use.
        self._setup_sql = f"{session_sql}; {WRITABLE_QUERY}" if session_sql else WRITABLE_QUERY
        self._last_index = 0  # of the host that accepted writes last

    async def connect(self, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":  # noqa: ANN401 - asyncpg's
        """Open a connection to a host that accepts writes.

        The hosts are tried one after the other, and concurrently if one takes long. Raises the error of the
        host that responded and refuses writes, else of the last one tried.
        """
        attempts = [functools.partial(self._open, number, options) for number in self._host_order()]
        if len(attempts) == 1:
            return (await attempts[0]())[1]
        self._last_index, connection = await _first_success(attempts)
        return connection

    def _host_order(self) -> list[int]:
        others = [number for number in range(len(self._dsns)) if number != self._last_index]
        return [self._last_index, *others]

    async def _open(self, index: int, options: dict[str, Any]) -> HostConnection:
        connection = await asyncpg.connect(self._dsns[index], **options)
        try:
            is_writable = await connection.execute(self._setup_sql) == WRITABLE_STATUS
        except BaseException:
            connection.terminate()
            raise
        if is_writable:
            return index, connection
        connection.terminate()
        raise NotWritable("it is a standby, or read-only")


async def _first_success(attempts: Sequence[Callable[[], Awaitable[HostConnection]]]) -> HostConnection:
    """Return the result of the first successful attempt; close what others open."""
    remaining = list(attempts)
    running: set[asyncio.Task[HostConnection | Exception]] = set()
    errors: list[Exception] = []
    try:
        while remaining or running:
            if remaining:
                running.add(tasks.spawn(_outcome(remaining.pop(0)), name="connecting to a database host"))
            timeout = STAGGER_S if remaining else None
            done, _ = await asyncio.wait(running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                running.discard(task)
                if not isinstance(found := task.result(), Exception):
                    return found
                errors.append(found)
    finally:
        for task in running:
            task.add_done_callback(_close_opened)
            task.cancel()
    raise next((error for error in errors if isinstance(error, NotWritable)), errors[-1])


async def _outcome(attempt: Callable[[], Awaitable[HostConnection]]) -> HostConnection | Exception:
    """Return the result or the error, because another host may still succeed."""
    try:
        return await attempt()
    except Exception as error:  # noqa: BLE001 - raised by `_first_success` if no host accepts writes
        return error


def _close_opened(task: "asyncio.Task[HostConnection | Exception]") -> None:
    if not task.cancelled() and not isinstance(found := task.result(), Exception):
        found[1].terminate()
