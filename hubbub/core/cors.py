"""Origins of web pages that may connect: the configured ones, and those of this instance."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from hubbub.core import client_ip, clock, metrics
from hubbub.core.client_ip import Network

log = logging.getLogger(__name__)

DEFAULT_PORTS = {"http": 80, "https": 443}
WARN_INTERVAL_S = 3600.0  # between two warnings about one origin
MAX_WARNED_ORIGINS = 100  # warnings per hour, because an attacker can send any number of origins
MAX_PROXIES = 4  # values of X-Forwarded-Proto and X-Forwarded-Host that are read
MAX_ORIGIN_CHARS = 300  # characters of an origin that are compared and logged
ANY_ORIGIN = "*"


class CorsOrigins:
    """The origins that one instance accepts, over REST and on sockets."""

    def __init__(
        self, allowed: Collection[str], public_url: str | None, trusted_proxies: Iterable[Network]
    ) -> None:
        self.allows_any = ANY_ORIGIN in allowed  # the list contains `*`
        self._allowed = frozenset(
            normalize(each)
            for each in (*allowed, *([public_url] if public_url else []))
            if each != ANY_ORIGIN
        )
        self._trusted_proxies = tuple(trusted_proxies)  # whose `X-Forwarded-*` headers count
        self._warned: OrderedDict[str, float] = OrderedDict()  # refused origin → time of the warning

    def engineio_option(self) -> str | Callable[[str | None, dict[str, Any]], bool]:
        """Return the rule for python-engineio, which calls it with the handshake as a WSGI environ."""
        if self.allows_any:
            return ANY_ORIGIN
        return lambda origin, environ: bool(origin) and self.accepts(environ["aiohttp.request"], origin or "")

    def accepts(self, request: Any, origin: str) -> bool:  # noqa: ANN401 - an aiohttp request, without aiohttp
        """Return whether a page of `origin` may send this request. Logs the first refusal in an hour."""
        if self.allows_any or self.is_listed(request, origin):
            return True
        self._warn(normalize(origin[:MAX_ORIGIN_CHARS]))
        return False

    def is_listed(self, request: Any, origin: str) -> bool:  # noqa: ANN401 - likewise
        """Return whether an origin is configured by name, or is that of this instance; `*` names none."""
        normalized = normalize(origin[:MAX_ORIGIN_CHARS])
        return normalized in self._allowed or normalized in self._own_origins(request)

    def _own_origins(self, request: Any) -> set[str]:  # noqa: ANN401 - likewise
        """Return the origins under which this request reached the instance."""
        headers = request.headers
        schemes, hosts = [request.scheme], [request.host]
        if self._trusted_proxies and client_ip.is_within(request.remote or "", self._trusted_proxies):
            schemes += _split_forwarded(headers.getall("X-Forwarded-Proto", ()))
            hosts += _split_forwarded(headers.getall("X-Forwarded-Host", ()))
        return {normalize(f"{scheme}://{host}") for scheme in schemes for host in hosts}

    def _warn(self, origin: str) -> None:
        now = clock.monotonic()
        metrics.count("origins_refused")
        while self._warned and now - next(iter(self._warned.values())) >= WARN_INTERVAL_S:
            self._warned.popitem(last=False)
        if origin in self._warned or len(self._warned) >= MAX_WARNED_ORIGINS:
            return
        self._warned[origin] = now
        log.warning(
            "an origin was refused; to accept it, add it to HUBBUB_CORS_ORIGINS",
            extra={"origin": origin},
        )


@lru_cache(maxsize=256)
def normalize(origin: str) -> str:
    """Return the origin of a URL as browsers write it: lower case, ASCII, without a default port or a path.

    Other text is returned in lower case, without control characters.
    """
    text = "".join(each for each in origin.strip().lower() if each.isprintable())
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        if not host.isascii():
            host = host.encode("idna").decode()
    except ValueError:
        return text
    if not parts.scheme or not host or parts.username is not None:
        return text
    host = client_ip.normalize(host)
    host = f"[{host}]" if ":" in host else host
    is_default_port = port in (None, DEFAULT_PORTS.get(parts.scheme))
    return f"{parts.scheme}://{host}" if is_default_port else f"{parts.scheme}://{host}:{port}"


def _split_forwarded(values: Iterable[str]) -> list[str]:
    """Return the last members of a list that proxies extend, at most `MAX_PROXIES`."""
    return [
        each for value in ",".join(values).split(",")[-MAX_PROXIES:] if (each := value.strip().strip('"'))
    ]
