"""Names of uploaded files: what clients send, and what URLs and headers contain."""

import re
import unicodedata
from urllib.parse import quote, unquote
from uuid import UUID

MAX_NAME_CHARS = 150  # characters; with 4 bytes each still a valid name on every file system
DEFAULT_NAME = "file"
_UNSAFE = re.compile(r'[<>:"|?*]')  # not allowed in names on Windows
_REMOVED = ("Cc", "Cf", "Co", "Cs")  # categories: control, format (with direction marks), private, surrogates
_RESERVED = re.compile(r"\d+\.webp", re.IGNORECASE)  # the names of thumbnails
_MAX_EXTENSION_CHARS = 10
_PATH = re.compile(r"/uploads/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})/([^/?#\s]+)")


def sanitize(name: str | None) -> str:
    """Return the last part of a client's path without control, invisible and direction characters.

    The result has 1 to 150 characters, is no path, begins with no dot and is not the name of a thumbnail.
    """
    text = unicodedata.normalize("NFC", (name or "").replace("\\", "/").rpartition("/")[2])
    spaced = "".join(" " if each.isspace() else each for each in text)
    visible = "".join(each for each in spaced if unicodedata.category(each) not in _REMOVED)
    words = " ".join(_UNSAFE.sub("_", visible).split()).strip(". ")
    if len(words) > MAX_NAME_CHARS:
        stem, extension = split(words)
        words = stem[: MAX_NAME_CHARS - len(extension)].rstrip(". ") + extension
    if not words:
        return DEFAULT_NAME
    return f"{DEFAULT_NAME}-{words}" if _RESERVED.fullmatch(words) else words


def split(name: str) -> tuple[str, str]:
    """Return the stem and the extension with its dot; the extension is empty if there is none."""
    stem, dot, extension = name.rpartition(".")
    if not stem or not extension or len(extension) > _MAX_EXTENSION_CHARS:
        return name, ""
    return stem, dot + extension


def thumbnail_name(width: int) -> str:
    """Return the name of a thumbnail in URLs."""
    return f"{width}.webp"


def to_path(upload_id: object, name: str) -> str:
    """Return the stable path of a file, percent-encoded."""
    return f"/uploads/{upload_id}/{quote(name, safe='')}"


def from_path(path: str) -> tuple[UUID, str] | None:
    """Return the upload and the name of a file's path, which may have a query; None for any other text."""
    found = _PATH.fullmatch(path.partition("?")[0])
    return (UUID(found[1]), unquote(found[2])) if found is not None else None


def with_extension(name: str, extensions: tuple[str, ...]) -> str:
    """Return a name that ends with one of the extensions of its type; the first one is appended if not."""
    return name if split(name)[1][1:].lower() in extensions else f"{name}.{extensions[0]}"


def disposition(kind: str, name: str) -> str:
    """Return the header `Content-Disposition` (RFC 6266) with an ASCII name and the exact one."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    ascii_name = re.sub(r"[^A-Za-z0-9 ._()\[\]+=@,-]", "_", ascii_name).strip(". ") or DEFAULT_NAME
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
