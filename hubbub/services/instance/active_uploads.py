"""The uploads that an instance receives at the same time, bounded per user and in all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from hubbub.core.errors import RateLimited, Unavailable

MAX_OF_USER = 20  # requests: a page that uploads a selection of pictures at once
MAX_OF_INSTANCE = 200  # requests: each holds a file descriptor and up to 256 KiB
RETRY_AFTER_MS = 5000


class ActiveUploads:
    """Counts the requests that are being received."""

    def __init__(self, max_of_user: int = MAX_OF_USER, max_of_instance: int = MAX_OF_INSTANCE) -> None:
        self._max_of_user = max_of_user
        self._max_of_instance = max_of_instance
        self._by_user: Counter[UUID] = Counter()  # requests; only of users with at least one

    @contextmanager
    def count(self, user_id: UUID) -> Iterator[None]:
        """Count a request of a user. Raises RateLimited, Unavailable."""
        if self._by_user[user_id] >= self._max_of_user:
            raise RateLimited(
                f"At most {self._max_of_user} uploads at the same time. Wait until one is finished.",
                retry_after_ms=RETRY_AFTER_MS,
            )
        if self._by_user.total() >= self._max_of_instance:
            raise Unavailable(
                "Too many uploads at once. Try again in a moment.", retry_after_ms=RETRY_AFTER_MS
            )
        self._by_user[user_id] += 1
        try:
            yield
        finally:
            self._by_user[user_id] -= 1
            if not self._by_user[user_id]:
                del self._by_user[user_id]
