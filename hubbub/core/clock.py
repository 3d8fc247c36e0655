"""The time: the only place that asks the machine for it."""

import time
from datetime import UTC, datetime, timedelta

monotonic = time.monotonic
MAX_CLOCK_SKEW = timedelta(
    seconds=60
)  # by which the clocks of two machines may differ: docs/decisions/0020-clocks.md


def now() -> datetime:
    """The time in UTC, to the millisecond: what is stored is what is shown."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def expiry_cutoff() -> datetime:
    """Return the earliest end of validity, written by another machine, that may not have been reached yet."""
    return now() - MAX_CLOCK_SKEW


def rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00.123Z` (RFC 3339, UTC, milliseconds)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def thread_time() -> float:
    """Processor time of this thread, in seconds."""
    return time.thread_time()
