"""Limits of one IP address at the HTTP server, before a request is parsed.

The rate limits of routes count by user and class, after parser, router and middlewares. A flood of requests
that are refused, or that need no login, costs an instance that work. Here each request of an IP address is
charged when it is parsed, and refunded after a response to an authenticated caller. Input over the limit is
not read.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache

from hubbub.core import client_ip, clock, metrics
from hubbub.core.client_ip import Network, rate_limit_key
from hubbub.http.untrusted_proxies import UntrustedProxies
from hubbub.ratelimit.rate import Rate

REQUEST_RATE = Rate(300, 150)  # without a login; a page of hubbub's own loads about 30 files
RATE_LIMITED_COST = 3  # requests that one with the response 429 counts as; it passes most middlewares
CONNECTION_RATE = Rate(500, 250)  # new TCP connections; a new one costs as much as a request
# Requests of one IP address that begin in a slice of time, without those that were refunded. A burst is
# spread over turns of the event loop, so that requests of others are served in between.
SLICE_S = 0.02
MAX_SLICE_REQUESTS = 10
DISCARD_RATE = Rate(8 << 20, 2 << 20)  # bytes of bodies that are read although their request has a response
MAX_BUFFERED_BYTES = 1024 * 1024  # read from connections of one IP address, and not parsed yet
MAX_DEBT_S = 5.0  # maximum delay that requests in one read can cause
SWEEP_MIN_IPS = 1000  # IP addresses that are kept; beyond it, those with full buckets are removed


@lru_cache(4096)
def _peer_key(host: str) -> str:
    """Return the rate limit key of a peer. Cached, because a flood of connections repeats few peers."""
    return rate_limit_key(client_ip.normalize(host))


@lru_cache(4096)
def _is_within(host: str, networks: tuple[Network, ...]) -> bool:
    """Return whether a peer belongs to one of the networks. Cached for the same reason."""
    return client_ip.is_within(host, networks)


class ClientIp:
    """Usage and remaining budgets of one IP address."""

    __slots__ = (
        "_refilled_at",
        "buffered_bytes",
        "connection_budget",
        "discard_budget_bytes",
        "open_connections",
        "release_queue",
        "release_timer",
        "request_budget",
        "slice_ends_at",
        "slice_requests",
    )

    def __init__(self, now: float) -> None:
        self.open_connections = 0
        self.buffered_bytes = 0  # read and not parsed
        self.request_budget: float = REQUEST_RATE.burst  # requests that may be parsed; negative: a debt
        self.connection_budget: float = CONNECTION_RATE.burst  # connections that may be opened
        self.discard_budget_bytes: float = DISCARD_RATE.burst  # bytes of bodies that may be read without use
        self.slice_requests = 0  # requests that began in the current slice of time
        self.slice_ends_at = now
        # Callbacks of connections whose input waits to be parsed, in order; one timer calls them.
        self.release_queue: deque[Callable[[], None]] = deque()
        self.release_timer: asyncio.TimerHandle | None = None
        self._refilled_at = now

    def refill(self, now: float) -> None:
        elapsed = now - self._refilled_at
        self._refilled_at = now
        self.request_budget = min(REQUEST_RATE.burst, self.request_budget + elapsed * REQUEST_RATE.per_s)
        self.connection_budget = min(
            CONNECTION_RATE.burst, self.connection_budget + elapsed * CONNECTION_RATE.per_s
        )
        self.discard_budget_bytes = min(
            DISCARD_RATE.burst, self.discard_budget_bytes + elapsed * DISCARD_RATE.per_s
        )

    @property
    def idle(self) -> bool:
        """Whether it may be dropped: no connection is open and all budgets are full."""
        return (
            not self.open_connections
            and not self.release_queue
            and self.request_budget >= REQUEST_RATE.burst
            and self.connection_budget >= CONNECTION_RATE.burst
            and self.discard_budget_bytes >= DISCARD_RATE.burst
        )


class IpLimits:
    """Limits of the IP addresses of an instance's HTTP connections. Trusted proxies are limited by client."""

    def __init__(
        self,
        *,
        trusted_proxies: Iterable[Network] = (),
        max_connections: int = 2000,
        limit_rates: bool = True,
        untrusted_proxies: UntrustedProxies | None = None,
    ) -> None:
        """Limit open connections of an IP address, and with `limit_rates` new connections and requests."""
        self.untrusted_proxies = untrusted_proxies
        self.trusted_proxies = tuple(trusted_proxies)
        self.max_connections = max_connections
        self.limit_rates = limit_rates
        self._clients: dict[str, ClientIp] = {}
        self._sweep_at_ips = SWEEP_MIN_IPS

    def __len__(self) -> int:
        return len(self._clients)

    def client_of(self, ip: str) -> ClientIp:
        """Return the state of an IP address; an IPv6 network counts as one."""
        return self._client_by_key(rate_limit_key(client_ip.normalize(ip)))

    def _client_by_key(self, key: str) -> ClientIp:
        client = self._clients.get(key)
        if client is None:
            if len(self._clients) >= self._sweep_at_ips:
                self._sweep()
            client = self._clients[key] = ClientIp(clock.monotonic())
        return client

    def _sweep(self) -> None:
        """Drop idle IP addresses. The cost is amortized over as many new ones."""
        now = clock.monotonic()
        for client in self._clients.values():
            client.refill(now)
        self._clients = {key: client for key, client in self._clients.items() if not client.idle}
        self._sweep_at_ips = len(self._clients) * 2 + SWEEP_MIN_IPS

    def client_of_peer(self, peer: object) -> ClientIp | None:
        """Return the state of a peer's IP address; None for a trusted proxy and for a Unix socket."""
        if not isinstance(peer, tuple) or _is_within(peer[0], self.trusted_proxies):
            return None
        return self._client_by_key(_peer_key(peer[0]))

    def acquire_connection(self, client: ClientIp) -> bool:
        """Count a new connection; return False if it exceeds a limit and must be closed."""
        if client.open_connections >= self.max_connections:
            metrics.count("connections_refused", "open")
            return False
        if self.limit_rates:
            client.refill(clock.monotonic())
            if client.connection_budget < 1:
                metrics.count("connections_refused", "rate")
                return False
            client.connection_budget -= 1
        client.open_connections += 1
        return True

    def request_delay_s(self, client: ClientIp) -> float:
        """Return the seconds until a request of the IP address may be parsed."""
        if not self.limit_rates or (client.request_budget > 0 and client.slice_requests < MAX_SLICE_REQUESTS):
            return 0.0
        if wait := self.rate_delay_s(client):
            return wait
        now = clock.monotonic()
        if now >= client.slice_ends_at:
            client.slice_requests = 0
        return client.slice_ends_at - now if client.slice_requests >= MAX_SLICE_REQUESTS else 0.0

    def must_wait(self, client: ClientIp) -> bool:
        """Return whether the next request of the IP address has to wait, behind others or for the rates."""
        return bool(client.release_queue or self.request_delay_s(client))

    def rate_delay_s(self, client: ClientIp) -> float:
        """Return the seconds until the IP address is within its rate of requests."""
        if not self.limit_rates or client.request_budget > 0:
            return 0.0
        client.refill(clock.monotonic())
        return (1 - client.request_budget) / REQUEST_RATE.per_s if client.request_budget <= 0 else 0.0

    def enqueue(self, client: ClientIp, release: Callable[[], None], wait: float) -> None:
        """Call `release` when the IP address may send its next request, after those that were queued."""
        client.release_queue.append(release)
        if client.release_timer is None:
            client.release_timer = asyncio.get_running_loop().call_later(wait, self._release_queued, client)

    async def acquire_request(self, client: ClientIp) -> float:
        """Charge a request once there is room in a slice; return the seconds if the rate is exceeded."""
        if wait := self.rate_delay_s(client):
            return wait
        if self.must_wait(client):
            acquired: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            def release() -> None:
                if not acquired.done():
                    self.charge(client, 1)
                    acquired.set_result(None)

            self.enqueue(client, release, self.request_delay_s(client))
            await acquired
        else:
            self.charge(client, 1)
        return 0.0

    def _release_queued(self, client: ClientIp) -> None:
        client.release_timer = None
        while client.release_queue:
            if wait := self.request_delay_s(client):
                client.release_timer = asyncio.get_running_loop().call_later(
                    wait, self._release_queued, client
                )
                return
            client.release_queue.popleft()()

    def charge(self, client: ClientIp, requests: int) -> None:
        """Charge requests that were parsed, if rates are limited."""
        if not self.limit_rates:
            return
        client.request_budget = max(client.request_budget - requests, -MAX_DEBT_S * REQUEST_RATE.per_s)
        if client.slice_requests <= 0:
            client.slice_requests = 0
            client.slice_ends_at = clock.monotonic() + SLICE_S
        client.slice_requests += requests

    def charge_rate_limited(self, client: ClientIp) -> None:
        """Charge a request again whose response was 429."""
        self.charge(client, RATE_LIMITED_COST - 1)

    def acquire_discard(self, client: ClientIp, size: int) -> bool:
        """Count bytes of a body whose request has a response; return False if no more may be read.

        A client that sends its whole body first finds the response only if the body is read. Reading costs
        the sender nothing.
        """
        if not self.limit_rates:
            return True
        client.refill(clock.monotonic())
        if client.discard_budget_bytes <= 0:
            metrics.count("request_bodies_abandoned")
            return False
        client.discard_budget_bytes -= size
        return True

    def refund_request(self, client: ClientIp) -> None:
        """Give back the charge of a request with a response to an authenticated caller."""
        client.request_budget = min(REQUEST_RATE.burst, client.request_budget + 1)
        client.slice_requests -= 1
