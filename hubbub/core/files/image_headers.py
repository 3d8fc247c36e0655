"""The header of an image: its type, its pixels and its frames, before anything is decoded."""

import warnings
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from hubbub.core.files import gif_frames, webp_header
from hubbub.core.files.images import ImageHeader, Limits
from hubbub.core.files.types import FILE_TYPES, Damaged, TooComplex, UnsupportedType, listed

Image.MAX_IMAGE_PIXELS = None  # `check` compares with the limit of the settings, before Pillow would
ImageFile.LOAD_TRUNCATED_IMAGES = False
FRAME_FACTOR = 2  # all frames together have at most that many times the pixels of one image
HEAD_BYTES = 64
_JPEG, _SEVERAL_JPEGS = "jpeg", "mpo"  # MPO: what cameras append, such as a depth map
# Errors of Pillow about invalid content.
DECODE_ERRORS = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, OverflowError, TypeError)


def read(path: Path, limits: Limits) -> ImageHeader:
    """Return the header of an image within the limits. Call it in a thread.

    Raises UnsupportedType, Damaged, TooComplex, OSError.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":  # Pillow would allocate the whole canvas
        _check_pixels(*webp_header.size(head), limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _read(path, limits)


def _read(path: Path, limits: Limits) -> ImageHeader:
    try:
        image = Image.open(path, formats=[name.upper() for name in limits.types])
    except UnidentifiedImageError:
        message = f"The content must be an image of one of these types: {listed(limits.types)}."
        raise UnsupportedType(message) from None
    except DECODE_ERRORS:
        raise Damaged("The image is damaged.") from None
    with image:
        name = (image.format or "").lower()
        file_type = FILE_TYPES[_JPEG if name == _SEVERAL_JPEGS else name]
        width, height = image.size
        _check_pixels(width, height, limits)
        frames = _count_frames(image, name, path, limits)
    if frames > limits.max_frames:
        raise TooComplex(f"The image has more than {limits.max_frames} frames.")
    if width * height * frames > FRAME_FACTOR * limits.max_pixels:
        raise TooComplex("The frames of the image have too many pixels.")
    return ImageHeader(file_type, width, height, frames)


def _count_frames(image: Image.Image, name: str, path: Path, limits: Limits) -> int:
    if name == "gif":
        return gif_frames.count(path, limits.max_frames)
    # The others have the number in their header. Of several JPEGs in a file the first one is the picture.
    return 1 if name == _SEVERAL_JPEGS else int(getattr(image, "n_frames", 1))


def _check_pixels(width: int, height: int, limits: Limits) -> None:
    if width < 1 or height < 1:
        raise Damaged("The image is damaged.")
    if width * height > limits.max_pixels:
        raise TooComplex(f"The image has more than {limits.max_pixels} pixels.")
