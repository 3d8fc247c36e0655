"""A circuit breaker: callers do not wait for a Redis that failed a moment ago."""

from hubbub.core import clock

RETRY_DELAY_S = 1.0  # from a failure until one request calls Redis again


class CircuitBreaker:
    """Refuses calls after a failure. Then one call per RETRY_DELAY_S probes, until a call succeeds."""

    def __init__(self) -> None:
        self._retry_at = 0.0  # monotonic time before which Redis is not called
        self.is_open = False  # whether the last call failed

    def allows_call(self) -> bool:
        """Return whether the caller may call Redis now. It must report the result."""
        now = clock.monotonic()
        if now < self._retry_at:
            return False
        if self.is_open:
            self._retry_at = now + RETRY_DELAY_S  # this call probes; the others do not wait for it
        return True

    def record_failure(self) -> None:
        """Refuse calls for RETRY_DELAY_S."""
        self.is_open, self._retry_at = True, clock.monotonic() + RETRY_DELAY_S

    def record_success(self) -> None:
        """Allow all calls."""
        self.is_open, self._retry_at = False, 0.0
