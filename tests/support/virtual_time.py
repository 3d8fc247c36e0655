"""A virtual clock: an event loop whose timers fire in order, without waiting."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hubbub.core import clock

START_TIME = datetime(2026, 1, 31, tzinfo=UTC)


class _SkippingSelector(selectors.SelectSelector):
    """Instead of waiting, moves the time forward."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now += timeout or 0.0
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time passes while nothing is to do."""

    def __init__(self) -> None:
        self._skipping_selector = _SkippingSelector()
        super().__init__(self._skipping_selector)

    def time(self) -> float:
        return self._skipping_selector.now


def run_in_virtual_time(
    monkeypatch: pytest.MonkeyPatch, test: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """Run a coroutine in virtual time, which `clock` returns as well."""
    loop = VirtualLoop()
    with monkeypatch.context() as patch:
        patch.setattr(clock, "monotonic", loop.time)
        patch.setattr(clock, "now", lambda: START_TIME + timedelta(seconds=loop.time()))
        try:
            loop.run_until_complete(test())
        finally:
            loop.close()
