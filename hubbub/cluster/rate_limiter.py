"""Rate limits and failure counters over all instances."""

from typing import Protocol

from hubbub.ratelimit.backoff import FailureOperation, FailureState
from hubbub.ratelimit.gcra import Decision
from hubbub.ratelimit.rate import Rate


class RateLimiter(Protocol):
    """Rate limits and failure counters, by kind and key. Never raises and never waits for long."""

    async def acquire(self, kind: str, key: str, rate: Rate, cost: int = 1) -> Decision:
        """Acquire `cost` from the limit of a key, or nothing. The rate may differ between calls.

        A negative cost returns what was acquired.
        """

    async def update_failures(self, kind: str, key: str, operation: FailureOperation) -> FailureState:
        """Record the outcome of an attempt, or only read the state. Return the state of the key."""
