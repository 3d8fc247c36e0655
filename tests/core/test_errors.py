"""Exceptions that became responses or are stored hold no data of their calls."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from hubbub.core.batching import BatchLoader
from hubbub.core.errors import (
    HubbubError,
    InvalidPayload,
    NotFound,
    RateLimited,
    clear_tracebacks,
    unraised_copy,
)


class Data:
    """What a client sent."""


@pytest.fixture
def _uncollected() -> Iterator[None]:
    """No collection of cycles: only what nothing refers to is freed."""
    gc.disable()
    yield
    gc.enable()


def refused(freed: list[weakref.ref[Data]], cause: Exception | None) -> Exception:
    """An exception in a cycle with a frame that holds data: the frame has it in a variable."""
    data = Data()
    freed.append(weakref.ref(data))
    kept: list[Exception] = []
    try:
        try:
            raise cause or ValueError  # noqa: TRY301 - here, beside the data
        except Exception as error:
            kept.append(NotFound("gone"))
            raise kept[0] from error
    except NotFound as error:
        return error


@pytest.mark.usefixtures("_uncollected")
@pytest.mark.parametrize("cause", [None, InvalidPayload()])
def test_the_data_of_a_call_is_freed_with_its_response(cause: Exception | None) -> None:
    freed: list[weakref.ref[Data]] = []
    error = refused(freed, cause)
    assert freed[0]() is not None

    clear_tracebacks(error)

    assert freed[0]() is None
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("later", retry_after_ms=7),
        InvalidPayload(fields=(("a", "b"),)),
        OSError(2, "x"),
        KeyError("k"),
    ],
)
def test_a_fresh_exception_equals_the_kept_one(error: Exception) -> None:
    try:
        raise error  # noqa: TRY301 - so that it has a traceback
    except Exception as raised:  # noqa: BLE001 - any of them
        kept = raised

    copied = unraised_copy(kept)

    assert copied is not kept
    assert (type(copied), copied.args, vars(copied)) == (type(kept), kept.args, vars(kept))
    assert copied.__traceback__ is None


class Odd(Exception):
    """An exception that cannot be copied from its arguments."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def test_an_exception_that_cannot_be_copied_loses_its_traceback() -> None:
    try:
        raise Odd("a", "b")  # noqa: TRY301 - likewise
    except Odd as error:
        kept = error

    assert unraised_copy(kept) is kept
    assert kept.__traceback__ is None


@pytest.mark.parametrize("error", [NotFound("gone"), OSError(2, "x")])
async def test_concurrent_callers_get_separate_exceptions(error: Exception) -> None:
    async def fail(_: list[int]) -> dict[int, int]:
        raise error

    gathering: BatchLoader[int, int] = BatchLoader(fail, name="test")

    raised = await asyncio.gather(*(gathering.get(number % 2) for number in range(6)), return_exceptions=True)

    assert len({id(each) for each in raised}) == 6
    assert {type(each) for each in raised} == {type(error)}
    assert all(isinstance(each, BaseException) for each in raised)
    for each in raised:
        assert isinstance(each, HubbubError) is (each.__cause__ is None)  # type: ignore[union-attr] # all are
