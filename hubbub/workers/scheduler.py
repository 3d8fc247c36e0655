"""The scheduler: enqueues the jobs of the schedules when they are due. Of several, one acts at a time."""

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from hubbub.cluster.bus import JobsWaiting
from hubbub.core import ids, tasks
from hubbub.core.errors import Unavailable
from hubbub.services.jobs import scheduling

if TYPE_CHECKING:
    from hubbub.services.context import Container

log = logging.getLogger(__name__)


class Scheduler:
    """Takes part in the schedules of the deployment."""

    def __init__(self, container: "Container") -> None:
        self._container = container  # with the settings and the bus
        self._run = ids.uuid7()  # identifies this scheduler in its lease
        self._pause_s = 0.0  # until the next step
        self._task = tasks.PeriodicTask(
            self._step, name="scheduler", interval_s=lambda: self._pause_s, immediately=True
        )

    def start(self) -> None:
        """Begin with the runs that were missed."""
        self._task.start()

    async def close(self) -> None:
        """Stop, and let another scheduler act."""
        await self._task.close()
        with suppress(Unavailable):
            await scheduling.release(self._run)

    async def _step(self) -> None:
        self._pause_s = scheduling.MAX_PAUSE_S
        enqueued, self._pause_s = await scheduling.step(self._container.settings, self._run)
        if enqueued:
            self._container.bus.publish(JobsWaiting())
