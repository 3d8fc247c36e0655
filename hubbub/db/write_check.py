"""The write check: tests every second whether the database accepts writes, and until it does again."""

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

from tortoise.transactions import in_transaction

from hubbub.core import clock, metrics, tasks
from hubbub.db import errors, stored_values
from hubbub.db.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

CHECK_INTERVAL_S = 1.0
RETRY_INTERVAL_S = 0.5  # between two attempts while the database is unavailable
LOG_INTERVAL_S = 60.0  # between two log lines about one outage
DROP_LOG_WINDOW_S = 2.0  # connections that are replaced within this time share one log line
WRITE_S = 5.0
TEST_WRITE_BYTES = 32 * 1024  # bytes, written in hex: more than is left on an almost full disk
TEST_WRITE_KEY = "write-check"


class WriteCheck:
    """Closes connections that can't write, and holds whether the database is unavailable.

    `client` is the engine's; `name` is that of its connection in Tortoise.
    """

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - Tortoise's clients share no typed base
        self._client = client
        self._connection_name = name
        self._disk_failed = False  # the last write failed because the disk is full or read-only
        self._recovery_task: asyncio.Task[None] | None = None  # waits until the database accepts writes
        self._check_task = tasks.PeriodicTask(
            self._check,
            name="write check",
            interval_s=CHECK_INTERVAL_S,
            wake=getattr(client, "check_requested", None),  # set when a statement fails
        )
        self._next_log_at = 0.0  # when replaced connections are logged, by the monotonic clock
        self.unavailable = False  # the database accepts no writes
        self.on_available: list[Callable[[], None]] = []  # called when it accepts writes after an error

    def start(self) -> None:
        """Start checking."""
        self._check_task.start()

    async def close(self) -> None:
        """Stop checking. Safe to call twice."""
        await self._check_task.close()
        await tasks.stop(self._recovery_task)

    def report_failure(self, cause: str, error: BaseException | None = None) -> None:
        """Check whether the database accepts writes, because something failed or took too long."""
        metrics.count("database_errors")
        if error is not None and errors.is_disk_error(error):
            self._disk_failed = True
        if self._recovery_task is None or self._recovery_task.done():
            self._recovery_task = tasks.spawn(self._wait_until_writable(cause), name="database recovery")

    async def _check(self) -> None:
        """Check the idle connections. If one fails, look for a server that accepts writes."""
        if (error := await self._client.check()) is not None:
            self.report_failure(repr(errors.unwrap(error)))
        if self._recovery_task is None or self._recovery_task.done():
            self._log_dropped()

    def _log_dropped(self) -> None:
        """Log one line for all connections that were replaced within some seconds."""
        dropped: list[BaseException] = getattr(self._client, "dropped", [])
        now = clock.monotonic()
        if not dropped:
            self._next_log_at = now + DROP_LOG_WINDOW_S
        if now < self._next_log_at or not dropped:
            return
        reason = errors.reason(dropped[0]) or repr(dropped[0])
        extra = {"reason": reason, "count": len(dropped)}
        dropped.clear()
        log.warning("database connections were replaced", extra=extra)

    async def _wait_until_writable(self, cause: str) -> None:
        """Probe until there is a server that accepts writes.

        The outage is logged when it starts, each minute, and when it ends, whatever else fails meanwhile. A
        single failure is not logged.
        """
        started_at, logged_at = clock.monotonic(), float("-inf")
        while (error := await self._refusal()) is not None:
            if clock.monotonic() - logged_at >= LOG_INTERVAL_S:
                logged_at = clock.monotonic()
                reason = errors.reason(error) or repr(error)
                log.warning("the database is unavailable", extra={"reason": reason, "error": cause})
            self.unavailable = True
            self._client.unresponsive = not errors.is_disk_error(error)  # a full disk can still be read
            await asyncio.sleep(RETRY_INTERVAL_S)
        self._client.unresponsive = False
        if self.unavailable:
            self.unavailable = False
            getattr(self._client, "dropped", []).clear()  # the warning above has the reason
            log.info("the database is available", extra={"seconds": round(clock.monotonic() - started_at, 1)})
        for listener in self.on_available:
            listener()

    async def _refusal(self) -> BaseException | None:
        """Return why nothing can be written; after a disk error, by a test write."""
        error: BaseException | None = await self._client.refusal()
        if error is None and self._disk_failed:
            self._client.unresponsive = False
            error = await self._test_write()
            self._disk_failed = error is not None
        return error

    async def _test_write(self) -> BaseException | None:
        try:
            async with asyncio.timeout(WRITE_S):
                async with in_transaction(self._connection_name) as client:
                    await stored_values.put(Sql(client), TEST_WRITE_KEY, os.urandom(TEST_WRITE_BYTES).hex())
                async with in_transaction(self._connection_name) as client:
                    await stored_values.delete(Sql(client), TEST_WRITE_KEY)
        except Exception as error:  # noqa: BLE001 - returned as the reason, unless it is an error in hubbub
            return error if errors.is_unavailable(error) else None
        return None
