"""Images in threads: how many pixels at a time, in which order, and after a cancellation."""

import asyncio
import threading

import pytest

from hubbub.core.errors import Unavailable
from hubbub.core.files import image_encoder, image_pool
from hubbub.core.files.image_pool import ImagePool
from hubbub.core.files.images import PLANS, ImageHeader, Limits
from hubbub.core.files.types import FILE_TYPES
from tests.support.waiting import until

MEGAPIXEL = 1_000_000
LIMITS = Limits(("png",), 10 * MEGAPIXEL, 10)


def header(megapixels):
    return ImageHeader(FILE_TYPES["png"], MEGAPIXEL, megapixels, 1)


class Conversions:
    """Stands in for the work of the threads: each waits until it is released."""

    def __init__(self, monkeypatch):
        self.running = []  # megapixels
        self.most = 0
        self.released = threading.Event()
        monkeypatch.setattr(image_encoder, "convert", self._convert)

    def _convert(self, _path, found, *_):
        self.running.append(found.height)
        self.most = max(self.most, sum(self.running))
        assert self.released.wait(10)
        self.running.remove(found.height)


@pytest.fixture
def conversions(monkeypatch):
    made = Conversions(monkeypatch)
    yield made
    made.released.set()


@pytest.fixture
def pool(conversions):
    made = ImagePool(LIMITS)
    yield made
    conversions.released.set()
    made.close()


def convert(pool, megapixels):
    return asyncio.ensure_future(pool.convert(None, header(megapixels), PLANS["image"], None))


async def test_the_pixels_at_a_time_are_bounded(pool, conversions):
    tasks = [convert(pool, size) for size in (6, 5, 4, 10, 1, 30)]
    await asyncio.sleep(0)
    conversions.released.set()

    await asyncio.gather(*tasks)

    assert conversions.most <= 30  # the one over the limit runs alone
    assert pool._free_pixels == LIMITS.max_pixels


async def test_a_cancelled_conversion_keeps_its_pixels_until_its_thread_has_ended(pool, conversions):
    task = convert(pool, 10)
    await until(lambda: conversions.running)

    task.cancel()
    await asyncio.sleep(0)
    assert pool._free_pixels == 0
    conversions.released.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert pool._free_pixels == LIMITS.max_pixels


async def test_a_cancelled_wait_frees_the_turn(pool, conversions):
    first, second, third = convert(pool, 10), convert(pool, 10), convert(pool, 1)
    await asyncio.sleep(0)

    second.cancel()
    conversions.released.set()

    await asyncio.gather(first, third)
    assert pool._free_pixels == LIMITS.max_pixels


async def test_too_many_waiting_images_are_refused(pool, conversions, monkeypatch):
    monkeypatch.setattr(image_pool, "MAX_WAITING", 2)
    tasks = [convert(pool, 10) for _ in range(3)]
    await asyncio.sleep(0)

    with pytest.raises(Unavailable):
        await convert(pool, 10)

    conversions.released.set()
    await asyncio.gather(*tasks)


async def test_a_wait_has_a_time_limit(pool, conversions, monkeypatch):
    monkeypatch.setattr(image_pool, "WAIT_TIMEOUT_S", 0.01)
    first = convert(pool, 10)
    await asyncio.sleep(0)

    with pytest.raises(Unavailable):
        await convert(pool, 10)

    conversions.released.set()
    await first
    assert pool._free_pixels == LIMITS.max_pixels
