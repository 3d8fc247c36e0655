"""Waiting in tests for a condition that no event announces."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

WAIT_S = 10.0
POLL_INTERVAL_S = 0.01


async def until(condition: Callable[[], Awaitable[Any] | Any], seconds: float = WAIT_S) -> Any:
    """Return what the condition returns, awaited if need be, once that is true. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (value := await _value(condition)):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(POLL_INTERVAL_S)
    return value


async def _value(condition: Callable[[], Awaitable[Any] | Any]) -> Any:
    value = condition()
    return await value if inspect.isawaitable(value) else value
