"""The clock: the only module that reads the time of the machine."""

import time
from datetime import UTC, datetime, timedelta

import msgspec

monotonic = time.monotonic
MAX_CLOCK_SKEW = timedelta(seconds=60)  # between two machines: docs/decisions/0020-clocks.md

_encode_datetime = msgspec.json.Encoder().encode


def now() -> datetime:
    """Return the time in UTC, to the millisecond, so that stored times equal those on the wire."""
    return to_ms(datetime.now(UTC))


def to_ms(moment: datetime) -> datetime:
    """Return a time without what is less than a millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def expiry_cutoff() -> datetime:
    """Return the earliest expiry, written by another machine, that may still be in the future."""
    return now() - MAX_CLOCK_SKEW


def rfc3339(moment: datetime) -> str:
    """Return a time as `2026-01-31T12:00:00.123Z` (RFC 3339, UTC, milliseconds)."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    # A fifth of the time of `isoformat`. It writes the fraction, with six digits, only if it is not zero.
    text = _encode_datetime(moment)
    return text[1:24].decode() + "Z" if moment.microsecond else text[1:20].decode() + ".000Z"


def thread_time() -> float:
    """Return the processor time of this thread, in seconds."""
    return time.thread_time()
