"""Documents that are zip archives: docx, xlsx, pptx and odt.

The directory of the archive is read and nothing is unpacked, except its short parts that name the type.
"""

import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from hubbub.core.files.types import Damaged, TooComplex, UnsupportedType

MAX_ENTRIES = 10_000
MAX_DIRECTORY_BYTES = 4 << 20
MAX_UNPACKED_BYTES = 1 << 30
MAX_RATIO = 200  # of the unpacked to the packed size; XML of a spreadsheet reaches about 30
MIN_RATIO_BYTES = 10 << 20  # unpacked; below it any ratio is harmless
MAX_TYPE_BYTES = 1 << 20  # of the part that names the type
# The end of the directory (APPNOTE.TXT, 4.3.16). Its last field is the length of a comment.
_END = struct.Struct("<4sHHHHIIH")
END_MARK = b"PK\x05\x06"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_ODT = b"application/vnd.oasis.opendocument.text"
# The main part of each type, and its content type.
_MAIN_PARTS = {
    "docx": ("word/", b"wordprocessingml.document.main+xml"),
    "xlsx": ("xl/", b"spreadsheetml.sheet.main+xml"),
    "pptx": ("ppt/", b"presentationml.presentation.main+xml"),
}
_CONTENT_TYPES = "[Content_Types].xml"
_MACROS = ("vbaproject.bin", "vbadata.xml")
TYPES = (*_MAIN_PARTS, "odt")


def identify(path: Path) -> str:
    """Return the name of the type. Raises UnsupportedType, Damaged, TooComplex, OSError."""
    size = path.stat().st_size
    _check_end(path, size)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(entries, size)
            return _type_of(archive, {entry.filename for entry in entries})
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise Damaged("The document is damaged: it is no complete archive.") from None


def _check_end(path: Path, size: int) -> None:
    """Require that the archive fills the file, and that its directory is short enough to be read."""
    with path.open("rb") as file:
        file.seek(max(0, size - _END.size))
        raw = file.read()
    if len(raw) < _END.size or not raw.startswith(END_MARK):
        raise UnsupportedType("The file is no archive, or has content after it.")
    _, _, _, _, entries, directory_bytes, directory_start, comment_bytes = _END.unpack(raw)
    if entries > MAX_ENTRIES or directory_bytes > MAX_DIRECTORY_BYTES:
        raise TooComplex("The document contains too many parts.")
    if comment_bytes or directory_start + directory_bytes + _END.size != size:
        raise UnsupportedType("The file is an archive and something else at once.")


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    if not entries or min(entry.header_offset for entry in entries) != 0:
        raise UnsupportedType("The file is an archive and something else at once.")
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED_BYTES:
        raise TooComplex("The document contains too much.")
    if unpacked > MIN_RATIO_BYTES and unpacked > MAX_RATIO * size:
        raise TooComplex("The document unpacks to much more than its size.")
    if sum(entry.compress_size for entry in entries) > size:
        raise Damaged("The document is damaged: its parts overlap.")
    for entry in entries:
        parts = PurePosixPath(entry.filename).parts
        if entry.flag_bits & _ENCRYPTED:
            raise UnsupportedType("The document is encrypted.")
        if entry.compress_type not in _METHODS or ".." in parts or entry.filename.startswith("/"):
            raise Damaged("The document is damaged: it has parts that no document has.")
        if parts and parts[-1].lower() in _MACROS:
            raise UnsupportedType("The document contains macros.")


def _type_of(archive: zipfile.ZipFile, present: set[str]) -> str:
    if "mimetype" in present:
        if _read(archive, "mimetype") == _ODT and "content.xml" in present:
            return "odt"
    elif _CONTENT_TYPES in present:
        declared = _read(archive, _CONTENT_TYPES)
        for name, (folder, content_type) in _MAIN_PARTS.items():
            if content_type in declared and any(each.startswith(folder) for each in present):
                return name
    raise UnsupportedType("The archive is no document of a known type.")


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return the start of a part, never more than MAX_TYPE_BYTES."""
    with archive.open(name) as part:
        return part.read(MAX_TYPE_BYTES)
