"""FAST PATH: the beginning of a TCP connection, until it is known who handles it.

A usual WebSocket handshake is accepted here, before parser, router and middlewares of aiohttp. Their checks
are repeated here: IP addresses that are not allowed, the rates of the IP address, and what the Engine.IO
server checks. Whatever is not accepted, and all other requests, are handed to aiohttp, which responds.

An accepted handshake is counted as a response with the status 101. It gets no id and no log line: there is no
response that could carry the id, and the line about the connected socket names the user.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

from hubbub.core import client_ip, metrics
from hubbub.core.turn_budget import TurnBudget
from hubbub.http import upgrade_request
from hubbub.http.upgrade_request import UpgradeRequest

if TYPE_CHECKING:
    from hubbub.http.ip_limits import ClientIp, IpLimits

MAX_WAITING_BYTES = 16 * 1024  # read while a handshake waits for its turn

Upgrade = Callable[[UpgradeRequest], bool]


class RequestProtocol(Protocol):
    """The protocol of aiohttp that takes over what is no usual handshake."""

    def take_over(self, transport: asyncio.Transport, data: bytes, header_deadline: float) -> None:
        """Begin with a connection that has sent `data`, with the loop time by which its header must end."""


class OpeningHost(Protocol):
    """What an opening needs of the HTTP server."""

    limits: "IpLimits"
    header_timeout_s: float
    upgrade: Upgrade | None
    turn_budget: TurnBudget
    openings: "set[Opening]"  # the openings of this server

    def create_request_protocol(self, client: "ClientIp | None") -> RequestProtocol:
        """Return the protocol for requests that are no handshakes."""


class Opening(asyncio.Protocol):
    """A connection that has not sent a request yet, or whose handshake waits for its turn."""

    __slots__ = ("_data", "_deadline", "_message_tail", "_server", "_timer", "client", "transport")

    def __init__(self, server: OpeningHost, client: "ClientIp | None") -> None:
        self._server = server
        self.client = client  # the IP address for which the connection counts; None for a trusted proxy
        self.transport: asyncio.Transport | None = None  # None after the end, or once it was handed over
        self._data: bytes | None = None  # a handshake that waits for its turn
        self._message_tail = b""  # as in aiohttp: the bytes after the handshake
        self._deadline = 0.0  # loop time by which the header of the first request must end
        self._timer: asyncio.TimerHandle | None = None  # ends the connection at `_deadline`

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._server.openings.add(self)
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + self._server.header_timeout_s
        self._timer = loop.call_at(self._deadline, self._on_timeout)

    def _on_timeout(self) -> None:
        metrics.count("slow_requests")
        self.abort()

    def abort(self) -> None:
        """Close the connection at once."""
        if self.transport is not None:
            self.transport.abort()

    def release(self) -> None:
        """Stop counting the connection. Safe to call twice."""
        if self.client is not None:
            self.client.open_connections -= 1
            self.client = None

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget the connection. Called by the WebSocket that took it over, too."""
        self.release()
        self._end()

    def _end(self) -> None:
        self.transport = self._data = None
        self._server.openings.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def data_received(self, data: bytes) -> None:
        if self._data is not None:  # more than the handshake, which waits
            self._data += data
            if len(self._data) > MAX_WAITING_BYTES and self.transport is not None:
                self.transport.pause_reading()
        elif self._may_upgrade(data):
            self._data = data
            if not self._server.turn_budget.try_run(self._handle):
                self._server.turn_budget.enqueue(self._handle_waiting)
        else:
            self._hand_over(data)

    def _may_upgrade(self, data: bytes) -> bool:
        """Return whether a handshake may be handled now, or soon."""
        server = self._server
        return (
            server.upgrade is not None
            and data.startswith(upgrade_request.PREFIX)
            and not server.turn_budget.full
            and not self._over_rate()
        )

    def _over_rate(self) -> bool:
        """Return whether the IP address must wait before its next request."""
        return self.client is not None and self._server.limits.must_wait(self.client)

    def _handle_waiting(self) -> None:
        data = self._data
        if data is None or self.transport is None:
            return
        self.transport.resume_reading()
        if self._over_rate():  # by handshakes that waited before this one, and were charged since
            self._data = None
            self._hand_over(data)
        else:
            self._handle()

    def _handle(self) -> None:
        data, transport = self._data, self.transport
        if data is None or transport is None or transport.is_closing():
            return
        client = self.client
        request = upgrade_request.parse(data, self, transport)
        try:
            upgraded = request is not None and self._upgrade(request)
        except Exception:
            if self.transport is None:  # taken over already
                raise
            upgraded = False  # the ordinary way fails in the same way, logs it and responds
        if request is None or not upgraded:
            self._data = None
            self._hand_over(data)
            return
        metrics.count("requests", "101")
        limits = self._server.limits
        if client is not None:
            limits.charge(client, 1)
            if limits.untrusted_proxies is not None and "X-Forwarded-For" in request.headers:
                limits.untrusted_proxies.record(request.remote or "")

    def _upgrade(self, request: UpgradeRequest) -> bool:
        """Accept a handshake, within the rate of a client behind a trusted proxy."""
        server = self._server
        limits, upgrade = server.limits, server.upgrade
        assert upgrade is not None  # noqa: S101 - `_may_upgrade` checks it
        if self.client is not None or not limits.limit_rates:
            return upgrade(request)
        if not client_ip.is_within(request.remote or "", limits.trusted_proxies):
            return upgrade(request)  # over a Unix socket
        client = limits.client_of(client_ip.from_request(request, limits.trusted_proxies))
        if limits.must_wait(client) or not upgrade(request):
            return False
        limits.charge(client, 1)
        return True

    def _hand_over(self, data: bytes) -> None:
        """Let aiohttp handle the connection from here on."""
        transport, client, deadline = self.transport, self.client, self._deadline
        assert transport is not None  # noqa: S101 - the callers check it
        self.client = None
        self._end()
        self._server.create_request_protocol(client).take_over(transport, data, deadline)
