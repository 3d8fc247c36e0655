"""The interface of a storage of files: objects under keys, written once, read in pieces, deleted.

A key is never written twice, so an object never changes. All implementations pass one set of tests.
"""

import asyncio
import errno
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from hubbub.core import clock
from hubbub.core.errors import StorageFull, Unavailable

log = logging.getLogger(__name__)

CHECK_INTERVAL_S = 5.0  # between two checks for `/health/ready`, however often that is called
CHECK_TIMEOUT_S = 3.0
FAILED_WRITE_S = 60.0  # for which a failed write is reported, unless a later one succeeds
NOT_STORED = "Files can't be stored now. Try again in a moment."
NOT_READ = "The file can't be read now. Try again in a moment."
RETRY_AFTER_MS = 5000
# Of writes for which the storage has no room: disk, quota of a user, limit of a process.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ObjectMissing(Exception):
    """The storage has no object with this key."""


class SignedUrl(NamedTuple):
    """The headers of the response to a signed URL."""

    content_type: str
    disposition: str
    cache_control: str


class Storage(ABC):
    """A storage. `spool_folder` is where files are collected before they are stored."""

    spool_folder: Path

    def __init__(self) -> None:
        self._state = "ok"  # the result of the latest check
        self._next_check_at = float("-inf")  # monotonic time
        self._checking = asyncio.Lock()  # one check at a time

    @abstractmethod
    async def put(self, key: str, source: Path) -> None:
        """Store a file under a new key. The source is consumed: it is removed, or becomes the object.

        The object is complete and on disk, or not there. Raises StorageFull, Unavailable.
        """

    @abstractmethod
    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes of an object from `start` up to `end` (exclusive).

        Raises ObjectMissing, Unavailable, at the first piece or later.
        """

    @abstractmethod
    async def delete(self, keys: Iterable[str]) -> None:
        """Delete objects. A missing one is no error. Raises Unavailable."""

    @abstractmethod
    def list_keys(self, before: datetime) -> AsyncIterator[list[str]]:
        """Yield the keys of the objects written before a time, in batches of at most 1000."""

    @abstractmethod
    async def signed_url(self, key: str, response: SignedUrl, /) -> str | None:
        """Return a URL under which the object can be loaded for 5 minutes; None if there are no such URLs."""

    @abstractmethod
    async def check(self) -> None:
        """Require that objects can be written now. Raises StorageFull, Unavailable."""

    @abstractmethod
    async def close(self) -> None:
        """Close connections."""

    async def state(self) -> str:
        """Return `ok`, `degraded` (it is full) or `unavailable`. Checked at most once in five seconds."""
        async with self._checking:
            if clock.monotonic() >= self._next_check_at:
                await self._check_state()
        return self._state

    async def _check_state(self) -> None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await self.check()
        except StorageFull:
            self._record("degraded", CHECK_INTERVAL_S)
        except (Unavailable, TimeoutError):
            self._record("unavailable", CHECK_INTERVAL_S)
        else:
            self._record("ok", CHECK_INTERVAL_S)

    def _record(self, state: str, seconds: float) -> None:
        """Keep the result of a check or a write for some seconds, and log a change."""
        if state != self._state:
            level = logging.INFO if state == "ok" else logging.WARNING
            log.log(level, "the storage of files has changed its state", extra={"state": state})
        self._state, self._next_check_at = state, clock.monotonic() + seconds

    def record_write(self) -> None:
        """Record that a write succeeded."""
        self._record("ok", CHECK_INTERVAL_S)

    def write_error(self, error: OSError) -> Unavailable:
        """Return the error for a failed write of a file, and let `state` report it."""
        if error.errno in _FULL:
            self._record("degraded", FAILED_WRITE_S)
            return StorageFull()
        self._record("unavailable", FAILED_WRITE_S)
        log.warning("a file can't be written", extra={"error": type(error).__name__, "errno": error.errno})
        return Unavailable(NOT_STORED, retry_after_ms=RETRY_AFTER_MS)
