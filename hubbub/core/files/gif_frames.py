"""The number of frames of a GIF, from its blocks: Pillow would decode each of them (GIF89a, appendix A)."""

from pathlib import Path
from typing import BinaryIO

from hubbub.core.files.types import Damaged

_IMAGE, _EXTENSION, _END = 0x2C, 0x21, 0x3B
_HAS_TABLE = 0x80
MAX_BLOCKS = 1_000_000  # 10 MiB of the smallest ones; a real file has one per frame and some of comments


def count(path: Path, limit: int) -> int:
    """Return the number of frames, at most `limit + 1`. Raises Damaged, OSError."""
    with path.open("rb") as file:
        header = file.read(13)
        if len(header) < 13:  # noqa: PLR2004 - signature and screen descriptor
            raise Damaged("The image is damaged.")
        _skip_table(file, header[10])
        frames = 0
        for _ in range(MAX_BLOCKS):
            kind = file.read(1)
            if not kind or kind[0] == _END or frames > limit:
                break
            frames += _skip_block(file, kind[0])
    return max(frames, 1)


def _skip_block(file: BinaryIO, kind: int) -> int:
    """Skip a block; return whether it is a frame."""
    if kind == _IMAGE:
        descriptor = file.read(9)
        if len(descriptor) < 9:  # noqa: PLR2004 - its size
            raise Damaged("The image is damaged.")
        _skip_table(file, descriptor[8])
        file.seek(1, 1)  # the code size
        _skip_data(file)
        return 1
    if kind == _EXTENSION:
        file.seek(1, 1)  # the label
        _skip_data(file)
    return 0  # any other byte: decoders skip it


def _skip_table(file: BinaryIO, flags: int) -> None:
    if flags & _HAS_TABLE:
        file.seek(3 * 2 ** ((flags & 7) + 1), 1)


def _skip_data(file: BinaryIO) -> None:
    while (size := file.read(1)) and size[0]:
        file.seek(size[0], 1)
