"""The size of a WebP image, from its first 30 bytes (RFC 9649, 2.7)."""

from hubbub.core.files.types import Damaged

MIN_BYTES = 30


def size(head: bytes) -> tuple[int, int]:
    """Return width and height. Raises Damaged."""
    kind, data = head[12:16], head[20:30]
    if len(head) >= MIN_BYTES and kind == b"VP8X":
        return _uint24(data[4:7]) + 1, _uint24(data[7:10]) + 1
    if len(head) >= MIN_BYTES and kind == b"VP8L" and data[0] == 0x2F:  # noqa: PLR2004 - the signature
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if len(head) >= MIN_BYTES and kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF
    raise Damaged("The image is damaged.")


def _uint24(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
