"""Whose request it is: the address of the connection, or what a trusted proxy says."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Network = IPv4Network | IPv6Network
MAX_HOPS = 32  # of a chain of proxies, from the right; each costs about 50 microseconds
IPV6_NETWORK_BITS = 64  # bits of an IPv6 address that one customer has to themselves
IPV6_SITE_BITS = 48  # bits that one site has, at most: what counts while there is no room for more networks


def resolve(peer_ip: str, forwarded: str, trusted: Iterable[Network]) -> str:
    """The nearest address in the chain that is not one of our proxies (`X-Forwarded-For`, right to left).

    A header alone is never believed: it counts only as far as each hop before it is a trusted proxy.
    """
    networks = tuple(trusted)
    hops = (
        [hop.strip() for hop in forwarded.rsplit(",", MAX_HOPS)[-MAX_HOPS:] if hop.strip()]
        if networks
        else []
    )
    ip = normalize(peer_ip)
    while _is_in_any(ip, networks) and hops:
        hop = _strip_port(hops.pop())
        if not _is_ip_address(hop):
            break
        ip = normalize(hop)
    return ip


def is_allowed(ip: str, allow: Sequence[Network], deny: Sequence[Network]) -> bool:
    """Whether an address may come in: it is not in `deny`, and in `allow` if that names any.

    What is no address (a Unix socket) is in neither.
    """
    try:
        parsed = ip_address(normalize(ip))
    except ValueError:
        return not allow
    if any(parsed in network for network in deny):
        return False
    return not allow or any(parsed in network for network in allow)


def from_request(request: Any, trusted: Iterable[Network]) -> str:  # noqa: ANN401 - an aiohttp request, without knowing aiohttp
    """The client's address of an HTTP request or an upgraded socket; empty if it is gone already."""
    return resolve(request.remote or "", ",".join(request.headers.getall("X-Forwarded-For", [])), trusted)


def is_https(request: Any, trusted: Iterable[Network]) -> bool:  # noqa: ANN401 - likewise
    """Whether the client's request came over https: to this process, or to a trusted proxy that says so."""
    if request.scheme == "https":
        return True
    forwarded = request.headers.get("X-Forwarded-Proto", "")
    nearest = forwarded.rpartition(",")[2].strip().lower()  # of the proxy that connected to this process
    return nearest == "https" and is_within(request.remote or "", trusted)


def is_private(ip: str) -> bool:
    """Whether it is an IP address of this machine or of a private network."""
    return _is_ip_address(ip) and ip_address(normalize(ip)).is_private


def normalize(ip: str) -> str:
    """Return one spelling of an IP address, for networks, limits and the log; other text as it is.

    IPv4 written as IPv6 (`::ffff:10.0.0.1`) is IPv4. IPv6 is lower case, without the zeros that can be left
    out (RFC 5952) and without a zone.
    """
    try:
        parsed = ip_address(ip.partition("%")[0])
    except ValueError:
        return ip
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def is_loopback(ip: str) -> bool:
    """Whether it is this machine; of what is no address it is not known."""
    return _is_ip_address(ip) and ip_address(normalize(ip)).is_loopback


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


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_within(ip: str, networks: Iterable[Network]) -> bool:
    """Whether an IP address belongs to one of the networks; what is no IP address belongs to none."""
    return _is_in_any(normalize(ip), tuple(networks))


def _is_in_any(ip: str, networks: tuple[Network, ...]) -> bool:
    return _is_ip_address(ip) and any(ip_address(ip) in network for network in networks)


def rate_limit_key(ip: str) -> str:
    """What counts as one address: an IPv4 one, or an IPv6 network, of which somebody has all addresses."""
    try:
        parsed = ip_address(ip)
    except ValueError:
        return ip
    if not isinstance(parsed, IPv6Address):
        return ip
    return str(ip_network((int(parsed), IPV6_NETWORK_BITS), strict=False))


def wider_key(network: str) -> str | None:
    """The /48 of an IPv6 network as `neighbourhood` writes it; None for every other key."""
    if not network.endswith(f"/{IPV6_NETWORK_BITS}"):
        return None
    try:
        return str(IPv6Network(network).supernet(new_prefix=IPV6_SITE_BITS))
    except ValueError:
        return None
