"""Lines of a log that come as often as clients like, bounded: a crowd costs neither time nor disk."""

import logging

from hubbub.core import clock
from hubbub.ratelimit.rate import Rate

DEFAULT_RATE = Rate(50, 10)  # lines


class BoundedLog:
    """Writes lines at level `info` while there are tokens left; the next line says how many it left out."""

    def __init__(self, log: logging.Logger, rate: Rate = DEFAULT_RATE) -> None:
        self._log = log
        self._rate = rate
        self._tokens: float = rate.burst
        self._refilled_at = clock.monotonic()
        self._suppressed = 0

    def write(self, message: str, **fields: object) -> None:
        """Write a line, or count it."""
        now = clock.monotonic()
        self._tokens = min(self._rate.burst, self._tokens + (now - self._refilled_at) * self._rate.per_s)
        self._refilled_at = now
        if self._tokens < 1:
            self._suppressed += 1
            return
        self._tokens -= 1
        if self._suppressed:
            fields["left_out"], self._suppressed = self._suppressed, 0
        self._log.info(message, extra=fields)
