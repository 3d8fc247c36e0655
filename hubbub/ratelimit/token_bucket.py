"""FAST PATH: one token bucket in memory, for the events of one connection."""

from hubbub.core import clock
from hubbub.ratelimit.rate import Rate


class TokenBucket:
    """One caller's allowance at one rate; `None` allows everything."""

    __slots__ = ("level", "rate", "refilled_at")

    def __init__(self, rate: Rate | None) -> None:
        self.rate = rate
        self.level = float(rate.burst) if rate else 0.0
        self.refilled_at = clock.monotonic()

    def acquire(self) -> int:
        """Take one; 0 if there was one, else the milliseconds until there is."""
        if not (wait_ms := self.wait_ms()) and self.rate is not None:
            self.level -= 1
        return wait_ms

    def wait_ms(self) -> int:
        """0 if there is one, else the milliseconds until there is; takes none."""
        if self.rate is None:
            return 0
        now = clock.monotonic()
        self.level = min(self.rate.burst, self.level + (now - self.refilled_at) * self.rate.per_s)
        self.refilled_at = now
        return 0 if self.level >= 1 else max(1, int((1 - self.level) / self.rate.per_s * 1000) + 1)

    def refund(self) -> None:
        """Undo one `take`."""
        if self.rate is not None:
            self.level = min(self.rate.burst, self.level + 1)
