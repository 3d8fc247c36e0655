"""UUIDv7 (RFC 9562, 5.7): ids that sort by the time of their generation."""

import os
import time
from uuid import UUID

_last_prefix = 0


def uuid7() -> UUID:
    """Generate an id that is larger than every one generated before by this process.

    48 bits of milliseconds, then 26 bits of a counter seeded at random each millisecond, then random bits
    (RFC 9562, 6.2, method 1 with a wider counter): ordered within a millisecond, and unpredictable.
    """
    global _last_prefix  # noqa: PLW0603 - one counter per process is intended
    timestamp_ms = time.time_ns() // 1_000_000
    # (milliseconds << 26) | counter; the counter's upper bit starts at 0, so that there is room to count.
    prefix = (timestamp_ms << 26) | int.from_bytes(os.urandom(4), "big") >> 7
    if prefix <= _last_prefix:
        prefix = _last_prefix + 1
    _last_prefix = prefix
    timestamp_ms, counter = prefix >> 26, prefix & 0x3FFFFFF
    random_tail = int.from_bytes(os.urandom(6), "big")
    value = (timestamp_ms << 80) | (0x7 << 76) | ((counter >> 14) << 64)
    value |= (0b10 << 62) | ((counter & 0x3FFF) << 48) | random_tail
    return UUID(int=value)
