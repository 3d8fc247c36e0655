"""Coalesces concurrent lookups of single keys into batched queries."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

from hubbub.core import tasks
from hubbub.core.errors import HubbubError, unraised_copy

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_BATCH_KEYS = 500


class _LoadFailure:
    """An error of a batch: kept once, raised as a copy for each caller."""

    __slots__ = ("cause", "error")

    def __init__(self, error: Exception) -> None:
        self.error = unraised_copy(error)
        self.cause = None if isinstance(error, HubbubError) else error  # unexpected: its traceback is logged


class BatchLoader(Generic[K, V]):
    """Loads values by key. Lookups made during a query are part of the next one; there is no timer.

    `load` returns the values of all keys at once; a key that it omits has None. All callers get its error.
    """

    def __init__(self, load: Callable[[list[K]], Awaitable[Mapping[K, V]]], *, name: str) -> None:
        self._load = load
        self._name = name  # of the task
        self._pending: dict[K, asyncio.Future[V | _LoadFailure | None]] = {}  # for the next query
        self._loading = False  # a query runs

    async def get(self, key: K) -> V | None:
        """Return the value of a key, read after this call."""
        future = self._pending.get(key)
        if future is None:
            future = self._pending[key] = asyncio.get_running_loop().create_future()
        if not self._loading:
            self._loading = True
            tasks.spawn(self._run(), name=self._name)
        result = await asyncio.shield(future)
        if isinstance(result, _LoadFailure):
            raise unraised_copy(result.error) from result.cause
        return result

    async def _run(self) -> None:
        try:
            while self._pending:
                await self._load_batch(
                    [key for key, _ in zip(self._pending, range(MAX_BATCH_KEYS), strict=False)]
                )
        finally:
            self._loading = False

    async def _load_batch(self, keys: list[K]) -> None:
        futures = {key: self._pending.pop(key) for key in keys}
        try:
            results = await self._load(keys)
        except Exception as error:  # noqa: BLE001 - raised in the callers of `get`
            failure = _LoadFailure(error)
            for future in futures.values():
                if not future.done():
                    future.set_result(failure)
        except BaseException:
            for future in futures.values():
                future.cancel()
            raise
        else:
            for key, future in futures.items():
                if not future.done():
                    future.set_result(results.get(key))
