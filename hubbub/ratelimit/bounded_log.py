"""Log lines that clients can cause at any rate, limited, so that they cost neither time nor disk."""

import logging

from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.single_key import SingleKeyLimiter

DEFAULT_RATE = Rate(50, 10)  # lines


class BoundedLog:
    """Writes lines at level `info` within a rate. The next line has the number of omitted ones."""

    def __init__(self, log: logging.Logger, rate: Rate = DEFAULT_RATE) -> None:
        self._log = log  # the logger that writes
        self._limiter = SingleKeyLimiter(rate)  # of the lines
        self._suppressed = 0  # lines since the last one that was written

    def write(self, message: str, **fields: object) -> None:
        """Write a line, or count it as omitted."""
        if self._limiter.acquire():
            self._suppressed += 1
            return
        if self._suppressed:
            fields["left_out"], self._suppressed = self._suppressed, 0
        self._log.info(message, extra=fields)
