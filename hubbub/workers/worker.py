"""The worker: claims due jobs, a few at a time, runs them and stores the outcome."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import aiojobs

from hubbub.cluster.bus import WORKERS_USER_ID, JobsWaiting, Signal
from hubbub.core import ids, metrics, tasks
from hubbub.core.errors import Unavailable
from hubbub.services.jobs import kinds, queue, retention
from hubbub.services.maintenance import reencryption

if TYPE_CHECKING:
    from hubbub.schemas.jobs import JobPayload
    from hubbub.services.context import Container

log = logging.getLogger(__name__)

MAX_CONCURRENT_JOBS = 8
POLL_INTERVAL_S = 1.0  # without a signal from the bus
STOP_TIMEOUT_S = 5.0  # for the running jobs when the worker stops
PURGE_INTERVAL_S = 600.0

JobHandler = Callable[["Container", Any], Awaitable[None]]  # the second argument is a payload of its kind


class Worker:
    """Runs the jobs of the kinds that have a handler, of all queues."""

    def __init__(self, container: "Container", handlers: "Mapping[type[JobPayload], JobHandler]") -> None:
        self._container = container  # what jobs need
        self._handlers = handlers  # by the class of the payload
        self._lease_id = ids.uuid7()  # identifies this worker in the rows of the jobs that it runs
        self._wake = asyncio.Event()  # set when jobs may be due or a slot is free
        self._scheduler: aiojobs.Scheduler  # runs the claimed jobs
        self._poll_task = tasks.PeriodicTask(
            self._poll, name="jobs", interval_s=POLL_INTERVAL_S, wake=self._wake, immediately=True
        )
        self._lease_task = tasks.PeriodicTask(
            self._extend_lease, name="job leases", interval_s=kinds.MIN_LEASE_S / 3
        )
        self._purge_task = tasks.PeriodicTask(self._purge, name="retention", interval_s=PURGE_INTERVAL_S)
        container.bus.add_handler(self._on_signal)

    def start(self) -> None:
        """Start claiming and running jobs."""
        self._scheduler = aiojobs.Scheduler(
            limit=MAX_CONCURRENT_JOBS, pending_limit=MAX_CONCURRENT_JOBS, close_timeout=STOP_TIMEOUT_S
        )
        self._container.bus.subscribe_user(WORKERS_USER_ID)
        for task in (self._poll_task, self._lease_task, self._purge_task):
            task.start()

    async def close(self) -> None:
        """Claim no more jobs. Running jobs finish within 5 s or are released."""
        await self._poll_task.close()
        await self._purge_task.close()
        await self._scheduler.wait_and_close(STOP_TIMEOUT_S)
        await self._lease_task.close()  # leases are extended until the jobs have ended
        self._container.bus.unsubscribe_user(WORKERS_USER_ID)

    def _on_signal(self, signal: Signal) -> None:
        if isinstance(signal, JobsWaiting):
            self._wake.set()

    async def _poll(self) -> None:
        """Claim due jobs, until none is left or no slot is free."""
        while await self._claim():
            pass

    async def _claim(self) -> bool:
        """Claim a job for each free slot; return whether more may be due."""
        free_slots = MAX_CONCURRENT_JOBS - len(self._scheduler)
        if free_slots <= 0 or not await queue.has_due():
            return False
        claimed = await queue.claim(self._lease_id, free_slots)
        for job in claimed:
            await self._scheduler.spawn(self._run_job(job))
        return len(claimed) == free_slots

    async def _run_job(self, job: queue.Job) -> None:
        """Run one job and store the outcome.

        A job of a kind that only a newer release has fails and runs again, perhaps on a newer worker. A job
        whose payload does not decode is dead.
        """
        try:
            kind = kinds.named(job.kind)
            payload = kinds.decode(kind, job.payload)
            async with asyncio.timeout(kind.timeout_s):
                await self._handlers[kind.payload](self._container, payload)
            await queue.finish(self._lease_id, job)
            metrics.count("jobs_done")
        except asyncio.CancelledError:
            await self._store_outcome(queue.release(self._lease_id, job))
            raise
        except queue.Unfinished as more:
            await self._store_outcome(queue.save_progress(self._lease_id, job, more.payload))
        except Exception as error:  # noqa: BLE001 - every error is stored with the job
            await self._store_outcome(self._fail(job, error))
        finally:
            self._wake.set()

    async def _fail(self, job: queue.Job, error: Exception) -> None:
        dead = await queue.fail(self._lease_id, job, error)
        metrics.count("jobs_dead" if dead else "jobs_failed")
        fields = {"job": str(job.id), "kind": job.kind, "attempt": job.attempts, "error": repr(error)}
        if dead:
            log.error("a job failed for good and is kept", extra=fields)
        else:
            log.warning("a job failed and will be retried", extra=fields)

    async def _store_outcome(self, write: Awaitable[None]) -> None:
        """Store an outcome. While the database is unavailable, the lease expires and the job runs again."""
        try:
            await write
        except Unavailable:
            metrics.count("jobs_lost")

    async def _extend_lease(self) -> None:
        await queue.extend_lease(self._lease_id)

    async def _purge(self) -> None:
        settings = self._container.settings
        await retention.purge(settings.retention_days, settings.audit_days)
        await reencryption.run(self._container)
