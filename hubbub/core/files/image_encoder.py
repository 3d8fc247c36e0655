"""Decodes an image and writes it again: upright, in sRGB, without metadata, with thumbnails.

What is written is new: bytes that are hidden in the original, or appended to it, do not survive.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import GifImagePlugin, Image, ImageCms, ImageOps, ImageSequence

from hubbub.core import clock
from hubbub.core.files.image_headers import DECODE_ERRORS
from hubbub.core.files.images import Converted, ImageHeader, Picture, Plan
from hubbub.core.files.types import Damaged, TooComplex

MAX_WEBP_SIDE = 16_383  # pixels
THUMBNAIL_QUALITY = 80
# Faster and smaller settings than the defaults where the difference is hardly visible.
_OPTIONS: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 88, "optimize": True},
    "png": {"compress_level": 6},
    "webp": {"quality": 85, "method": 2},
    "gif": {},
    "avif": {"quality": 75, "speed": 8, "max_threads": 1},
}
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_NO_METADATA = {"icc_profile": None, "exif": b"", "xmp": b""}
GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY


def convert(
    source: Path, header: ImageHeader, plan: Plan, new_path: Callable[[], Path], deadline: float
) -> Converted:
    """Write the image and its thumbnails to new files. Call it in a thread.

    `deadline` is a time of `clock.monotonic`. Raises Damaged, TooComplex (at the deadline), OSError.
    """
    try:
        image = Image.open(source, formats=[header.file_type.name.upper()])
        try:
            return _convert(image, header, plan, new_path, deadline)
        finally:
            vars(image).pop("seek", None)  # which refers to the image: it would be freed much later
            image.close()
    except DECODE_ERRORS as error:
        if isinstance(error, OSError) and error.errno is not None:  # of a file, and not of its content
            raise
        raise Damaged("The image is damaged.") from None
    except MemoryError:
        raise TooComplex("The image is too large.") from None


def _convert(
    image: Image.Image, header: ImageHeader, plan: Plan, new_path: Callable[[], Path], deadline: float
) -> Converted:
    _limit_time(image, deadline)
    is_animation = header.frames > 1
    first = _upright(image.copy() if is_animation else image)
    size = first.size
    if plan.max_side is not None:
        first.thumbnail((plan.max_side, plan.max_side))
    main_path = new_path()
    if is_animation and first.size == size:
        _save_animation(image, header.file_type.name, main_path)
    else:
        _save(first, header.file_type.name, main_path)
    return Converted(Picture(main_path, *first.size), _thumbnails(first, plan, new_path, deadline))


def _limit_time(image: Image.Image, deadline: float) -> None:
    """Raise TooComplex at the first frame after the deadline. Pillow seeks once for each frame."""
    seek = image.seek

    def seek_in_time(frame: int) -> None:
        _require_time(deadline)
        seek(frame)

    image.seek = seek_in_time  # type: ignore[method-assign]


def _require_time(deadline: float) -> None:
    if clock.monotonic() > deadline:
        raise TooComplex("Converting the image takes too long.")


def _upright(image: Image.Image) -> Image.Image:
    """Rotate an image as its metadata says; return it in sRGB and without metadata."""
    image.load()
    profile, transparency = image.info.get("icc_profile"), image.info.get("transparency")
    ImageOps.exif_transpose(image, in_place=True)
    upright = _to_srgb(image, profile) if profile else image
    keeps = transparency is not None and upright.mode in ("P", "L", "RGB", "1", "I;16")
    upright.info = {"transparency": transparency} if keeps else {}
    return upright


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert the colors; an invalid profile is ignored, as browsers do."""
    if image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = image.mode if image.mode in ("RGBA", "L") else "RGB"
        if mode == "L":
            return image  # a gray profile hardly changes the brightness
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return converted if converted is not None else image


def _save(image: Image.Image, name: str, path: Path) -> None:
    image = _in_mode_for(image, name)
    image.save(path, format=name.upper(), **_OPTIONS[name], **({} if name == "gif" else _NO_METADATA))


def _in_mode_for(image: Image.Image, name: str) -> Image.Image:
    if name == "jpeg":
        return image if image.mode in ("L", "RGB") else image.convert("RGB")
    if name == "png":
        return image if image.mode in _PNG_MODES else image.convert("RGBA")
    if name == "gif":
        return image
    return _true_color(image)


def _true_color(image: Image.Image) -> Image.Image:
    """Return an image in RGB, or in RGBA if it has transparent parts."""
    if image.mode in ("RGB", "RGBA"):
        if "transparency" not in image.info:
            return image
        return image.convert("RGBA")
    has_alpha = image.has_transparency_data or image.mode in ("LA", "PA", "La", "RGBa")
    if image.mode.startswith("I;16"):  # 16 bits of gray, scaled to 8
        image = image.point(lambda value: value / 257).convert("L")
    return image.convert("RGBA" if has_alpha else "RGB")


def _save_animation(image: Image.Image, name: str, path: Path) -> None:
    """Write all frames, one after the other. Pillow reads them again from the source."""
    options = {**_OPTIONS[name], "save_all": True, "loop": image.info.get("loop", 0)}
    options["duration"] = list(_durations(image))
    image.seek(0)
    if name == "gif":
        image.info.pop("comment", None)
        options |= {"comment": b"", "disposal": 2}
    else:
        options |= _NO_METADATA
    image.save(path, format=name.upper(), **options)


def _durations(image: Image.Image) -> Iterator[int]:
    for frame in ImageSequence.Iterator(image):
        frame.load()
        yield int(frame.info.get("duration", 100))


def _thumbnails(
    image: Image.Image, plan: Plan, new_path: Callable[[], Path], deadline: float
) -> list[Picture]:
    """Write the thumbnails that are not larger than the image, from the largest to the smallest."""
    source = _square(image) if plan.square else image
    source = _true_color(source)
    pictures = []
    for width in sorted(plan.widths, reverse=True):
        height = max(1, round(source.height * width / source.width))
        if width > image.width or width > source.width or height > MAX_WEBP_SIDE:
            continue
        _require_time(deadline)
        if source.width != width:
            source = source.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
        path = new_path()
        source.save(path, format="WEBP", quality=THUMBNAIL_QUALITY, method=2)
        pictures.append(Picture(path, width, source.height))
    return pictures[::-1]


def _square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))
