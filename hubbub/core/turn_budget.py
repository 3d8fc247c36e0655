"""A queue of short work that may use a limited time of each turn of the event loop."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from hubbub.core import clock, metrics

log = logging.getLogger(__name__)

BUDGET_S = 0.002  # of one turn of the event loop; one piece of work may exceed it
MAX_WAITING = 10_000  # pieces that wait, before the owner should refuse more: a crowd, served within 5 s


class TurnBudget:
    """Runs pieces of work in order, at once while there is time in this turn, otherwise in later turns.

    A crowd that connects at once then delays everything else by the budget, not by its own size.
    """

    def __init__(self, budget_s: float = BUDGET_S) -> None:
        self._budget_s = budget_s  # seconds in one turn
        self._waiting: deque[Callable[[], None]] = deque()  # the oldest first
        self._spent_s = 0.0  # seconds used in this turn
        self._scheduled = False  # whether `_start_turn` is called in the next turn

    def __len__(self) -> int:
        """Return the number of pieces that wait."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether so much waits that further work should be refused."""
        return len(self._waiting) >= MAX_WAITING

    def try_run(self, work: Callable[[], None]) -> bool:
        """Run `work` and return True; return False if earlier work waits or the time of the turn is used."""
        if self._waiting or self._spent_s >= self._budget_s:
            return False
        self._schedule()
        started_at = clock.monotonic()
        try:
            work()
        finally:
            self._spent_s += clock.monotonic() - started_at
        return True

    def enqueue(self, work: Callable[[], None]) -> None:
        """Run `work` after the work that waits, in a later turn. It must check whether it is still wanted."""
        self._waiting.append(work)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._start_turn)

    def _start_turn(self) -> None:
        """Run what waits, within the time of this turn."""
        self._scheduled, self._spent_s = False, 0.0
        if not self._waiting:
            return
        self._schedule()
        started_at = clock.monotonic()
        while self._waiting and self._spent_s < self._budget_s:
            work = self._waiting.popleft()
            try:
                work()
            except Exception:
                metrics.count("task_failures")
                log.exception("work of a turn failed")
            self._spent_s = clock.monotonic() - started_at
