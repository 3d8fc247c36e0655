"""Images: header, limits, conversion and thumbnails."""

import gc
import io
import tracemalloc

import pytest
from PIL import Image, ImageCms

from hubbub.core import clock
from hubbub.core.files import image_encoder, image_headers
from hubbub.core.files.images import PLANS, Limits
from hubbub.core.files.types import Damaged, TooComplex, UnsupportedType
from tests.support.pictures import PDF, animation, noise, picture, png_of_size, saved, with_exif

ALL = ("png", "jpeg", "webp", "gif", "avif")
LIMITS = Limits(ALL, 1_000_000, 20)
TRANSPOSED = range(5, 9)


def converted(tmp_path, content, kind="image", limits=LIMITS, seconds=60.0):
    """Return header, image and thumbnails, as images."""
    source = tmp_path / "source"
    source.write_bytes(content)
    header = image_headers.read(source, limits)
    paths = iter(tmp_path / f"new{number}" for number in range(9))
    made = image_encoder.convert(
        source, header, PLANS[kind], lambda: next(paths), clock.monotonic() + seconds
    )
    pictures = [Image.open(io.BytesIO(each.path.read_bytes())) for each in (made.main, *made.thumbnails)]
    assert [each.size for each in pictures] == [
        (each.width, each.height) for each in (made.main, *made.thumbnails)
    ]
    return header, pictures[0], pictures[1:]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_an_image_keeps_its_type_size_and_colors(tmp_path, kind):
    header, image, _ = converted(tmp_path, picture(400, 300, kind))

    assert (header.file_type.name, header.frames, image.format) == (kind.lower(), 1, kind)
    left, right = (image.convert("RGB").getpixel((x, 150)) for x in (50, 350))
    assert (left[0] > 200, left[2] < 60, right[0] < 60, right[2] > 200) == (True,) * 4


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_mode_of_a_png_is_converted(tmp_path, mode):
    image = Image.new("I;16", (400, 300), 40_000) if mode == "I;16" else None
    content = saved(image, "PNG") if image is not None else picture(400, 300, mode=mode)

    _, image, thumbnails = converted(tmp_path, content)

    assert (image.mode, image.size, len(thumbnails)) == (mode, (400, 300), 1)


def test_transparency_survives(tmp_path):
    clear = Image.new("RGBA", (400, 300), (255, 0, 0, 0))

    _, image, (thumbnail,) = converted(tmp_path, saved(clear, "PNG"))

    assert image.getpixel((5, 5))[3] == 0
    assert thumbnail.convert("RGBA").getpixel((5, 5))[3] == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_upright_and_has_no_metadata(tmp_path, orientation):
    _, image, _ = converted(tmp_path, with_exif(orientation))

    assert image.size == ((48, 64) if orientation in TRANSPOSED else (64, 48))
    assert (dict(image.getexif()), image.info.get("exif")) == ({}, None)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "GIF", "JPEG"])
def test_comments_and_hidden_content_do_not_survive(tmp_path, kind):
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Comment", "hidden words")
    exif = Image.Exif()
    exif[0x010E] = "hidden words"
    options = {
        "PNG": {"pnginfo": text, "exif": exif},
        "GIF": {"comment": b"hidden words"},
        "JPEG": {"comment": b"hidden words", "exif": exif},
    }.get(kind, {"exif": exif.tobytes(), "xmp": b"<x>hidden words</x>"})
    content = picture(64, 48, kind, **options)
    assert b"hidden words" in content or kind == "PNG"

    converted(tmp_path, content + b"<?php hidden words ?><script>hidden words</script>")

    assert b"hidden words" not in (tmp_path / "new0").read_bytes()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_stays_one_without_metadata(tmp_path, kind):
    options = {"comment": b"hidden words"} if kind == "GIF" else {}
    header, image, (thumbnail,) = converted(tmp_path, animation(5, kind, (330, 40), **options))

    assert (header.frames, image.n_frames, image.format) == (5, 5, kind)
    assert image.info.get("duration", 50) in (50, 50.0)
    assert b"hidden words" not in (tmp_path / "new0").read_bytes()
    assert getattr(thumbnail, "n_frames", 1) == 1


def test_a_color_profile_is_applied_and_removed(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    _, image, _ = converted(tmp_path, picture(64, 48, "PNG", icc_profile=profile))

    assert image.info.get("icc_profile") is None
    assert image.getpixel((5, 5))[0] > 200


def test_an_invalid_color_profile_is_ignored(tmp_path):
    _, image, _ = converted(tmp_path, picture(64, 48, "JPEG", icc_profile=b"nonsense" * 30))

    assert image.info.get("icc_profile") is None


def test_a_cmyk_image_is_converted(tmp_path):
    _, image, _ = converted(tmp_path, picture(64, 48, "JPEG", mode="CMYK"))

    assert image.mode == "RGB"


def test_several_pictures_in_a_jpeg_are_the_first_one(tmp_path):
    first, second = (Image.new("RGB", (64, 48), color) for color in ("red", "blue"))
    content = io.BytesIO()
    first.save(content, format="MPO", save_all=True, append_images=[second])

    header, image, _ = converted(tmp_path, content.getvalue())

    assert (header.file_type.name, image.format) == ("jpeg", "JPEG")
    assert image.getpixel((5, 5))[0] > 200


# --- thumbnails ---


@pytest.mark.parametrize(
    ("size", "widths"),
    [((319, 10), []), ((320, 10), [320]), ((1000, 10), [320, 960]), ((2000, 100), [320, 960, 1920])],
)
def test_nothing_is_enlarged(tmp_path, size, widths):
    _, _, thumbnails = converted(tmp_path, picture(*size))

    assert [each.width for each in thumbnails] == widths
    assert {each.format for each in thumbnails} <= {"WEBP"}
    assert all(abs(each.height - each.width * size[1] / size[0]) < 1 for each in thumbnails)


@pytest.mark.parametrize(
    ("size", "sides"), [((63, 500), []), ((300, 64), [64]), ((900, 600), [64, 256, 512])]
)
def test_thumbnails_of_an_avatar_are_squares(tmp_path, size, sides):
    _, _, thumbnails = converted(tmp_path, picture(*size), "avatar")

    assert [each.size for each in thumbnails] == [(side, side) for side in sides]


def test_a_large_avatar_is_reduced_and_another_image_is_not(tmp_path):
    content = picture(1500, 600)

    assert converted(tmp_path, content, "avatar")[1].size == (1024, 410)
    assert converted(tmp_path, content, "image")[1].size == (1500, 600)


def test_a_very_tall_image_has_no_thumbnail_that_webp_can_not_hold(tmp_path):
    _, image, thumbnails = converted(tmp_path, picture(330, 20_000), limits=LIMITS._replace(max_pixels=10**7))

    assert image.size == (330, 20_000)
    assert thumbnails == []


# --- limits and bad input ---


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        PDF,
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a<script>",
        saved(Image.new("RGB", (9, 9)), "BMP"),
        saved(Image.new("RGB", (9, 9)), "TIFF"),
        saved(Image.new("RGB", (16, 16)), "ICO"),
    ],
)
def test_other_content_is_refused(tmp_path, content):
    with pytest.raises((UnsupportedType, Damaged)):
        converted(tmp_path, content)


def test_a_type_that_is_not_permitted_is_refused(tmp_path):
    with pytest.raises(UnsupportedType, match="jpeg"):
        converted(tmp_path, picture(), limits=LIMITS._replace(types=("jpeg",)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_a_broken_image_is_refused(tmp_path, kind):
    content = noise(200, 200, kind)

    with pytest.raises((Damaged, UnsupportedType)):
        converted(tmp_path, content[: len(content) // 2])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_too_many_pixels_are_refused_before_decoding(tmp_path, kind, monkeypatch):
    content = picture(1001, 1000, kind)
    monkeypatch.setattr(Image.Image, "load", None)

    with pytest.raises(TooComplex):
        image_headers.read(_write(tmp_path, content), LIMITS)


def test_a_claimed_size_allocates_nothing(tmp_path):
    source = _write(tmp_path, png_of_size(60_000, 60_000))
    tracemalloc.start()

    with pytest.raises(TooComplex):
        image_headers.read(source, LIMITS)

    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_too_many_frames_are_refused(tmp_path, kind):
    with pytest.raises(TooComplex, match="20 frames"):
        converted(tmp_path, animation(21, kind))


def test_many_frames_with_many_pixels_are_refused(tmp_path):
    with pytest.raises(TooComplex, match="frames"):
        converted(tmp_path, animation(10, "GIF", (100, 100)), limits=LIMITS._replace(max_pixels=40_000))


def test_converting_ends_at_the_deadline(tmp_path):
    with pytest.raises(TooComplex, match="too long"):
        converted(tmp_path, animation(5, "GIF", (200, 200)), seconds=-1)


def test_decoded_images_are_freed_at_once(tmp_path):
    """A reference of an image to itself kept each one until the next collection: 1.3 GB for 20 pictures."""
    source = _write(tmp_path, picture(400, 300, "JPEG"))
    header, paths = image_headers.read(source, LIMITS), iter(tmp_path / f"new{number}" for number in range(9))
    gc.collect()
    gc.disable()
    try:
        image_encoder.convert(source, header, PLANS["image"], lambda: next(paths), clock.monotonic() + 60)
        images = [each for each in gc.get_objects() if isinstance(each, Image.Image)]
    finally:
        gc.enable()

    assert [each.size for each in images if each.width > 256] == []


def _write(folder, content):
    path = folder / "source"
    path.write_bytes(content)
    return path
