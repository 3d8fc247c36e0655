"""Names of files as clients send them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.files import names


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("photo.jpg", "photo.jpg"),
        ("Bericht #2 (50 %) & mehr.pdf", "Bericht #2 (50 %) & mehr.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\photo.jpg", "photo.jpg"),
        ("/etc/", "file"),
        ("..", "file"),
        (".htaccess", "htaccess"),
        ("a\x00b\r\nc.txt", "ab c.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\u200bb\u2066c.png", "abc.png"),
        ("  two \t words  .txt", "two words .txt"),
        ("e\u0301.png", "é.png"),
        ('<img src="x">.png', "_img src=_x__.png"),
        ("320.webp", "file-320.webp"),
        ("", "file"),
        (None, "file"),
        ("日本語.pdf", "日本語.pdf"),
    ],
)
def test_a_name_is_made_safe_and_stays_readable(sent, kept):
    assert names.sanitize(sent) == kept


def test_a_long_name_keeps_its_extension():
    kept = names.sanitize("x" * 500 + ".docx")

    assert len(kept) == names.MAX_NAME_CHARS
    assert kept.endswith("x.docx")


@given(st.text(max_size=400))
def test_every_name_is_safe(text):
    name = names.sanitize(text)

    assert 1 <= len(name) <= names.MAX_NAME_CHARS + len("file-")
    assert not set(name) & set("/\\\x00\r\n")
    assert not name.startswith(".")
    assert not {unicodedata.category(each) for each in name} & {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    assert names.sanitize(name) == name
    header = names.disposition("inline", name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


@pytest.mark.parametrize(
    ("name", "saved"), [("a.pdf", "a.pdf"), ("a.PDF", "a.PDF"), ("a.exe", "a.exe.pdf"), ("a", "a.pdf")]
)
def test_a_file_is_saved_with_the_extension_of_its_type(name, saved):
    assert names.with_extension(name, ("pdf",)) == saved


def test_a_path_is_percent_encoded():
    assert names.to_path("1", "a b/ü?#.png") == "/uploads/1/a%20b%2F%C3%BC%3F%23.png"
