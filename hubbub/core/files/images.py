"""Images: their limits, and what is made of them. Without Pillow, which is imported for the first image."""

from pathlib import Path
from typing import NamedTuple

from hubbub.core.files.types import FileType

IMAGE_WIDTHS = (320, 960, 1920)
AVATAR_WIDTHS = (64, 256, 512)
MAX_AVATAR_SIDE = 1024  # pixels: no client shows an avatar in a larger size


class Limits(NamedTuple):
    """The limits of images."""

    types: tuple[str, ...]  # names
    max_pixels: int
    max_frames: int


class ImageHeader(NamedTuple):
    """What the header of an image says."""

    file_type: FileType
    width: int  # pixels, as stored: a rotation in the metadata is not applied
    height: int
    frames: int

    @property
    def pixels(self) -> int:
        """Pixels of all frames."""
        return self.width * self.height * self.frames


class Plan(NamedTuple):
    """What to make of an image."""

    square: bool  # thumbnails are squares from the middle
    widths: tuple[int, ...]  # of the thumbnails, in pixels
    max_side: int | None = None  # of the image itself; a larger one is reduced


PLANS = {
    "image": Plan(square=False, widths=IMAGE_WIDTHS),
    "avatar": Plan(square=True, widths=AVATAR_WIDTHS, max_side=MAX_AVATAR_SIDE),
}


class Picture(NamedTuple):
    """A written file with its size in pixels."""

    path: Path
    width: int
    height: int


class Converted(NamedTuple):
    """The image and its thumbnails, smallest first."""

    main: Picture
    thumbnails: list[Picture]
