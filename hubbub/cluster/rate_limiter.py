"""Rate limits and failure counters over all instances."""

from typing import Protocol

from hubbub.ratelimit.backoff import FailureState
from hubbub.ratelimit.gcra import Decision
from hubbub.ratelimit.rate import Rate


class RateLimiter(Protocol):
    """Rate limits and failure counters, by kind and key. Never raises and never waits for long."""

    async def acquire(self, kind: str, key: str, rate: Rate, cost: int = 1) -> Decision:
        """Acquire `cost` from the limit of a key, or nothing. The rate may differ between calls.

        A negative cost returns what was acquired.
        """

    async def peek_failures(self, kind: str, key: str) -> FailureState:
        """Return the failures of a key."""

    async def record_failure(self, kind: str, key: str) -> FailureState:
        """Count a failure of a key."""

    async def forgive_failure(self, kind: str, key: str) -> FailureState:
        """Remove one failure of a key, if there is one."""

    async def reset_failures(self, kind: str, key: str) -> FailureState:
        """Remove the failures of a key, and record that an attempt succeeded."""
