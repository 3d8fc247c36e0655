"""A worker: takes jobs that are due, a few at a time, and answers for them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import aiojobs

from hubbub.cluster.bus import NOBODY, JobsWaiting, Signal
from hubbub.core import ids, metrics, tasks
from hubbub.core.errors import Unavailable
from hubbub.services.jobs import queue, retention
from hubbub.services.maintenance import reencryption

if TYPE_CHECKING:
    from hubbub.services.context import Container

log = logging.getLogger(__name__)

AT_ONCE = 8
POLL_S = 1.0  # without a word from the bus
JOB_S = 300.0
STOP_S = 5.0  # for what is being done when the worker stops
TIDY_S = 600.0

Work = Callable[["Container", dict[str, object]], Awaitable[None]]


class Worker:
    """Does the jobs of the kinds that are in `table`, of all queues."""

    def __init__(self, parts: "Container", table: Mapping[str, Work]) -> None:
        self._parts = parts
        self._table = table
        self._lease = ids.uuid7()
        self._poked = asyncio.Event()
        self._scheduler: aiojobs.Scheduler
        self._running: list[asyncio.Task[None]] = []
        parts.bus.listen(self._hear)

    async def start(self) -> None:
        """Begin."""
        self._scheduler = aiojobs.Scheduler(limit=AT_ONCE, pending_limit=AT_ONCE, close_timeout=STOP_S)
        self._parts.bus.follow_user(NOBODY)
        loops = {
            "jobs": tasks.every(0, self._turn, name="jobs"),
            "job leases": tasks.every(queue.LEASE_S / 3, self._beat, name="job leases"),
            "retention": tasks.every(TIDY_S, self._tidy, name="retention"),
        }
        self._running = [tasks.spawn(loop, name=name) for name, loop in loops.items()]

    async def close(self) -> None:
        """Take nothing more; finish what is being done, or give it back."""
        for task in self._running[::2]:  # the leases are kept to the end
            await tasks.stop(task)
        await self._scheduler.wait_and_close(STOP_S)
        await tasks.stop(self._running[1])
        self._parts.bus.unfollow_user(NOBODY)

    def _hear(self, signal: Signal) -> None:
        if isinstance(signal, JobsWaiting):
            self._poked.set()

    async def _turn(self) -> None:
        """Take what is due; then wait for a word, or a moment."""
        try:
            more = await self._take()
        except Unavailable:
            more = False  # the database's own module has said it
        except Exception:
            await asyncio.sleep(POLL_S)
            raise
        if more:
            return
        try:
            async with asyncio.timeout(POLL_S):
                await self._poked.wait()
        except TimeoutError:
            return

    async def _take(self) -> bool:
        """Take as many as there is room for; returns whether there may be more."""
        self._poked.clear()
        free = AT_ONCE - len(self._scheduler)
        if free <= 0 or not await queue.has_due():
            return False
        taken = await queue.claim(self._lease, free)
        for job in taken:
            await self._scheduler.spawn(self._do(job))
        return len(taken) == free

    async def _do(self, job: queue.Job) -> None:
        """One job, to its end, whatever that is."""
        try:
            async with asyncio.timeout(JOB_S):
                # Of a kind that only a newer version knows: KeyError, and tried again, perhaps elsewhere.
                await self._table[job.kind](self._parts, job.payload)
            await queue.finish(self._lease, job)
            metrics.count("jobs_done")
        except asyncio.CancelledError:
            await self._answer(queue.release(self._lease, job))
            raise
        except queue.Unfinished as more:
            await self._answer(queue.proceed(self._lease, job, more.payload))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is kept with the job
            await self._answer(self._failed(job, error))
        finally:
            self._poked.set()

    async def _failed(self, job: queue.Job, error: Exception) -> None:
        dead = await queue.fail(self._lease, job, error)
        metrics.count("jobs_dead" if dead else "jobs_failed")
        told = {"job": str(job.id), "kind": job.kind, "attempt": job.attempts, "error": repr(error)}
        if dead:
            log.error("a job can't be done and is kept", extra=told)
        else:
            log.warning("a job failed and is tried again", extra=told)

    async def _answer(self, said: Awaitable[None]) -> None:
        """Say it to the database; if that is away, the lease runs out and the job is done again."""
        try:
            await said
        except Unavailable:
            metrics.count("jobs_lost")

    async def _beat(self) -> None:
        await queue.extend_lease(self._lease)

    async def _tidy(self) -> None:
        settings = self._parts.settings
        await retention.tidy(settings.retention_days, settings.audit_days)
        await reencryption.run(self._parts)
