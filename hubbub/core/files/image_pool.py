"""Converts images in threads of low priority, a bounded number of pixels at a time."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from hubbub.core import clock
from hubbub.core.errors import Unavailable
from hubbub.core.files.images import Converted, ImageHeader, Limits, Plan
from hubbub.core.passwords import lower_priority

# Half of the processors: beside 20 uploads at once on two of them, the p99 of chat is twice as high with one
# thread, and four times with two.
THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))
TIMEOUT_S = 30.0  # of one conversion
MAX_WAITING = 64  # images; beyond it a caller would wait too long
WAIT_TIMEOUT_S = 60.0


class ImagePool:
    """The threads of an instance that decode images.

    The images that are decoded at the same time have at most `max_pixels` together, so that the memory is
    bounded by the largest permitted image, and not by the number of uploads.
    """

    def __init__(self, limits: Limits, *, timeout_s: float = TIMEOUT_S) -> None:
        self.limits = limits
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="images", initializer=lower_priority)
        self._free_pixels = limits.max_pixels
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()  # in the order of their arrival

    async def read_header(self, path: Path) -> ImageHeader:
        """Return the header of an image.

        Raises UnsupportedType, Damaged, TooComplex, OSError, Unavailable.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WAIT_TIMEOUT_S):
                return await loop.run_in_executor(self._threads, _read_header, path, self.limits)
        except TimeoutError:
            raise _busy() from None

    async def convert(
        self, path: Path, header: ImageHeader, plan: Plan, new_path: Callable[[], Path]
    ) -> Converted:
        """Write an image and its thumbnails again.

        A conversion is never interrupted in the middle of a frame: also after a cancellation its pixels are
        in use until its thread has ended. Raises Damaged, TooComplex, OSError, Unavailable.
        """
        async with self._pixels(header.pixels):
            thread = asyncio.get_running_loop().run_in_executor(
                self._threads,
                lambda: _convert(path, header, plan, new_path, clock.monotonic() + self._timeout_s),
            )
            try:
                return await asyncio.shield(thread)
            except asyncio.CancelledError:
                await asyncio.wait([thread])
                raise

    @asynccontextmanager
    async def _pixels(self, pixels: int) -> AsyncIterator[None]:
        """Reserve pixels. Raises Unavailable if too many images wait."""
        share = min(pixels, self.limits.max_pixels)
        await self._acquire(share)
        try:
            yield
        finally:
            self._release(share)

    async def _acquire(self, share: int) -> None:
        if not self._waiting and share <= self._free_pixels:
            self._free_pixels -= share
            return
        if len(self._waiting) >= MAX_WAITING:
            raise _busy()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((share, turn))
        try:
            async with asyncio.timeout(WAIT_TIMEOUT_S):
                await turn
        except TimeoutError:
            self._abandon(share, turn)
            raise _busy() from None
        except asyncio.CancelledError:
            self._abandon(share, turn)
            raise

    def _abandon(self, share: int, turn: "asyncio.Future[None]") -> None:
        if turn.done() and not turn.cancelled():
            self._release(share)
        else:
            self._waiting = deque(each for each in self._waiting if each[1] is not turn)
            self._release(0)

    def _release(self, share: int) -> None:
        self._free_pixels += share
        while self._waiting and self._waiting[0][0] <= self._free_pixels:
            wanted, turn = self._waiting.popleft()
            if not turn.done():
                self._free_pixels -= wanted
                turn.set_result(None)

    def close(self) -> None:
        """Start no further conversion. The running ones end within their time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _busy() -> Unavailable:
    return Unavailable("Too many images at once. Try again in a moment.", retry_after_ms=5000)


# Pillow is 10 MB, which an instance without images saves: it is imported by the first thread that needs it.


def _read_header(path: Path, limits: Limits) -> ImageHeader:
    from hubbub.core.files import image_headers  # noqa: PLC0415

    return image_headers.read(path, limits)


def _convert(
    path: Path, header: ImageHeader, plan: Plan, new_path: Callable[[], Path], deadline: float
) -> Converted:
    from hubbub.core.files import image_encoder  # noqa: PLC0415

    return image_encoder.convert(path, header, plan, new_path, deadline)
