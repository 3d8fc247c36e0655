"""Whose request it is: the address of the connection, or what a trusted proxy says."""

from collections.abc import Iterable
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
        hop = hops.pop()
        if not _is_address(hop):
            break
        address = plain(hop)
    return address


def of_request(request: Any, trusted: Iterable[Network]) -> str:  # noqa: ANN401 - an aiohttp request, without knowing aiohttp
    """The client's address of an HTTP request or an upgraded socket; empty if it is gone already."""
    return client(request.remote or "", ",".join(request.headers.getall("X-Forwarded-For", [])), trusted)


def plain(address: str) -> str:
    """IPv4 written as IPv6 (`::ffff:10.0.0.1`) as IPv4, so that networks and limits see one address."""
    mapped = getattr(ip_address(address), "ipv4_mapped", None) if _is_address(address) else None
    return str(mapped) if mapped is not None else address


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _trusted(address: str, networks: tuple[Network, ...]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)
