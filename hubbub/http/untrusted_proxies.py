"""Detection of proxies that `HUBBUB_TRUSTED_PROXIES` does not name.

All their clients share one IP address: in limits, in sessions and in the audit log.
"""

import logging
from collections.abc import Callable

from hubbub.core import client_ip, clock

log = logging.getLogger(__name__)

WARNING_INTERVAL_S = 3600.0


class UntrustedProxies:
    """Warns about `X-Forwarded-For` from private and loopback IP addresses, once an hour.

    From other IP addresses, the client itself sets the header.
    """

    def __init__(self, on_warning: Callable[[str], None]) -> None:
        """Call `on_warning` with the IP address, at each warning."""
        self._on_warning = on_warning
        self._silent_until = 0.0

    def record(self, peer: str) -> None:
        """Record a request with the header from an IP address that is not trusted."""
        now = clock.monotonic()
        if now < self._silent_until or not client_ip.is_private(peer):
            return
        self._silent_until = now + WARNING_INTERVAL_S
        log.warning(
            "X-Forwarded-For is ignored: it comes from a proxy that HUBBUB_TRUSTED_PROXIES does not name",
            extra={"proxy": client_ip.normalize(peer)},
        )
        self._on_warning(client_ip.normalize(peer))
