"""FAST PATH: what all sessions of one IP address use of the event loop together.

The bounds of a connection let it send a burst. A client with many connections sends as many bursts at once.
Here large reads of an IP address begin one after the other, at a rate: others are served in between.
"""

from hubbub.realtime.engine.bounds import KIB, MIB

LARGE_READ_BYTES = 2 * KIB  # bytes; a smaller one costs little more than its packets, which a bucket counts
# Of large reads. A core decodes 64 KiB of JSON in 2 ms, and refuses 5,000 events in a fifth of a second.
BYTES_PER_S = 8 * MIB
PACKETS_PER_S = 5000
MIN_DELAY_S = 0.005  # a read that would begin in less time begins now


class IpShare:
    """The sessions of one IP address: how many there are, and when their next large read may begin."""

    __slots__ = ("free_at", "key", "session_count")

    def __init__(self, key: str) -> None:
        self.key = key
        self.session_count = 0
        self.free_at = 0.0  # of the monotonic clock

    def reserve(self, size: int, now: float) -> float:
        """Reserve the time for `size` bytes; return the seconds until it begins, 0 for now."""
        begins_at = max(self.free_at, now)
        self.free_at = begins_at + size / BYTES_PER_S
        wait = begins_at - now
        return wait if wait > MIN_DELAY_S else 0.0

    def charge(self, size: int, packets: int) -> None:
        """Add what a large read cost beyond what was reserved."""
        self.free_at += size / BYTES_PER_S + packets / PACKETS_PER_S


class IpShares:
    """All IP addresses that have sessions."""

    def __init__(self) -> None:
        self._by_key: dict[str, IpShare] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def session_count(self, key: str) -> int:
        """How many sessions an IP address has."""
        share = self._by_key.get(key)
        return 0 if share is None else share.session_count

    def add_session(self, key: str) -> IpShare:
        """Count a session."""
        share = self._by_key.get(key)
        if share is None:
            share = self._by_key[key] = IpShare(key)
        share.session_count += 1
        return share

    def remove_session(self, share: IpShare) -> None:
        """Count one session less."""
        share.session_count -= 1
        if not share.session_count:
            del self._by_key[share.key]
