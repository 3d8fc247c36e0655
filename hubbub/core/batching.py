"""Batches: coalesces concurrent lookups of single keys, and divides long lists."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Generic, TypeVar

from hubbub.core import tasks
from hubbub.core.errors import SharedError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")
MAX_BATCH_KEYS = 500


def slices(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Yield consecutive parts of `items`, each of `size` of them, the last one of what remains."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


class BatchLoader(Generic[K, V]):
    """Loads values by key. Lookups made during a query are part of the next one; there is no timer.

    `load` returns the values of all keys at once; a key that it omits has None. All callers get its error.
    The keys of one query weigh at most `max_weight` together, unless there is only one.
    """

    def __init__(
        self,
        load: Callable[[list[K]], Awaitable[Mapping[K, V]]],
        *,
        name: str,
        max_weight: int = MAX_BATCH_KEYS,
    ) -> None:
        self._load = load
        self._max_weight = max_weight  # of the keys of one query
        self._name = name  # of the task
        # For the next query: a future for each caller, so that one that is cancelled concerns no other.
        self._pending: dict[K, list[asyncio.Future[V | SharedError | None]]] = {}
        self._weights: dict[K, int] = {}  # of the pending keys whose weight is not 1
        self._loading = False  # a query runs

    async def get(self, key: K, weight: int = 1) -> V | None:
        """Return the value of a key, read after this call. The weight is about the size of the value."""
        return await self._result(self._request(key, weight))

    async def get_all(self, keys: Iterable[K]) -> dict[K, V | None]:
        """Return the values of keys, read after this call."""
        futures = {key: self._request(key, 1) for key in keys}
        return {key: await self._result(future) for key, future in futures.items()}

    def _request(self, key: K, weight: int) -> "asyncio.Future[V | SharedError | None]":
        future: asyncio.Future[V | SharedError | None] = asyncio.get_running_loop().create_future()
        waiting = self._pending.get(key)
        if waiting is None:
            self._pending[key] = [future]
            if weight > 1:
                self._weights[key] = weight
        else:
            waiting.append(future)
        if not self._loading:
            self._loading = True
            tasks.spawn(self._run(), name=self._name)
        return future

    async def _result(self, future: "asyncio.Future[V | SharedError | None]") -> V | None:
        result = await future
        if isinstance(result, SharedError):
            raise result.copy() from result.cause
        return result

    async def _run(self) -> None:
        try:
            while self._pending:
                await self._load_batch(self._next_keys())
        finally:
            self._loading = False

    def _next_keys(self) -> list[K]:
        keys: list[K] = []
        weight = 0
        for key in self._pending:
            weight += self._weights.get(key, 1)
            if keys and weight > self._max_weight:
                break
            keys.append(key)
        for key in keys:
            self._weights.pop(key, None)
        return keys

    async def _load_batch(self, keys: list[K]) -> None:
        waiting = {key: self._pending.pop(key) for key in keys}
        try:
            results = await self._load(keys)
        except Exception as error:  # noqa: BLE001 - raised in the callers of `get`
            failure = SharedError(error)
            for futures in waiting.values():
                _resolve(futures, failure)
        except BaseException:
            for future in chain.from_iterable(waiting.values()):
                future.cancel()
            raise
        else:
            for key, futures in waiting.items():
                _resolve(futures, results.get(key))


def _resolve(
    futures: "Iterable[asyncio.Future[V | SharedError | None]]", result: "V | SharedError | None"
) -> None:
    for future in futures:
        if not future.done():
            future.set_result(result)
