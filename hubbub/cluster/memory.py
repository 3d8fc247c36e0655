"""What instances share, when there is one instance."""

import logging
from collections.abc import Callable
from uuid import UUID

from hubbub.cluster.bus import Signal
from hubbub.core import metrics

log = logging.getLogger(__name__)


class MemoryBus:
    """Hands each signal to the listeners at once, in the order of publishing."""

    def __init__(self) -> None:
        self._handlers: list[Callable[[Signal], None]] = []

    def publish(self, signal: Signal) -> None:
        for handler in self._handlers:
            try:
                handler(signal)
            except Exception:
                metrics.count("bus_handler_failures")
                log.exception("a signal could not be handled", extra={"signal": type(signal).__name__})

    def listen(self, handler: Callable[[Signal], None]) -> None:
        self._handlers.append(handler)

    def follow(self, room_id: UUID) -> None:
        """One instance hears everything anyway."""

    def unfollow(self, room_id: UUID) -> None:
        """One instance hears everything anyway."""
