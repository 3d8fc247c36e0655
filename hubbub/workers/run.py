"""One run of a job: the handler in a task of its own, with its time limit and its cancellation."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from hubbub.core import metrics

if TYPE_CHECKING:
    from hubbub.services.jobs.claims import Job
    from hubbub.services.jobs.kinds import Kind

log = logging.getLogger(__name__)

CANCEL_TIMEOUT_S = 2.0  # in which a cancelled run ends; afterwards it is one that can't be cancelled


class LeaseLost(Exception):
    """A later claim holds the job: this run was cancelled, and has no outcome."""


class Run:
    """One run of a claimed job. It keeps its slot until its handler has ended, whatever the time limit."""

    def __init__(self, job: "Job", kind: "Kind") -> None:
        self.job = job  # with the lease of its claim
        self.kind = kind  # with the limits
        self.ended = False  # whether the handler has ended, so that only its outcome is to be stored
        self._task: asyncio.Future[None] | None = None  # runs the handler
        self._lease_lost = False  # whether `lose_lease` was called

    async def execute(self, work: Awaitable[None]) -> None:
        """Run the handler to its end. Raises what it raises, TimeoutError (its time limit) or LeaseLost.

        A caller that is cancelled calls `stop`.
        """
        self._task = asyncio.ensure_future(work)  # noqa: TID251 - its failure is stored with the job
        try:
            await asyncio.wait([self._task], timeout=self.kind.timeout_s)
            overdue = not self._task.done()
            if overdue:
                await self._end_overdue(self._task)
        finally:
            self.ended = self._task.done()
        if self._task.cancelled():
            if self._lease_lost:
                raise LeaseLost
            if overdue:
                raise TimeoutError(f"The run took longer than {self.kind.timeout_s:g} s.")
            raise RuntimeError("The handler cancelled itself.")
        self._task.result()

    async def _end_overdue(self, task: asyncio.Future[None]) -> None:
        """Cancel a run after its time limit. Count one that can't be cancelled, and wait for its end."""
        if not await self._cancel(task):
            metrics.count("jobs_overdue")
            log.warning(
                "a job runs longer than its time limit and can't be cancelled",
                extra={"job": str(self.job.id), "kind": self.kind.name},
            )
            await asyncio.wait([task])

    async def _cancel(self, task: asyncio.Future[None]) -> bool:
        if self.kind.cancellable:
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_TIMEOUT_S)
        return task.done()

    async def stop(self) -> bool:
        """Cancel the handler because the worker stops. Returns whether it has ended."""
        if self._task is None:
            return True
        self.ended = await self._cancel(self._task)
        return self.ended

    @property
    def succeeded(self) -> bool:
        """Whether the handler has ended without an error."""
        task = self._task
        return task is not None and task.done() and not task.cancelled() and task.exception() is None

    def lose_lease(self) -> None:
        """Cancel the run because a later claim holds the job. A run that can't be cancelled continues."""
        self._lease_lost = True
        if self._task is not None and self.kind.cancellable:
            self._task.cancel()
