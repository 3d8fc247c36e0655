"""The worker: claims due jobs, a few at a time, runs them and stores the outcome."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import aiojobs

from hubbub.cluster.bus import WORKERS_USER_ID, JobsWaiting, Signal
from hubbub.core import clock, metrics, tasks
from hubbub.core.batching import BatchLoader
from hubbub.core.errors import Unavailable
from hubbub.schemas.jobs import Queue
from hubbub.services.jobs import claims, kinds
from hubbub.services.maintenance import reencryption
from hubbub.workers.run import LeaseLost, Run

if TYPE_CHECKING:
    from hubbub.queries.jobs.claims import Slots
    from hubbub.schemas.jobs import JobPayload
    from hubbub.services.context import Container

log = logging.getLogger(__name__)

MAX_CONCURRENT_JOBS = 32  # of all kinds; each kind has its own limit
POLL_INTERVAL_S = 1.0  # without a signal from the bus
CONTENTION_PAUSE_S = 0.05  # after another worker took what was due
EXTEND_INTERVAL_S = claims.LEASE_S / 3
LOST_INTERVAL_S = 2.0  # between two searches for the jobs of lost workers
OUTCOME_RETRY_S = 1.0  # while the database is unavailable
STOP_TIMEOUT_S = 5.0  # for the running jobs when the worker stops
REENCRYPTION_INTERVAL_S = 600.0

JobHandler = Callable[["Container", Any], Awaitable[None]]  # the second argument is a payload of its kind


class Worker:
    """Runs the jobs of the kinds that have a handler, of all queues or of some."""

    def __init__(
        self,
        container: "Container",
        handlers: "Mapping[type[JobPayload], JobHandler]",
        queues: Collection[Queue] = tuple(Queue),
    ) -> None:
        self._container = container  # what jobs need
        self._handlers = handlers  # by the class of the payload
        self._queues = queues  # whose jobs are claimed
        # Runs that have not ended. Two are of one job if its lease expired and this worker claimed it again.
        self._runs: set[Run] = set()
        # Jobs that end while others are being marked as done are marked by one statement.
        self._finisher = BatchLoader(claims.finish_all, name="job outcomes")
        self._wake = asyncio.Event()  # set when jobs may be due or a slot is free
        self._pause_s = POLL_INTERVAL_S  # until the next poll
        self._claim_task: asyncio.Task[int] | None = None  # the last claim, which nothing interrupts
        self._lost_checked_at = 0.0  # monotonic time of the last search for the jobs of lost workers
        # Time of the database less the monotonic time, at the last search: it falls if the clock goes back.
        self._clock_ahead_s: float | None = None
        self._scheduler: aiojobs.Scheduler  # runs the claimed jobs
        self._poll_task = tasks.PeriodicTask(
            self._poll, name="jobs", interval_s=lambda: self._pause_s, wake=self._wake, immediately=True
        )
        self._loops = (
            tasks.PeriodicTask(self._extend_leases, name="job leases", interval_s=EXTEND_INTERVAL_S),
            tasks.PeriodicTask(
                self._requeue_lost, name="lost jobs", interval_s=LOST_INTERVAL_S, immediately=True
            ),
            tasks.PeriodicTask(self._reencrypt, name="re-encryption", interval_s=REENCRYPTION_INTERVAL_S),
        )
        container.bus.add_handler(self._on_signal)

    def start(self) -> None:
        """Start claiming and running jobs."""
        self._scheduler = aiojobs.Scheduler(
            limit=MAX_CONCURRENT_JOBS,
            pending_limit=MAX_CONCURRENT_JOBS,
            close_timeout=STOP_TIMEOUT_S,
            exception_handler=_on_failure,
        )
        self._lost_checked_at = clock.monotonic()
        self._container.bus.subscribe_user(WORKERS_USER_ID)
        for task in (self._poll_task, *self._loops):
            task.start()

    async def close(self) -> None:
        """Claim no more jobs. Running jobs finish within 5 s or are released."""
        await self._poll_task.close()
        if self._claim_task is not None:
            await asyncio.wait([self._claim_task], timeout=STOP_TIMEOUT_S)
        await self._scheduler.wait_and_close(STOP_TIMEOUT_S)
        for task in self._loops:
            await task.close()  # leases are extended until the jobs have ended
        self._container.bus.unsubscribe_user(WORKERS_USER_ID)

    def _on_signal(self, signal: Signal) -> None:
        if isinstance(signal, JobsWaiting):
            self._wake.set()

    async def _poll(self) -> None:
        """Claim due jobs until none is left or no slot is free. Set the pause until the next poll."""
        self._pause_s = POLL_INTERVAL_S
        while slots := self._free_slots():
            due_in_s = await claims.next_due_s(slots)
            if due_in_s is None or due_in_s > 0:
                self._pause_s = min(POLL_INTERVAL_S, due_in_s or POLL_INTERVAL_S)
                return
            self._claim_task = tasks.spawn(self._claim(slots), name="job claim")
            if not await asyncio.shield(self._claim_task):
                self._pause_s = CONTENTION_PAUSE_S
                return

    def _free_slots(self) -> "list[Slots]":
        """Return the free slots of each kind. Empty if there is none."""
        free = MAX_CONCURRENT_JOBS - len(self._runs)
        running = Counter(run.kind.name for run in self._runs)
        slots = [
            claims.slots_of(kind, min(free, kind.concurrency - running[kind.name]))
            for kind in kinds.KINDS
            if kind.queue in self._queues and kind.payload in self._handlers
        ]
        return [each for each in slots if each.free > 0]

    async def _claim(self, slots: "list[Slots]") -> int:
        """Claim jobs for the free slots and start them; return how many."""
        claimed = await claims.claim(slots, MAX_CONCURRENT_JOBS - len(self._runs))
        for job in claimed:
            self._cancel_earlier_runs(job)
            run = Run(job, kinds.named(job.kind))
            self._runs.add(run)
            await self._scheduler.spawn(self._run_job(run))
        return len(claimed)

    def _cancel_earlier_runs(self, job: claims.Job) -> None:
        """Cancel what this worker still runs of a job that it claims: the lease of that run has expired."""
        for run in self._runs:
            if run.job.id == job.id and not run.ended:
                run.lose_lease()

    async def _run_job(self, run: Run) -> None:
        """Run one job and store the outcome. The slot is free afterwards."""
        job = run.job
        try:
            payload = kinds.decode(run.kind, job.payload, job.version)
            await run.execute(self._handlers[run.kind.payload](self._container, payload))
            await self._finish(run)
        except asyncio.CancelledError:
            await self._release(run)
            raise
        except LeaseLost:
            metrics.count("jobs_lost")
            log.warning("a run was cancelled because a later claim holds its job", extra=_fields(run))
        except kinds.Unfinished as more:
            payload = more.payload
            await self._store_outcome(lambda: claims.save_progress(job, payload))
        except Exception as error:  # noqa: BLE001 - every error is stored with the job
            await self._fail(run, error)
        finally:
            self._runs.remove(run)
            self._wake.set()

    async def _finish(self, run: Run) -> None:
        await self._store_outcome(lambda: self._finisher.get(run.job))
        metrics.count("jobs_done")

    async def _release(self, run: Run) -> None:
        """Return the job of a worker that stops. What can't be cancelled runs again after its lease."""
        if not await run.stop():
            metrics.count("jobs_lost")
            return
        outcome = claims.finish(run.job) if run.succeeded else claims.release(run.job)
        try:
            await outcome
        except Unavailable:
            metrics.count("jobs_lost")

    async def _fail(self, run: Run, error: Exception) -> None:
        dead = claims.is_dead(run.job, error)
        await self._store_outcome(lambda: claims.fail(run.job, error))
        metrics.count("jobs_dead" if dead else "jobs_failed")
        fields = {**_fields(run), "attempt": run.job.attempts, "error": repr(error)}
        if dead:
            log.error("a job failed for good and is kept", extra=fields)
        else:
            log.warning("a job failed and will be retried", extra=fields)

    async def _store_outcome(self, write: Callable[[], Awaitable[None]]) -> None:
        """Store an outcome, as soon as the database is available. The job keeps its slot until then."""
        while True:
            try:
                return await write()
            except Unavailable:
                metrics.count("jobs_outcomes_retried")
                await asyncio.sleep(OUTCOME_RETRY_S)

    async def _extend_leases(self) -> None:
        """Extend the leases of the running jobs, and cancel what another worker holds."""
        running = [run for run in self._runs if not run.ended]
        held = await claims.extend({run.job.lease for run in self._runs})
        for run in running:
            if run.job.id not in held and not run.ended:
                run.lose_lease()

    async def _requeue_lost(self) -> None:
        """Requeue the jobs of lost workers, and follow a clock that went back.

        After an interruption of this loop, one round is left out: the database or this machine was stalled,
        and the other workers extend their leases first.
        """
        now = clock.monotonic()
        interrupted = now - self._lost_checked_at > 2 * LOST_INTERVAL_S
        lost, database_time = await claims.any_lost()
        ahead_s = database_time.timestamp() - now
        if self._clock_ahead_s is None or ahead_s < self._clock_ahead_s - claims.CLOCK_TOLERANCE_S:
            await claims.follow_clock()
            self._wake.set()
        if lost and not interrupted and await claims.requeue_lost():
            self._wake.set()
        self._lost_checked_at, self._clock_ahead_s = now, ahead_s

    async def _reencrypt(self) -> None:
        await reencryption.run(self._container)


def _on_failure(_scheduler: aiojobs.Scheduler, context: dict[str, Any]) -> None:
    """Log what `_run_job` did not expect. The lease of the job expires, and it runs again."""
    metrics.count("jobs_lost")
    log.error("the outcome of a job was not stored", exc_info=context.get("exception"))


def _fields(run: Run) -> dict[str, object]:
    return {"job": str(run.job.id), "kind": run.kind.name}
