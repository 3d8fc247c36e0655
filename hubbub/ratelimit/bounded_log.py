"""Lines of a log that come as often as clients like, bounded: a crowd costs neither time nor disk."""

import logging

from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.single_key import SingleKeyLimiter

DEFAULT_RATE = Rate(50, 10)  # lines


class BoundedLog:
    """Writes lines at level `info` while there are tokens left; the next line says how many it left out."""

    def __init__(self, log: logging.Logger, rate: Rate = DEFAULT_RATE) -> None:
        self._log = log
        self._limiter = SingleKeyLimiter(rate)
        self._suppressed = 0  # lines since the last one that was written

    def write(self, message: str, **fields: object) -> None:
        """Write a line, or count it."""
        if self._limiter.acquire():
            self._suppressed += 1
            return
        if self._suppressed:
            fields["left_out"], self._suppressed = self._suppressed, 0
        self._log.info(message, extra=fields)
