"""Waiting for a condition that has no event."""

import asyncio
from collections.abc import Awaitable, Callable

from hubbub.core import clock

POLL_INTERVAL_S = 0.02


async def until(
    condition: Callable[[], bool | Awaitable[bool]], timeout_s: float, interval_s: float = POLL_INTERVAL_S
) -> bool:
    """Wait until a condition holds; return whether it did within the time limit. It is checked at once."""
    deadline = clock.monotonic() + timeout_s
    while True:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return True
        if clock.monotonic() >= deadline:
            return False
        await asyncio.sleep(interval_s)
