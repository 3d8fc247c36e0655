"""The limits of one IP address: how many sessions it has at a time, and how many handshakes it may start."""

from collections.abc import Iterable

from aiohttp import web

from hubbub.core.client_ip import Network, rate_limit_key
from hubbub.ratelimit.gcra import GcraLimiter
from hubbub.ratelimit.rate import Rate
from hubbub.realtime.engine.handshake_info import HandshakeInfo
from hubbub.realtime.engine.shares import IpShare, IpShares


class IpLimits:
    """Counts sessions and handshakes by the IP address of the client, behind trusted proxies as well."""

    def __init__(
        self, trusted_proxies: Iterable[Network], max_sessions: float, handshake_rate: Rate | None
    ) -> None:
        self.trusted_proxies = tuple(trusted_proxies)  # proxies whose X-Forwarded-For is used
        self.max_sessions = max_sessions  # sessions of one IP address at a time; infinity lifts the limit
        self.handshake_rate = handshake_rate  # handshakes of one IP address; None lifts the limit
        self.shares = IpShares()  # the IP addresses that have sessions now
        self._handshake_limiter = GcraLimiter()  # by IP address

    def describe(self, request: web.BaseRequest) -> HandshakeInfo:
        """Return what is needed of a handshake, with the IP address of its client."""
        return HandshakeInfo(request, self.trusted_proxies)

    def has_capacity(self, ip: str) -> bool:
        """Return whether an IP address may have one more session."""
        return self.shares.session_count(rate_limit_key(ip)) < self.max_sessions

    def acquire_handshake(self, ip: str) -> int:
        """Count a handshake. Return 0, or the milliseconds to wait if the limit is reached."""
        if self.handshake_rate is None:
            return 0
        return self._handshake_limiter.acquire(rate_limit_key(ip), self.handshake_rate).wait_ms

    def add_session(self, ip: str) -> IpShare:
        """Count a session of an IP address. Must be paired with `shares.remove_session`."""
        return self.shares.add_session(rate_limit_key(ip))
