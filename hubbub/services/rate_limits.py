"""Rate limits of one call: acquire, delay, count, and report the decision to the edge."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hubbub.core import metrics
from hubbub.core.errors import RateLimited
from hubbub.ratelimit.gcra import Decision
from hubbub.ratelimit.rate import Rate
from hubbub.services.context import Container

MAX_DELAYED_CALLS = 1000  # of one instance: calls that a leaky rate delays at a time; more are refused


class StrictestDecision:
    """The decision with the fewest remaining calls, of the limits that one call acquired."""

    def __init__(self) -> None:
        self.decision: Decision | None = None  # None: no limit applied so far

    def add(self, decision: Decision) -> None:
        """Keep a decision if it leaves no more than the one before."""
        if self.decision is None or decision.remaining <= self.decision.remaining:
            self.decision = decision


_observed: ContextVar[StrictestDecision | None] = ContextVar("rate_limit_decision", default=None)


@contextmanager
def observe() -> Iterator[StrictestDecision]:
    """Collect the decisions of the calls inside, also of tasks that they start."""
    strictest = StrictestDecision()
    token = _observed.set(strictest)
    try:
        yield strictest
    finally:
        _observed.reset(token)


def report(decision: Decision) -> None:
    """Hand a decision to the edge that observes this call, if one does."""
    strictest = _observed.get()
    if strictest is not None:
        strictest.add(decision)


async def acquire(container: Container, limit: str, key: str, rate: Rate | None) -> None:
    """Count one call for a key. With a leaky rate, return when its turn has come; None limits nothing.

    Raises RateLimited with the time to wait; metric `requests_limited`, by limit.
    """
    if rate is None:
        return
    decision = await container.rate_limiter.acquire(limit, key, rate)
    report(decision)
    if decision.wait_ms or (decision.delay_ms and container.delayed_calls >= MAX_DELAYED_CALLS):
        metrics.count("requests_limited", limit)
        raise RateLimited(retry_after_ms=decision.wait_ms or decision.delay_ms)
    if decision.delay_ms:
        container.delayed_calls += 1
        try:
            await asyncio.sleep(decision.delay_ms / 1000)
        finally:
            container.delayed_calls -= 1
