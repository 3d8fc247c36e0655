"""Batching of concurrent lookups."""

import asyncio

import pytest

from hubbub.core.batching import MAX_BATCH_KEYS, BatchLoader


class Source:
    """A source that returns on command."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, keys: list[int]) -> dict[int, str]:
        self.asked.append(keys)
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return {key: str(key) for key in keys if key >= 0}


async def asking(gathering: BatchLoader[int, str], *keys: int) -> list["asyncio.Task[str | None]"]:
    made = [asyncio.ensure_future(gathering.get(key)) for key in keys]
    for _ in range(3):
        await asyncio.sleep(0)
    return made


async def test_a_call_during_a_query_joins_the_next_one() -> None:
    source = Source()
    gathering = BatchLoader(source, name="test")
    answers = await asking(gathering, 1)
    answers += await asking(gathering, 2, 3, 2, 1, -1)

    source.go.set()

    assert await asyncio.gather(*answers) == ["1", "2", "3", "2", "1", None]
    assert source.asked == [[1], [2, 3, 1, -1]], "1 is asked again: the first answer may be older than that"
    assert await gathering.get(4) == "4"


async def test_a_query_has_a_maximum_size() -> None:
    source = Source()
    gathering = BatchLoader(source, name="test")
    source.go.set()

    answers = await asyncio.gather(*(gathering.get(key) for key in range(2 * MAX_BATCH_KEYS)))

    assert answers == [str(key) for key in range(2 * MAX_BATCH_KEYS)]
    assert max(len(keys) for keys in source.asked) <= MAX_BATCH_KEYS


async def test_several_keys_of_one_caller_are_one_query() -> None:
    source = Source()
    gathering = BatchLoader(source, name="test")
    source.go.set()

    answers = await asyncio.gather(gathering.get_all([1, 2, 2, -1]), gathering.get(2), gathering.get_all([]))

    assert list(answers) == [{1: "1", 2: "2", -1: None}, "2", {}]
    assert source.asked == [[1, 2, -1]]


async def test_the_keys_of_a_query_have_a_maximum_weight() -> None:
    source = Source()
    gathering = BatchLoader(source, name="test", max_weight=10)
    source.go.set()
    weights = {1: 4, 2: 6, 3: 1, 4: 50, 5: 9, 6: 1, 7: 1}

    answers = await asyncio.gather(*(gathering.get(key, weight) for key, weight in weights.items()))

    assert answers == [str(key) for key in weights]
    assert source.asked == [[1, 2], [3], [4], [5, 6], [7]]
    assert not gathering._weights


async def test_an_error_reaches_every_caller_and_the_next_query_starts_afresh() -> None:
    source = Source()
    gathering = BatchLoader(source, name="test")
    answers = await asking(gathering, 1, 2)
    source.error = ConnectionError("away")
    source.go.set()

    assert [type(each) for each in await asyncio.gather(*answers, return_exceptions=True)] == [
        ConnectionError,
        ConnectionError,
    ]
    source.error = None
    assert await gathering.get(3) == "3"


async def test_a_cancelled_caller_does_not_affect_the_others() -> None:
    source = Source()
    gathering = BatchLoader(source, name="test")
    first, second, third = await asking(gathering, 1, 1, 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    source.go.set()

    assert [await second, await third] == ["1", "2"]
