"""UUIDv7 (RFC 9562, 5.7): ids that sort by the time they were made."""

import os
import time
from uuid import UUID

_last = 0


def uuid7() -> UUID:
    """Make an id that is larger than every one made before by this process.

    48 bits of milliseconds, then 26 bits of a counter seeded at random each millisecond, then random bits
    (RFC 9562, 6.2, method 1 with a wider counter): ordered within a millisecond, not to be guessed.
    """
    global _last  # noqa: PLW0603 - one counter per process is the point
    stamp = time.time_ns() // 1_000_000
    # (milliseconds << 26) | counter; the counter's upper bit starts at 0, so that there is room to count.
    head = (stamp << 26) | int.from_bytes(os.urandom(4), "big") >> 7
    if head <= _last:
        head = _last + 1
    _last = head
    stamp, count = head >> 26, head & 0x3FFFFFF
    tail = int.from_bytes(os.urandom(6), "big")
    value = (stamp << 80) | (0x7 << 76) | ((count >> 14) << 64)
    value |= (0b10 << 62) | ((count & 0x3FFF) << 48) | tail
    return UUID(int=value)
