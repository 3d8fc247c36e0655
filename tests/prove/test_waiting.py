"""Waiting for a condition."""

import asyncio

import pytest

from hubbub.prove import waiting


async def test_a_condition_that_holds_is_not_waited_for():
    async with asyncio.timeout(1):
        assert await waiting.until(lambda: True, timeout_s=60, interval_s=60)


@pytest.mark.parametrize("timeout_s", [0, 0.02])
async def test_a_condition_that_never_holds_ends_the_wait(timeout_s):
    assert not await waiting.until(lambda: False, timeout_s, interval_s=0.001)


async def test_a_condition_may_be_asynchronous():
    checks = []

    async def third_time() -> bool:
        checks.append(None)
        return len(checks) == 3

    assert await waiting.until(third_time, timeout_s=5, interval_s=0)
    assert len(checks) == 3
