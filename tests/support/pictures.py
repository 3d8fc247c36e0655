"""Pictures and documents for tests of uploads, and the requests that send them."""

import io
import struct
import zipfile
import zlib
from typing import Any

import aiohttp
from PIL import Image

GPS = {0x8825: {1: "N", 2: (52.0, 31.0, 12.0)}, 0x010F: "Camera of Ada"}


def picture(width: int = 64, height: int = 48, kind: str = "PNG", **options: Any) -> bytes:
    """An image whose left half is red and whose right half is blue."""
    mode = options.pop("mode", "RGB")
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return saved(image.convert(mode), kind, **options)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, format=kind, **options)
    return target.getvalue()


def noise(width: int, height: int, kind: str = "PNG", **options: Any) -> bytes:
    """An image that compresses badly."""
    return saved(Image.effect_noise((width, height), 90).convert("RGB"), kind, **options)


def animation(frames: int, kind: str = "GIF", size: tuple[int, int] = (20, 10), **options: Any) -> bytes:
    """An animated image of differing frames."""
    colors = [(index * 37 % 256, index * 91 % 256, index * 151 % 256) for index in range(frames)]
    images = [Image.new("RGB", size, color) for color in colors]
    return saved(images[0], kind, save_all=True, append_images=images[1:], duration=50, loop=0, **options)


def with_exif(orientation: int = 6, kind: str = "JPEG") -> bytes:
    """A picture of a camera: on its side, with a place."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    for tag, value in GPS.items():
        exif[tag] = value
    return picture(64, 48, kind, exif=exif.tobytes())


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"0"))
        + chunk(b"IEND", b"")
    )


PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000052 00000 n \n"
    b"trailer<</Size 3/Root 1 0 R>>\nstartxref\n101\n%%EOF\n"
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
_PARTS = {
    "docx": ("word/document.xml", f"{_OFFICE}wordprocessingml.document.main+xml"),
    "xlsx": ("xl/workbook.xml", f"{_OFFICE}spreadsheetml.sheet.main+xml"),
    "pptx": ("ppt/presentation.xml", f"{_OFFICE}presentationml.presentation.main+xml"),
}


def office(kind: str, extra: dict[str, bytes] | None = None) -> bytes:
    """A docx, xlsx, pptx or odt with a few parts, and others."""
    if kind == "odt":
        parts = {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<x/>"}
    else:
        part, content_type = _PARTS[kind]
        types = f'<Types><Override PartName="/{part}" ContentType="{content_type}"/></Types>'
        parts = {"[Content_Types].xml": types.encode(), part: b"<x/>"}
    return archive({**parts, **(extra or {})})


def archive(parts: dict[str, bytes], comment: bytes = b"") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
        made.comment = comment
    return target.getvalue()


def form(*files: tuple[str, bytes], field: str = "file") -> aiohttp.FormData:
    """A multipart body with files: pairs of a name and the content."""
    data = aiohttp.FormData(quote_fields=False)
    for name, content in files:
        data.add_field(field, io.BytesIO(content), filename=name, content_type="application/octet-stream")
    return data
