"""FAST PATH: the share of the event loop that all sessions of one IP address use together.

The limits of a connection permit a burst. A client with many connections sends as many bursts at once.
So the large reads of an IP address are handled one after the other, at a rate, and other clients in between.
"""

from hubbub.realtime.engine.bounds import KIB, MIB

LARGE_READ_BYTES = 2 * KIB  # a smaller read costs little more than its packets, which a bucket counts
# Rates of large reads. A core decodes 64 KiB of JSON in 2 ms, and refuses 5,000 events in 0.2 s.
BYTES_PER_S = 8 * MIB
PACKETS_PER_S = 5000
MIN_DELAY_S = 0.005  # a shorter delay is skipped


class IpShare:
    """The sessions of one IP address: their number, and when their next large read may begin."""

    __slots__ = ("free_at", "key", "session_count")

    def __init__(self, key: str) -> None:
        self.key = key  # the IP address, or its network in IPv6
        self.session_count = 0  # open sessions
        self.free_at = 0.0  # monotonic time at which the next large read may begin

    def reserve(self, size: int, now: float) -> float:
        """Reserve the time for `size` bytes. Return the seconds until it begins, 0 for now."""
        begins_at = max(self.free_at, now)
        self.free_at = begins_at + size / BYTES_PER_S
        wait = begins_at - now
        return wait if wait > MIN_DELAY_S else 0.0

    def charge(self, size: int, packets: int) -> None:
        """Charge the cost of a large read beyond its reservation."""
        self.free_at += size / BYTES_PER_S + packets / PACKETS_PER_S


class IpShares:
    """The shares of all IP addresses that have sessions."""

    def __init__(self) -> None:
        self._by_key: dict[str, IpShare] = {}  # by `IpShare.key`

    def __len__(self) -> int:
        return len(self._by_key)

    def session_count(self, key: str) -> int:
        """Return the number of sessions of an IP address."""
        share = self._by_key.get(key)
        return 0 if share is None else share.session_count

    def add_session(self, key: str) -> IpShare:
        """Count a session of an IP address. Must be paired with `remove_session`."""
        share = self._by_key.get(key)
        if share is None:
            share = self._by_key[key] = IpShare(key)
        share.session_count += 1
        return share

    def remove_session(self, share: IpShare) -> None:
        """Stop counting a session."""
        share.session_count -= 1
        if not share.session_count:
            del self._by_key[share.key]
