"""Proxies in front of an instance that `HUBBUB_TRUSTED_PROXIES` does not name.

All their clients then share one IP address, with its limits, in sessions and in the audit log.
"""

import logging
from collections.abc import Callable

from hubbub.core import client_ip, clock

log = logging.getLogger(__name__)

WARNING_INTERVAL_S = 3600.0


class UntrustedProxies:
    """Warns about `X-Forwarded-For` from private and loopback IP addresses, once an hour.

    From other IP addresses the header is the client's own invention.
    """

    def __init__(self, on_warning: Callable[[str], None]) -> None:
        """`report` gets the IP address, with each warning."""
        self._on_warning = on_warning
        self._silent_until = 0.0

    def record(self, peer: str) -> None:
        """A request with the header came from an IP address that is not trusted."""
        now = clock.monotonic()
        if now < self._silent_until or not client_ip.is_private(peer):
            return
        self._silent_until = now + WARNING_INTERVAL_S
        log.warning(
            "X-Forwarded-For is ignored: it comes from a proxy that HUBBUB_TRUSTED_PROXIES does not name",
            extra={"proxy": client_ip.normalize(peer)},
        )
        self._on_warning(client_ip.normalize(peer))
