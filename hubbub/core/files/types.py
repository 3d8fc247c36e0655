"""The types of files that are accepted: their media types and extensions."""

from typing import NamedTuple


class FileType(NamedTuple):
    """One type. `name` is the one in settings."""

    name: str
    media_type: str
    extensions: tuple[str, ...]  # without the dot; the first one is the usual one
    is_image: bool = False


class UnsupportedType(Exception):
    """The bytes are of no permitted type. The message is for users."""


class Damaged(Exception):
    """The type is known, but the content is not valid. The message is for users."""


class TooComplex(Exception):
    """The content is larger than allowed once it is decoded. The message is for users."""


_OFFICE = "application/vnd.openxmlformats-officedocument"
FILE_TYPES = {
    each.name: each
    for each in (
        FileType("png", "image/png", ("png", "apng"), is_image=True),
        FileType("jpeg", "image/jpeg", ("jpg", "jpeg", "jpe", "jfif"), is_image=True),
        FileType("webp", "image/webp", ("webp",), is_image=True),
        FileType("gif", "image/gif", ("gif",), is_image=True),
        FileType("avif", "image/avif", ("avif", "avifs"), is_image=True),
        FileType("pdf", "application/pdf", ("pdf",)),
        FileType("docx", f"{_OFFICE}.wordprocessingml.document", ("docx",)),
        FileType("xlsx", f"{_OFFICE}.spreadsheetml.sheet", ("xlsx",)),
        FileType("pptx", f"{_OFFICE}.presentationml.presentation", ("pptx",)),
        FileType("odt", "application/vnd.oasis.opendocument.text", ("odt",)),
        FileType("txt", "text/plain", ("txt", "text", "log")),
        FileType("md", "text/markdown", ("md", "markdown")),
        FileType("csv", "text/csv", ("csv",)),
    )
}
BY_MEDIA_TYPE = {each.media_type: each for each in FILE_TYPES.values()}


def listed(names: tuple[str, ...]) -> str:
    """Return the names of types for a message."""
    return ", ".join(names)
