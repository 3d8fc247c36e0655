"""FAST PATH: GCRA for one caller, in memory, for the events of one connection.

The arithmetic is that of `gcra.GcraLimiter`: a single time in whole microseconds, at which the burst is
available again. docs/decisions/0024-one-limiter.md has the measurement.
"""

from functools import lru_cache

from hubbub.core import clock
from hubbub.ratelimit.gcra import US_PER_MS, US_PER_S, interval_us
from hubbub.ratelimit.rate import Rate


@lru_cache(maxsize=64)
def _interval_and_tolerance_us(rate: Rate | None) -> tuple[int, int]:
    if rate is None:
        return 0, 0
    interval = interval_us(rate)
    return interval, interval * (rate.burst - 1)


class SingleKeyLimiter:
    """Limits one caller to one rate; None allows everything."""

    __slots__ = ("_full_at", "_interval_us", "_tolerance_us", "ready")

    def __init__(self, rate: Rate | None) -> None:
        # For one token (0: no limit), and for the burst beyond one. All limiters of a rate share the numbers.
        self._interval_us, self._tolerance_us = _interval_and_tolerance_us(rate)
        self._full_at = 0  # monotonic microseconds at which the whole burst is available again
        # Whether a token was left after the last call, so that one is left now. Otherwise call `wait_ms`.
        self.ready = True

    @property
    def limits(self) -> bool:
        """Whether there is a rate."""
        return self._interval_us > 0

    def acquire(self) -> int:
        """Take a token. Return 0, or the milliseconds until one is available; then none was taken."""
        interval = self._interval_us
        if not interval:
            return 0
        now = int(clock.monotonic() * US_PER_S)
        full_at = self._full_at
        full_at = max(full_at, now)
        excess = full_at - now - self._tolerance_us
        if excess > 0:
            return -(-excess // US_PER_MS)
        self._full_at = full_at + interval
        self.ready = excess + interval <= 0
        return 0

    def wait_ms(self) -> int:
        """Return 0 if one is available, else the milliseconds until then. Takes none."""
        excess = self._full_at - int(clock.monotonic() * US_PER_S) - self._tolerance_us
        return 0 if excess <= 0 or not self._interval_us else -(-excess // US_PER_MS)

    def refund(self) -> None:
        """Undo one `acquire`."""
        self._full_at -= self._interval_us
