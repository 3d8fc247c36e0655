"""What somebody may still do, counted over all instances."""

from typing import Protocol

from hubbub.ratelimit.backoff import FailureOperation, FailureState
from hubbub.ratelimit.gcra import Decision
from hubbub.ratelimit.rate import Rate


class RateLimiter(Protocol):
    """Buckets and failed attempts, by kind and key. Never raises, never keeps anybody waiting for long."""

    async def acquire(self, kind: str, key: str, rate: Rate, cost: int = 1) -> Decision:
        """Take `cost` of what the key may, or none; the rate may be another one each time.

        A negative cost gives back what was taken.
        """

    async def update_failures(self, kind: str, key: str, operation: FailureOperation) -> FailureState:
        """Note how an attempt went, or look how the last ones did."""
