"""The bounds of one IP address at the HTTP server, before a request is parsed.

The limits of routes count by user and by class, after the parser, the router and the middlewares have done
their work. A flood of requests that are refused, or that need no login, costs an instance that work. Here
each request of an IP address is charged as it is parsed, and given back once it was answered to an
authenticated caller. What is over the limit stays unread.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache

from hubbub.core import client_ip, clock, metrics
from hubbub.core.client_ip import Network, rate_limit_key
from hubbub.http.untrusted_proxies import UntrustedProxies
from hubbub.ratelimit.rate import Rate

REQUESTS = Rate(300, 150)  # without a login; a page of hubbub's own loads about 30 files
CONNECTIONS = Rate(500, 250)  # new TCP connections; a new one costs as much as a request
# Requests of one IP address that begin in a slice of time, not counting those that were given back: a
# burst is spread over turns of the event loop, so that others are served in between.
SLICE_S = 0.02
SLICE_REQUESTS = 10
DISCARDED = Rate(8 << 20, 2 << 20)  # bytes of bodies that are read although their request was answered
HELD_BYTES = 1024 * 1024  # that were read from connections of one IP address and wait to be parsed
DEBT_S = 5.0  # longest wait that requests in one read can cause
SWEEP = 1000  # IP addresses without a connection that are kept before those with full buckets are dropped


@lru_cache(4096)
def _key(host: str) -> str:
    """Of a peer, as its socket names it: a flood of connections asks for the same ones again and again."""
    return rate_limit_key(client_ip.normalize(host))


@lru_cache(4096)
def _is_within(host: str, networks: tuple[Network, ...]) -> bool:
    """Likewise."""
    return client_ip.is_within(host, networks)


class ClientIp:
    """What one IP address has in use, and what it may still use."""

    __slots__ = (
        "_refilled_at",
        "connections",
        "discarded",
        "held_bytes",
        "open",
        "requests",
        "slice_ends_at",
        "slice_requests",
        "timer",
        "waiting",
    )

    def __init__(self, now: float) -> None:
        self.open = 0  # connections
        self.held_bytes = 0  # read, not parsed
        self.requests: float = REQUESTS.burst  # that may be parsed; negative: a debt
        self.connections: float = CONNECTIONS.burst  # that may be opened
        self.discarded: float = DISCARDED.burst  # bytes that may be
        self.slice_requests = 0  # begun in the current slice of time
        self.slice_ends_at = now
        # Of connections whose input waits to be parsed, first come first served; called by one timer.
        self.waiting: deque[Callable[[], None]] = deque()
        self.timer: asyncio.TimerHandle | None = None
        self._refilled_at = now

    def refill(self, now: float) -> None:
        passed = now - self._refilled_at
        self._refilled_at = now
        self.requests = min(REQUESTS.burst, self.requests + passed * REQUESTS.per_s)
        self.connections = min(CONNECTIONS.burst, self.connections + passed * CONNECTIONS.per_s)
        self.discarded = min(DISCARDED.burst, self.discarded + passed * DISCARDED.per_s)

    @property
    def idle(self) -> bool:
        """Whether nothing is lost when it is forgotten."""
        return (
            not self.open
            and not self.waiting
            and self.requests >= REQUESTS.burst
            and self.connections >= CONNECTIONS.burst
            and self.discarded >= DISCARDED.burst
        )


class IpLimits:
    """The IP addresses of an instance's HTTP connections. Trusted proxies are limited by their clients."""

    def __init__(
        self,
        *,
        trusted: Iterable[Network] = (),
        most_open: int = 2000,
        rates: bool = True,
        untrusted: UntrustedProxies | None = None,
    ) -> None:
        """`most_open`: connections of an IP address; `rates`: whether requests and connects are limited."""
        self.untrusted = untrusted
        self.trusted = tuple(trusted)
        self.most_open = most_open
        self.rates = rates
        self._known: dict[str, ClientIp] = {}
        self._sweep_at = SWEEP

    def __len__(self) -> int:
        return len(self._known)

    def find(self, address: str) -> ClientIp:
        """What is known of an IP address; an IPv6 network counts as one."""
        return self._find(rate_limit_key(client_ip.normalize(address)))

    def _find(self, key: str) -> ClientIp:
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= self._sweep_at:
                self._sweep()
            found = self._known[key] = ClientIp(clock.monotonic())
        return found

    def _sweep(self) -> None:
        """Drop those that have no connection and full buckets; the cost is spread over as many new ones."""
        now = clock.monotonic()
        for client in self._known.values():
            client.refill(now)
        self._known = {key: client for key, client in self._known.items() if not client.idle}
        self._sweep_at = len(self._known) * 2 + SWEEP

    def of_peer(self, peer: object) -> ClientIp | None:
        """The IP address of a peer as its socket names it; None for a trusted proxy and for a Unix socket."""
        if not isinstance(peer, tuple) or _is_within(peer[0], self.trusted):
            return None
        return self._find(_key(peer[0]))

    def connect(self, client: ClientIp) -> bool:
        """Count a new connection; False if it is one too many and has to be closed."""
        if client.open >= self.most_open:
            metrics.count("connections_refused", "open")
            return False
        if self.rates:
            client.refill(clock.monotonic())
            if client.connections < 1:
                metrics.count("connections_refused", "rate")
                return False
            client.connections -= 1
        client.open += 1
        return True

    def wait(self, client: ClientIp) -> float:
        """The seconds until a request of the IP address may be parsed."""
        if not self.rates or (client.requests > 0 and client.slice_requests < SLICE_REQUESTS):
            return 0.0
        if wait := self.limit(client):
            return wait
        now = clock.monotonic()
        if now >= client.slice_ends_at:
            client.slice_requests = 0
        return client.slice_ends_at - now if client.slice_requests >= SLICE_REQUESTS else 0.0

    def limit(self, client: ClientIp) -> float:
        """The seconds until the IP address is within its rate of requests."""
        if not self.rates or client.requests > 0:
            return 0.0
        client.refill(clock.monotonic())
        return (1 - client.requests) / REQUESTS.per_s if client.requests <= 0 else 0.0

    def queue(self, client: ClientIp, release: Callable[[], None], wait: float) -> None:
        """Call `release` when the IP address may send its next request, after those that were queued."""
        client.waiting.append(release)
        if client.timer is None:
            client.timer = asyncio.get_running_loop().call_later(wait, self._release, client)

    async def admit(self, client: ClientIp) -> float:
        """Charge a request once there is room in a slice; return the seconds if the rate is exceeded."""
        if wait := self.limit(client):
            return wait
        if client.waiting or self.wait(client):
            admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            def release() -> None:
                if not admitted.done():
                    self.charge(client, 1)
                    admitted.set_result(None)

            self.queue(client, release, self.wait(client))
            await admitted
        else:
            self.charge(client, 1)
        return 0.0

    def _release(self, client: ClientIp) -> None:
        client.timer = None
        while client.waiting:
            if wait := self.wait(client):
                client.timer = asyncio.get_running_loop().call_later(wait, self._release, client)
                return
            client.waiting.popleft()()

    def charge(self, client: ClientIp, requests: int) -> None:
        """Charge requests that were parsed; nothing where rates are lifted."""
        if not self.rates:
            return
        client.requests = max(client.requests - requests, -DEBT_S * REQUESTS.per_s)
        if client.slice_requests <= 0:
            client.slice_requests = 0
            client.slice_ends_at = clock.monotonic() + SLICE_S
        client.slice_requests += requests

    def discard(self, client: ClientIp, size: int) -> bool:
        """Count bytes of a body whose request was answered; False if no more of them may be read.

        Reading them lets a client that sends first find its answer. It costs the sender nothing.
        """
        if not self.rates:
            return True
        client.refill(clock.monotonic())
        if client.discarded <= 0:
            metrics.count("request_bodies_abandoned")
            return False
        client.discarded -= size
        return True

    def give_back(self, client: ClientIp) -> None:
        """Do not count a request that was answered to an authenticated caller."""
        client.requests = min(REQUESTS.burst, client.requests + 1)
        client.slice_requests -= 1
