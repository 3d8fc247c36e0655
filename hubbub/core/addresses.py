"""Whose request it is: the address of the connection, or what a trusted proxy says."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

Network = IPv4Network | IPv6Network


def client(peer: str, forwarded: str, trusted: Iterable[Network]) -> str:
    """The nearest address in the chain that is not one of our proxies (`X-Forwarded-For`, right to left).

    A header alone is never believed: it counts only as far as each hop before it is a trusted proxy.
    """
    networks = tuple(trusted)
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()] if networks else []
    address = plain(peer)
    while _trusted(address, networks) and hops:
        hop = _without_port(hops.pop())
        if not _is_address(hop):
            break
        address = plain(hop)
    return address


def admitted(address: str, allow: Sequence[Network], deny: Sequence[Network]) -> bool:
    """Whether an address may come in: it is not in `deny`, and in `allow` if that names any.

    What is no address (a Unix socket) is in neither.
    """
    try:
        parsed = ip_address(plain(address))
    except ValueError:
        return not allow
    if any(parsed in network for network in deny):
        return False
    return not allow or any(parsed in network for network in allow)


def of_request(request: Any, trusted: Iterable[Network]) -> str:  # noqa: ANN401 - an aiohttp request, without knowing aiohttp
    """The client's address of an HTTP request or an upgraded socket; empty if it is gone already."""
    return client(request.remote or "", ",".join(request.headers.getall("X-Forwarded-For", [])), trusted)


def plain(address: str) -> str:
    """IPv4 written as IPv6 (`::ffff:10.0.0.1`) as IPv4, so that networks and limits see one address."""
    mapped = getattr(ip_address(address), "ipv4_mapped", None) if _is_address(address) else None
    return str(mapped) if mapped is not None else address


def is_loopback(address: str) -> bool:
    """Whether it is this machine; of what is no address it is not known."""
    return _is_address(address) and ip_address(plain(address)).is_loopback


def _without_port(hop: str) -> str:
    """`192.0.2.1:4711` and `[2001:db8::1]:4711`, as some proxies write it, without the port."""
    host, closed, rest = hop.removeprefix("[").partition("]")
    if hop.startswith("[") and closed and (not rest or _is_port(rest.removeprefix(":"))):
        return host
    host, _, port = hop.partition(":")
    return host if _is_port(port) and "." in host else hop


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _trusted(address: str, networks: tuple[Network, ...]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)
