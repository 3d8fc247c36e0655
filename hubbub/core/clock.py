"""The time: the only place that asks the machine for it."""

import time
from datetime import UTC, datetime

monotonic = time.monotonic


def now() -> datetime:
    """The time in UTC, to the millisecond: what is stored is what is shown."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00.123Z` (RFC 3339, UTC, milliseconds)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"
