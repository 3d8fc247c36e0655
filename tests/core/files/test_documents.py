"""The types of documents, and what pretends to be one."""

import struct
import zipfile

import pytest

from hubbub.core.files import archives, documents
from hubbub.core.files.types import FILE_TYPES, Damaged, TooComplex, UnsupportedType
from tests.support.pictures import PDF, archive, office, picture

ALL = tuple(name for name, each in FILE_TYPES.items() if not each.is_image)


def identify(tmp_path, content, name="a file", permitted=ALL):
    path = tmp_path / "document"
    path.write_bytes(content)
    return documents.identify(path, name, permitted).name


@pytest.mark.parametrize(
    ("content", "name", "found"),
    [
        (PDF, "a.txt", "pdf"),
        (PDF.replace(b"startxref\n101\n", b"") + b"\r\n\x00", "a.pdf", "pdf"),  # viewers repair it
        (office("docx"), "a.pdf", "docx"),
        (office("xlsx"), "", "xlsx"),
        (office("pptx"), "", "pptx"),
        (office("odt"), "", "odt"),
        (b"hello", "a.txt", "txt"),
        (b"hello", "a.exe", "txt"),
        ("\ufeffé 日本".encode(), "a.md", "md"),
        (b"a;b\r\n1;2\r\n", "a.CSV", "csv"),
        (b"a < b and <b>bold</b>", "a.md", "md"),
    ],
)
def test_the_type_follows_from_the_content(tmp_path, content, name, found):
    assert identify(tmp_path, content, name) == found


@pytest.mark.parametrize(
    "content",
    [
        picture(),
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"\xef\xbb\xbf  <?xml version='1.0'?><svg/>",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"\n<HTML>",
        b"MZ\x90\x00\x03",
        b"\x7fELF\x02\x01\x01",
        b"\x00" * 100,
        "hello".encode("utf-16"),
        b"caf\xe9",
        b"half a character \xe2\x82",
        b"a bell \x07",
        archive({"a.txt": b"1"}),
        archive({"mimetype": b"application/epub+zip", "content.xml": b""}),
        archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b""}),
        b"Rar!\x1a\x07\x00",
    ],
)
def test_other_content_is_refused(tmp_path, content):
    with pytest.raises(UnsupportedType):
        identify(tmp_path, content, "document.pdf")


@pytest.mark.parametrize(
    "content",
    [PDF + office("docx"), PDF + archive({"a": b"1"}), office("docx") + b"trailing", b"MZ\x00" + PDF],
)
def test_files_of_two_formats_are_refused(tmp_path, content):
    with pytest.raises((UnsupportedType, Damaged)):
        identify(tmp_path, content)


def test_an_archive_after_something_else_is_refused(tmp_path):
    with pytest.raises((UnsupportedType, Damaged)):
        identify(tmp_path, b"PK something else" + office("docx"))


def test_a_comment_of_an_archive_is_refused(tmp_path):
    with pytest.raises(UnsupportedType):
        identify(tmp_path, archive({"a": b"1"}, comment=b"%PDF-1.4"))


@pytest.mark.parametrize(
    "content",
    [PDF[:-20], b"%PDF-1.4\n", b"%PDF-9\n" + PDF[9:], b"PK\x03\x04" + bytes(200), office("docx")[:-30]],
)
def test_a_damaged_document_is_refused(tmp_path, content):
    with pytest.raises((Damaged, UnsupportedType)):
        identify(tmp_path, content)


def test_a_type_that_is_not_permitted_is_refused(tmp_path):
    for content in (PDF, office("docx"), b"text"):
        with pytest.raises(UnsupportedType, match="md"):
            identify(tmp_path, content, permitted=("md",))


def test_a_decompression_bomb_is_refused_without_being_unpacked(tmp_path):
    with pytest.raises(TooComplex):
        identify(tmp_path, office("docx", {"word/media/bomb.bin": bytes(archives.MIN_RATIO_BYTES * 2)}))


def test_a_document_that_claims_a_small_size_is_refused(tmp_path):
    content = bytearray(office("docx", {"[Content_Types].xml.bak": bytes(1000)}))
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 5)  # of the types: shorter than it is

    with pytest.raises((Damaged, UnsupportedType)):
        identify(tmp_path, bytes(content))


def test_too_many_parts_are_refused_before_the_directory_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ENTRIES", 10)
    content = office("docx", {f"part{number}": b"" for number in range(20)})
    monkeypatch.setattr(zipfile, "ZipFile", None)

    with pytest.raises(TooComplex):
        identify(tmp_path, content)


@pytest.mark.parametrize("name", ["word/vbaProject.bin", "xl/VBAPROJECT.BIN"])
def test_macros_are_refused(tmp_path, name):
    with pytest.raises(UnsupportedType, match="macros"):
        identify(tmp_path, office("docx", {name: b"x"}))


@pytest.mark.parametrize("name", ["../outside", "/absolute", "word/../../x"])
def test_paths_to_the_outside_are_refused(tmp_path, name):
    with pytest.raises(Damaged):
        identify(tmp_path, office("docx", {name: b"x"}))
