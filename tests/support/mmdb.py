"""Writes a MaxMind DB file with one network: https://maxmind.github.io/MaxMind-DB."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"
_STRING, _UINT16, _UINT32, _MAP, _UINT64, _ARRAY = 2, 5, 6, 7, 9, 11
_INTEGERS = {"node_count": _UINT32, "build_epoch": _UINT64}  # the others have 16 bits
_SEPARATOR_BYTES = 16  # between tree and data


def write(path: Path, network: str, record: dict[str, Any]) -> None:
    """Write a database in which the addresses of one IPv4 network have this record."""
    net = IPv4Network(network)
    bits = f"{int(net.network_address):032b}"[: net.prefixlen]
    count = len(bits)  # of nodes: one for each bit
    tree = b""
    for index, bit in enumerate(bits):
        last = index == count - 1
        found = count + _SEPARATOR_BYTES if last else index + 1  # the record is first in the data
        sides = (found, count) if bit == "0" else (count, found)
        tree += b"".join(side.to_bytes(3, "big") for side in sides)
    metadata = {
        "node_count": count,
        "record_size": 24,
        "ip_version": 4,
        "database_type": "Test-City",
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_700_000_000,
        "description": {"en": "Test"},
    }
    path.write_bytes(tree + bytes(_SEPARATOR_BYTES) + _encode(record) + _MARKER + _encode(metadata))


def _encode(value: Any, name: str = "") -> bytes:
    if isinstance(value, str):
        raw = value.encode()
        return _head(_STRING, len(raw)) + raw
    if isinstance(value, int):
        raw = value.to_bytes(8, "big").lstrip(b"\0")
        return _head(_INTEGERS.get(name, _UINT16), len(raw)) + raw
    if isinstance(value, list):
        return _head(_ARRAY, len(value)) + b"".join(map(_encode, value))
    pairs = (_encode(key) + _encode(each, key) for key, each in value.items())
    return _head(_MAP, len(value)) + b"".join(pairs)


def _head(kind: int, size: int) -> bytes:
    """Return the control byte, with the byte of an extended type (above 7). Sizes are below 29."""
    assert size < 29
    return bytes([(kind << 5) | size]) if kind <= _MAP else bytes([size, kind - 7])
