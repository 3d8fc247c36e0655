"""Connections to the PostgreSQL server that accepts writes: one host, or the right one of several."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from hubbub.core import tasks

STAGGER_S = 0.5  # a host that does not answer for so long is no reason to wait before the next one is tried
# A simple query takes one round trip and passes through every pooler. Its status counts the rows.
WRITABLE = "SELECT 1 WHERE current_setting('transaction_read_only') = 'off' AND NOT pg_is_in_recovery()"
YES = "SELECT 1"

Opened = tuple[int, "asyncpg.Connection[asyncpg.Record]"]


class RefusesWrites(asyncpg.TargetServerAttributeNotMatched):
    """The server answers, and is a standby or read-only."""


class Hosts:
    """The servers that a database may be on. The one that accepted writes last is tried first."""

    def __init__(self, dsns: Sequence[str], session: str = "") -> None:
        self._dsns = dsns
        self._prepare = (
            f"{session}; {WRITABLE}" if session else WRITABLE
        )  # executed on a new connection before its first use
        self._last = 0

    async def connect(self, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":  # noqa: ANN401 - asyncpg's
        """Open a connection to a host that accepts writes.

        The hosts are tried one after the other, and at the same time if one takes long. Raises the error of
        the host that answered and refuses writes, else of the host that was tried last.
        """
        attempts = [functools.partial(self._open, number, options) for number in self._in_order()]
        if len(attempts) == 1:
            return (await attempts[0]())[1]
        self._last, connection = await _first(attempts)
        return connection

    def _in_order(self) -> list[int]:
        return [self._last, *(number for number in range(len(self._dsns)) if number != self._last)]

    async def _open(self, number: int, options: dict[str, Any]) -> Opened:
        connection = await asyncpg.connect(self._dsns[number], **options)
        try:
            accepts = await connection.execute(self._prepare) == YES
        except BaseException:
            connection.terminate()
            raise
        if accepts:
            return number, connection
        connection.terminate()
        raise RefusesWrites("it is a standby, or read-only")


async def _first(attempts: Sequence[Callable[[], Awaitable[Opened]]]) -> Opened:
    """Return what the first successful attempt opened; what others open is closed."""
    waiting = list(attempts)
    running: set[asyncio.Task[Opened | Exception]] = set()
    errors: list[Exception] = []
    try:
        while waiting or running:
            if waiting:
                running.add(tasks.spawn(_outcome(waiting.pop(0)), name="connecting to a database host"))
            timeout = STAGGER_S if waiting else None
            done, _ = await asyncio.wait(running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                running.discard(task)
                if not isinstance(found := task.result(), Exception):
                    return found
                errors.append(found)
    finally:
        for task in running:
            task.add_done_callback(_close)
            task.cancel()
    raise next((error for error in errors if isinstance(error, RefusesWrites)), errors[-1])


async def _outcome(attempt: Callable[[], Awaitable[Opened]]) -> Opened | Exception:
    """Return the error: that one host does not answer is no news yet."""
    try:
        return await attempt()
    except Exception as error:  # noqa: BLE001 - raised by `_first` if no host accepts writes
        return error


def _close(task: "asyncio.Task[Opened | Exception]") -> None:
    if not task.cancelled() and not isinstance(found := task.result(), Exception):
        found[1].terminate()
