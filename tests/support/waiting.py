"""Waiting in tests for a condition that no event announces."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

WAIT_S = 10.0
LOOK_S = 0.01


async def until(condition: Callable[[], Awaitable[Any] | Any], seconds: float = WAIT_S) -> Any:
    """Return what the condition returns, awaited if need be, once that is true. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (found := await _value(condition)):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(LOOK_S)
    return found


async def _value(condition: Callable[[], Awaitable[Any] | Any]) -> Any:
    found = condition()
    return await found if inspect.isawaitable(found) else found
