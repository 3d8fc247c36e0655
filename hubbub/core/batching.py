"""Many who ask for one thing each become one who asks for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

from hubbub.core import tasks
from hubbub.core.errors import HubbubError, fresh

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST = 500


class _Failed:
    """What was raised instead of an answer: kept once, raised anew for each who asked."""

    __slots__ = ("cause", "error")

    def __init__(self, error: Exception) -> None:
        self.error = fresh(error)
        self.cause = None if isinstance(error, HubbubError) else error  # a bug, whose traceback is logged


class BatchLoader(Generic[K, V]):
    """Whoever asks while a question is out is part of the next one; there is no timer.

    `ask` answers for all keys at once; what it leaves out is None. Its error is everybody's.
    """

    def __init__(self, ask: Callable[[list[K]], Awaitable[Mapping[K, V]]], *, name: str) -> None:
        self._ask = ask
        self._name = name
        self._waiting: dict[K, asyncio.Future[V | _Failed | None]] = {}
        self._asking = False

    async def get(self, key: K) -> V | None:
        """The answer for one key, read after this was called."""
        answer = self._waiting.get(key)
        if answer is None:
            answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        if not self._asking:
            self._asking = True
            tasks.spawn(self._run(), name=self._name)
        found = await asyncio.shield(answer)
        if isinstance(found, _Failed):
            raise fresh(found.error) from found.cause
        return found

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._answer([key for key, _ in zip(self._waiting, range(MOST), strict=False)])
        finally:
            self._asking = False

    async def _answer(self, keys: list[K]) -> None:
        answers = {key: self._waiting.pop(key) for key in keys}
        try:
            found = await self._ask(keys)
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked
            failed = _Failed(error)
            for answer in answers.values():
                if not answer.done():
                    answer.set_result(failed)
        except BaseException:
            for answer in answers.values():
                answer.cancel()
            raise
        else:
            for key, answer in answers.items():
                if not answer.done():
                    answer.set_result(found.get(key))
