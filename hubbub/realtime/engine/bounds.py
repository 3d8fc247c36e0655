"""FAST PATH: the limits of one connection at the transport, before a packet is decoded.

Everything that a client sends is charged here: bytes, packets, control frames and refused packets.
docs/protocol.md has the numbers, docs/security.md the reason for each of them.
"""

from typing import NamedTuple

from hubbub.ratelimit.rate import Rate

KIB, MIB = 1024, 1024 * 1024
SLICE_PACKETS = 256  # packets of one connection in one turn of the event loop; the next connection follows
SLICE_BYTES = 64 * KIB  # bytes of one connection in one turn of the event loop
MAX_CLOSING_BYTES = 64 * KIB  # bytes read from a connection that is closing; after them, reading stops
EMPTY_RESET_S = 1.0  # a bucket that empties later than this after a wait counts as empty for the first time
MIN_WAIT_S = 0.1  # shortest wait for an empty bucket: refills are handled in groups


class Bounds(NamedTuple):
    """The limits of each connection. Rates are in packets and bytes; None lifts a rate."""

    packet_rate: Rate | None = Rate(200, 100)
    byte_rate: Rate | None = Rate(2 * MIB, 512 * KIB)
    unaccepted_packets: int = 20  # packets in the whole life of a connection that is not accepted
    unaccepted_bytes: int = 64 * KIB  # likewise bytes
    unaccepted_output_bytes: int = 64 * KIB  # bytes that may wait for a client that is not accepted
    flooding_s: float = 10.0  # seconds for which a bucket may stay empty; then the connection is closed


class InputLimiter:
    """Limits the input of one connection: two token buckets, or two fixed budgets before it is accepted."""

    __slots__ = (
        "_bounds",
        "_bytes",
        "_empty_since",
        "_filled_at",
        "_packets",
        "_wait_ends_at",
        "accepted",
        "unlimited",
    )

    def __init__(self, bounds: Bounds, now: float) -> None:
        self._bounds = bounds  # the limits
        self._packets: float = bounds.unaccepted_packets  # packets that may be handled now
        # Bytes that may be read now. Negative: a debt, from a read that was longer than the bucket.
        self._bytes: float = bounds.unaccepted_bytes
        self._filled_at = now  # monotonic time of the last refill
        # Monotonic time since which a bucket is empty, despite short refills.
        self._empty_since: float | None = None
        self._wait_ends_at = now  # monotonic time when the last wait ended
        self.accepted = False  # whether a namespace is open
        self.unlimited = False  # whether both rates are lifted

    def accept(self, now: float) -> None:
        """Replace the fixed budgets by full buckets. Safe to call twice."""
        if self.accepted:
            return
        packet_rate, byte_rate = self._bounds.packet_rate, self._bounds.byte_rate
        self.accepted = True
        self.unlimited = packet_rate is None and byte_rate is None
        self._packets = packet_rate.burst if packet_rate is not None else float("inf")
        self._bytes = byte_rate.burst if byte_rate is not None else float("inf")
        self._filled_at = self._wait_ends_at = now

    def charge_bytes(self, size: int, now: float) -> int:
        """Charge `size` bytes. Return how many packets may be handled in this turn of the event loop."""
        if self.unlimited:
            return SLICE_PACKETS
        if self.accepted:
            self._refill(now)
        self._bytes -= size
        packets = self._packets
        if not self.accepted and self._bytes < 0:
            return 0
        return SLICE_PACKETS if packets >= SLICE_PACKETS else int(packets)

    def charge_packets(self, packets: int) -> None:
        """Charge packets that were handled."""
        self._packets -= packets

    def refund_packet(self) -> None:
        """Refund the PONG that follows a PING of the server, if the connection is not accepted yet."""
        if not self.accepted:
            self._packets += 1

    @property
    def unaccepted_bytes_left(self) -> int:
        """Bytes that a connection may still send before it is accepted."""
        return max(0, int(self._bytes))

    @property
    def overdrawn(self) -> bool:
        """Whether the client sent more bytes than the bucket held."""
        return self._bytes < 0

    @property
    def empty(self) -> bool:
        """Whether a bucket is empty."""
        return self._packets < 1 or self._bytes < 0

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until an empty bucket of an accepted connection holds something again.

        Negative: the bucket has been empty for `flooding_s`, and the caller must close the connection.
        """
        if self._empty_since is None or now - self._wait_ends_at > EMPTY_RESET_S:
            self._empty_since = now
        elif now - self._empty_since >= self._bounds.flooding_s:
            return -1.0
        seconds = MIN_WAIT_S
        if self._bytes < 0 and self._bounds.byte_rate is not None:
            seconds = max(seconds, -self._bytes / self._bounds.byte_rate.per_s)
        if self._packets < 1 and self._bounds.packet_rate is not None:
            seconds = max(seconds, (1 - self._packets) / self._bounds.packet_rate.per_s)
        self._wait_ends_at = now + seconds
        return seconds

    def _refill(self, now: float) -> None:
        packet_rate, byte_rate = self._bounds.packet_rate, self._bounds.byte_rate
        elapsed = now - self._filled_at
        self._filled_at = now
        if packet_rate is not None:
            level = self._packets + elapsed * packet_rate.per_s
            self._packets = min(packet_rate.burst, level)
        if byte_rate is not None:
            level = self._bytes + elapsed * byte_rate.per_s
            self._bytes = min(byte_rate.burst, level)
