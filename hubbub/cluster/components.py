"""What instances share, and its form in memory for a single instance."""

from typing import NamedTuple

from hubbub.cluster.bus import Bus
from hubbub.cluster.cache import SharedStore
from hubbub.cluster.memory import MemoryBus, MemoryPresence, MemoryRateLimiter
from hubbub.cluster.presence import Presence
from hubbub.cluster.rate_limiter import RateLimiter


class Components(NamedTuple):
    """What instances share."""

    bus: Bus
    presence: Presence
    rate_limiter: RateLimiter
    shared_store: SharedStore | None  # of cached responses; None: each instance has its own


def in_memory(bus: Bus | None = None) -> Components:
    """Return the components of a single instance, or with the given bus of several in one process."""
    return Components(bus or MemoryBus(), MemoryPresence(), MemoryRateLimiter(), None)
