"""Documents: the type follows from the bytes, and the structure must be that of the type.

Nothing of a document is executed or displayed by the server, and files are sent for saving only. The checks
refuse what pretends to be a document: other formats under its name, files of two formats at once, archives
that unpack to more than a document would.
"""

import codecs
import re
from pathlib import Path

from hubbub.core.files import archives, names
from hubbub.core.files.types import FILE_TYPES, Damaged, FileType, UnsupportedType, listed

HEAD_BYTES = 1024
TAIL_BYTES = 66_000  # the directory of an archive ends at most 65,557 bytes before the end
CHUNK_BYTES = 256 * 1024
_PDF_START = re.compile(rb"%PDF-[12]\.\d")
_PDF_END = re.compile(rb"%%EOF[\s\x00]*$")
# Text that browsers take for a page or a picture (https://mimesniff.spec.whatwg.org).
_MARKUP = re.compile(
    rb"\s*<(?:!doctype|\?xml|html|head|body|script|iframe|svg|style|object|embed|meta|link)\b", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_TEXT_TYPES = ("txt", "md", "csv")


def identify(path: Path, name: str, permitted: tuple[str, ...]) -> FileType:
    """Return the type of a document after checking its structure. Reads the file; call it in a thread.

    `name` distinguishes only the kinds of text. Raises UnsupportedType, Damaged, TooComplex, OSError.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"%PDF-"):
        _require(("pdf",), permitted)
        _check_pdf(path, head)
        return FILE_TYPES["pdf"]
    if head.startswith(b"PK"):
        _require(archives.TYPES, permitted)
        found = FILE_TYPES[archives.identify(path)]
        _require((found.name,), permitted)
        return found
    _require(_TEXT_TYPES, permitted)
    if not head or _MARKUP.match(head.removeprefix(codecs.BOM_UTF8)) or not _is_text(path):
        raise _unsupported(permitted)
    found = _text_type(name)
    _require((found.name,), permitted)
    return found


def _require(found: tuple[str, ...], permitted: tuple[str, ...]) -> None:
    if not set(found) & set(permitted):
        raise _unsupported(permitted)


def _unsupported(permitted: tuple[str, ...]) -> UnsupportedType:
    return UnsupportedType(f"The content must be one of these types: {listed(permitted)}.")


def _text_type(name: str) -> FileType:
    extension = names.split(name)[1][1:].lower()
    return next(
        (FILE_TYPES[each] for each in _TEXT_TYPES if extension in FILE_TYPES[each].extensions),
        FILE_TYPES["txt"],
    )


def _check_pdf(path: Path, head: bytes) -> None:
    """Require the header and the end of a PDF, and no archive after it."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        tail = file.read()
    if not _PDF_START.match(head) or not _PDF_END.search(tail[-HEAD_BYTES:]):
        raise Damaged("The PDF is damaged or incomplete.")
    if archives.END_MARK in tail:
        raise UnsupportedType("The file is a PDF and an archive at once.")


def _is_text(path: Path) -> bool:
    """Return whether a file is UTF-8 text without control characters."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError:
                return False
            if _CONTROL.search(text):
                return False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
