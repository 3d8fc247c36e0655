"""Token buckets in memory, and a turnstile for crowds."""

import random
from typing import NamedTuple

from hubbub.core import clock


class Rate(NamedTuple):
    """`burst` at once, refilled by `per_s` a second; written `30/10` in the settings.

    `leaky`: as many may wait, one after the other goes on, `per_s` a second; written `30/10 leaky`.
    """

    burst: int
    per_s: float
    leaky: bool = False


class Bucket:
    """One caller's allowance at one rate; `None` allows everything."""

    __slots__ = ("level", "rate", "since")

    def __init__(self, rate: Rate | None) -> None:
        self.rate = rate
        self.level = float(rate.burst) if rate else 0.0
        self.since = clock.monotonic()

    def take(self) -> int:
        """Take one; 0 if there was one, else the milliseconds until there is."""
        if self.rate is None:
            return 0
        now = clock.monotonic()
        self.level = min(self.rate.burst, self.level + (now - self.since) * self.rate.per_s)
        self.since = now
        if self.level >= 1:
            self.level -= 1
            return 0
        return max(1, int((1 - self.level) / self.rate.per_s * 1000) + 1)

    def give_back(self) -> None:
        """Undo one `take`."""
        if self.rate is not None:
            self.level = min(self.rate.burst, self.level + 1)


LONGEST_S = 30.0  # that a turnstile asks somebody to wait


class Turnstile:
    """Lets `per_s` through a second, and tells the others when to come again: one after the other."""

    def __init__(self, per_s: int) -> None:
        self._bucket = Bucket(Rate(per_s, per_s))
        self._apart = 1 / per_s
        self._next = 0.0  # when the next one to be refused is expected back

    def take(self) -> int:
        """0: come in. Else the milliseconds after which to come again, a place of one's own in the crowd."""
        if not (wait_ms := self._bucket.take()):
            return 0
        now = clock.monotonic()
        self._next = max(self._next, now + wait_ms / 1000) + self._apart
        seconds = self._next - now
        if seconds > LONGEST_S:
            self._next = now + LONGEST_S
            seconds = random.uniform(LONGEST_S / 2, LONGEST_S)  # noqa: S311 - jitter, not a secret
        return max(1, round(seconds * 1000))
