"""The IP address of a client: that of the connection, or the one that a trusted proxy reports."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Network = IPv4Network | IPv6Network
PROXY_HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded")
MAX_HOPS = 32  # of a chain of proxies, from the right; each takes about 50 microseconds
IPV6_NETWORK_BITS = 64  # bits of the network that one customer has
IPV6_SITE_BITS = 48  # bits of the network that one site has at most: counted when a table of networks is full
# Results that are kept, because a crowd repeats few IP addresses and parsing one takes microseconds. Longer
# text, which a header may hold, is not kept.
CACHED_IPS, MAX_CACHED_CHARS = 4096, 64


def resolve(peer_ip: str, forwarded: str, trusted: Iterable[Network]) -> str:
    """Return the nearest IP address in the chain that is not a trusted proxy.

    The chain is the connection, then `X-Forwarded-For` from right to left. A header counts only as far as
    each hop before it is a trusted proxy.
    """
    networks = tuple(trusted)
    ip = normalize(peer_ip)
    if not networks or not forwarded:
        return ip
    hops = [hop.strip() for hop in forwarded.rsplit(",", MAX_HOPS)[-MAX_HOPS:] if hop.strip()]
    while _is_in_any(ip, networks) and hops:
        hop = _strip_port(hops.pop())
        if not is_ip_address(hop):
            break
        ip = normalize(hop)
    return ip


def is_allowed(ip: str, allow: Sequence[Network], deny: Sequence[Network]) -> bool:
    """Return whether an IP address is accepted: not in `deny`, and in `allow` unless that is empty.

    What is not an IP address (a Unix socket) is in neither.
    """
    try:
        parsed = ip_address(normalize(ip))
    except ValueError:
        return not allow
    if any(parsed in network for network in deny):
        return False
    return not allow or any(parsed in network for network in allow)


def from_request(request: Any, trusted: Iterable[Network]) -> str:  # noqa: ANN401 - an aiohttp request, without knowing aiohttp
    """Return the client's IP address of an HTTP request or an upgraded socket; empty after a disconnect."""
    networks = tuple(trusted)
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", ())) if networks else ""
    return resolve(request.remote or "", forwarded, networks)


def is_proxied(request: Any) -> bool:  # noqa: ANN401 - likewise
    """Return whether a header of a proxy says that the peer is not the client."""
    return any(name in request.headers for name in PROXY_HEADERS)


def is_https(request: Any, trusted: Iterable[Network]) -> bool:  # noqa: ANN401 - likewise
    """Return whether the client uses https, to this process or to a trusted proxy that reports it."""
    if request.scheme == "https":
        return True
    forwarded = request.headers.get("X-Forwarded-Proto", "")
    nearest = forwarded.rpartition(",")[2].strip().lower()  # of the proxy that connected to this process
    return nearest == "https" and is_within(request.remote or "", trusted)


def is_private(ip: str) -> bool:
    """Return whether it is an IP address of this machine or of a private network."""
    return is_ip_address(ip) and ip_address(normalize(ip)).is_private


def normalize(ip: str) -> str:
    """Return the canonical form of an IP address, for networks, limits and the log; other text is unchanged.

    IPv4 written as IPv6 (`::ffff:10.0.0.1`) becomes IPv4. IPv6 is in lower case, with zeros compressed (RFC
    5952) and without a zone.
    """
    return _normalize_cached(ip) if len(ip) <= MAX_CACHED_CHARS else _normalize(ip)


def _normalize(ip: str) -> str:
    try:
        parsed = ip_address(ip.partition("%")[0])
    except ValueError:
        return ip
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


_normalize_cached = lru_cache(CACHED_IPS)(_normalize)


def is_loopback(ip: str) -> bool:
    """Return whether it is an IP address of this machine."""
    return is_ip_address(ip) and ip_address(normalize(ip)).is_loopback


def _strip_port(hop: str) -> str:
    """Return a hop without a port (`192.0.2.1:4711`, `[2001:db8::1]:4711`) and without quotes."""
    if len(hop) > 1 and hop.startswith('"') and hop.endswith('"'):  # RFC 7239, 4 quotes what has a colon
        hop = hop[1:-1].strip()
    host, closing, rest = hop.removeprefix("[").partition("]")
    if hop.startswith("[") and closing and (not rest or _is_port(rest.removeprefix(":"))):
        return host
    host, _, port = hop.partition(":")
    return host if _is_port(port) and "." in host else hop


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit()


def is_ip_address(text: str) -> bool:
    """Return whether a text is an IP address, without port and brackets."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_within(ip: str, networks: Iterable[Network]) -> bool:
    """Return whether an IP address is in one of the networks. Other text is in none."""
    return _is_in_any(normalize(ip), tuple(networks))


def _is_in_any(ip: str, networks: tuple[Network, ...]) -> bool:
    return is_ip_address(ip) and any(ip_address(ip) in network for network in networks)


def rate_limit_key(ip: str) -> str:
    """Return the key of a limit: an IPv4 address, or an IPv6 /64, because one client has all of it."""
    return _rate_limit_key_cached(ip) if len(ip) <= MAX_CACHED_CHARS else _rate_limit_key(ip)


def _rate_limit_key(ip: str) -> str:
    try:
        parsed = ip_address(ip)
    except ValueError:
        return ip
    if not isinstance(parsed, IPv6Address):
        return ip
    return str(ip_network((int(parsed), IPV6_NETWORK_BITS), strict=False))


_rate_limit_key_cached = lru_cache(CACHED_IPS)(_rate_limit_key)


def wider_key(network: str) -> str | None:
    """Return the /48 of an IPv6 network in the form of `rate_limit_key`; None for every other key."""
    if not network.endswith(f"/{IPV6_NETWORK_BITS}"):
        return None
    try:
        return str(IPv6Network(network).supernet(new_prefix=IPV6_SITE_BITS))
    except ValueError:
        return None
