"""Parsers of setting values: rates, lists, networks, origins. A wrong value is a ValueError."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, ip_interface
from typing import NamedTuple

from hubbub.config import urls
from hubbub.core.client_ip import Network
from hubbub.core.text import email_addresses
from hubbub.core.text import names as room_names
from hubbub.ratelimit.rate import Rate

ROLES = ("user", "moderator", "admin")
MAX_LEAKY_DELAY_S = 10
MAX_ROOM_NAME_CHARS = 80  # characters, as in schemas.rooms.Name
IPV4_MAPPED_BITS = 96  # bits before an IPv4 address that is written as IPv6
_RATE = re.compile(r"(\d{1,9})/(\d{1,9}(?:\.\d{1,9})?)")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)\s*(?:([KMGT])(I?)B?|B)?", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^/?#@:]*):.*@")
_SECRET_PARAMETER = re.compile(r"([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&]*", re.IGNORECASE)


def rate(value: object, *, allow_leaky: bool = False) -> Rate | None:
    """Parse `30/10`, a burst of 30 refilled by 10 a second, or `off`, which is None: no limit.

    With `allow_leaky`, also `30/10 leaky`.
    """
    if value is None or isinstance(value, Rate):
        return value
    text = str(value).strip().lower()
    if allow_leaky and (leaky_text := text.removesuffix("leaky").rstrip()) != text:
        return _leaky_rate(leaky_text)
    if text == "off":
        return None
    found = _RATE.fullmatch(text)
    if found is None or int(found[1]) < 1 or float(found[2]) <= 0:
        raise ValueError("must be a burst and its refill per second, like 30/10 or 10/0.5, or off")
    return Rate(int(found[1]), float(found[2]))


def _leaky_rate(text: str) -> Rate | None:
    found = rate(text)
    if found is None or found.burst / found.per_s > MAX_LEAKY_DELAY_S:
        raise ValueError(f"a leaky bucket must be empty after {MAX_LEAKY_DELAY_S} seconds: like 20/5 leaky")
    return found._replace(leaky=True)


def format_rate(value: Rate | None) -> str:
    """Return a rate as it is written in the settings."""
    if value is None:
        return "off"
    return f"{value.burst}/{value.per_s:g}" + (" leaky" if value.leaky else "")


class Tier(NamedTuple):
    """The factor by which a role exceeds the limits, or None for no limit."""

    role: str
    factor: float | None

    def __str__(self) -> str:
        return f"{self.role}={'off' if self.factor is None else f'{self.factor:g}'}"


def tiers(value: object) -> tuple[Tier, ...]:
    """Parse `moderator=2,admin=off`: for each role a factor of the limits, or no limit."""
    return tuple(_tier(str(text)) for text in split_list(value))


def _tier(text: str) -> Tier:
    role, _, factor = text.replace(" ", "").lower().partition("=")
    if role in ROLES and factor == "off":
        return Tier(role, None)
    if role not in ROLES or not re.fullmatch(r"\d{1,4}(\.\d{1,4})?", factor) or float(factor) <= 0:
        raise ValueError(
            f'must be roles with a factor or off, like moderator=2,admin=off; "{text}" is not one'
        )
    return Tier(role, float(factor))


def byte_size(value: object) -> int:
    """Parse a number of bytes, `500MB` (millions) or `500MiB` (of 1024 KiB)."""
    found = _SIZE.fullmatch(str(value).strip())
    if found is None:
        raise ValueError("must be a size, like 500MB, 2GiB or 1048576")
    power = " KMGT".index((found[2] or " ").upper())
    return int(float(found[1]) * (1024 if found[3] else 1000) ** power)


def split_list(value: object) -> tuple[str, ...]:
    """Return the texts between commas, without surrounding spaces and without empty ones."""
    given = value.split(",") if isinstance(value, str) else _require_list(value)
    return tuple(dict.fromkeys(text for item in given if (text := str(item).strip())))


def secrets(value: object) -> tuple[str, ...]:
    """Return the secrets between commas or line ends. Messages do not contain them."""
    return split_list(value.replace("\n", ",") if isinstance(value, str) else value)


def _require_list(value: object) -> Iterable[object]:
    if isinstance(value, (list, tuple)):
        return value
    raise ValueError("must be a list, separated by commas")


def networks(value: object) -> tuple[Network, ...]:
    """Parse networks in CIDR form. A single IP address is a network of one."""
    return tuple(_network(text) for text in split_list(value))


def _network(text: str) -> Network:
    try:
        address = ip_interface(text)
    except ValueError:
        raise ValueError(
            f'must be networks like 10.0.0.0/8, separated by commas; "{text}" is not one'
        ) from None
    if address.ip != address.network.network_address:
        raise ValueError(f'"{text}" is not a network; did you mean {address.network}?')
    return _unmap_ipv4(address.network)


def _unmap_ipv4(network: Network) -> Network:
    """Return IPv4 written as IPv6 as IPv4, the form in which IP addresses are compared."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < IPV4_MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - IPV4_MAPPED_BITS))


def origins(value: object) -> tuple[str, ...]:
    """Parse origins as browsers send them, `https://chat.example`, or `*`."""
    return tuple(urls.origin(text.lower().rstrip("/")) for text in split_list(value))


def names(value: object) -> tuple[str, ...]:
    """Parse names of rooms."""
    found = split_list(value)
    for text in found:
        if fault := room_names.name_fault(text, MAX_ROOM_NAME_CHARS):
            raise ValueError(f"{fault[0].lower()}{fault[1:-1]}; {text!a} is not such a name")
    return found


def mask_secrets(text: str) -> str:
    """Return a URL with its passwords masked; other text is unchanged."""
    return _SECRET_PARAMETER.sub(r"\1***", _URL_PASSWORD.sub(r"\1:***@", text))


def identifier(value: object) -> str:
    """Validate a name that is safe in logs, channels and file names."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text := str(value)):
        raise ValueError("must be 1 to 64 letters, digits, dots, hyphens or underscores")
    return text


def sender(value: object) -> str:
    """Validate the sender of e-mails: an e-mail address, or a name and one in angle brackets."""
    text = str(value).strip()
    if email_addresses.parse_sender(text) is None:
        raise ValueError("must be an e-mail address, optionally with a name: hubbub <chat@example.org>")
    return text
