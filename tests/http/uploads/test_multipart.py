"""Reading of multipart bodies, whatever pieces arrive."""

import asyncio

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.errors import TooLarge
from hubbub.http.problems import BadRequest
from hubbub.http.uploads.multipart import MultipartReader


class Body:
    """The content of a request, in pieces."""

    def __init__(self, pieces):
        self._pieces = iter(pieces)

    async def readany(self):
        return next(self._pieces, b"")


class Request:
    """What the reader uses of a request."""

    content_type = "multipart/form-data"

    def __init__(self, pieces, boundary="b"):
        self.content = Body(pieces)
        self.headers = {"Content-Type": f'multipart/form-data; boundary="{boundary}"'}


def body(*parts):
    """A body of parts: name of the field, name of the file, content."""
    text = b""
    for field, name, content in parts:
        file = f'; filename="{name}"' if name is not None else ""
        text += (
            f'--b\r\nContent-Disposition: form-data; name="{field}"{file}\r\n\r\n'.encode()
            + content
            + b"\r\n"
        )
    return text + b"--b--\r\n"


def read(pieces, max_bytes=1 << 20):
    """Return names and contents of the files."""

    async def files():
        reader = MultipartReader(Request(pieces), "file", max_bytes)
        return [
            (file.name, b"".join([chunk async for chunk in file.chunks])) async for file in reader.files()
        ]

    return asyncio.run(files())


PARTS = st.tuples(
    st.sampled_from(["file", "other"]), st.sampled_from(["a.png", "ü b.txt"]), st.binary(max_size=300)
)


@given(st.lists(PARTS, max_size=4), st.lists(st.integers(1, 200), max_size=30))
def test_files_are_read_whatever_the_pieces_are(parts, sizes):
    raw, pieces = body(*parts), []
    for size in sizes:
        pieces.append(raw[:size])
        raw = raw[size:]
    pieces = [each for each in [*pieces, raw] if each]

    assert read(pieces) == [(name, content) for field, name, content in parts if field == "file"]


@given(st.binary(max_size=400))
def test_any_other_body_is_an_error_of_the_client(raw):
    with pytest.raises(BadRequest):
        read([raw] if raw else [])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"--b",
        body(("file", "a", b"x"))[:-6],
        b"x" * 1000,
        b"--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\nX: " + b"y" * 10_000 + b"\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n" + b"X: y\r\n" * 100 + b"\r\nx\r\n--b--\r\n",
        body(*[("other", None, b"")] * 30),
    ],
)
def test_a_malformed_body_is_refused(raw):
    with pytest.raises(BadRequest):
        read([raw] if raw else [])


def test_a_body_without_its_boundary_ends_at_the_limit():
    def endless():
        while True:
            yield b"x" * 10_000

    with pytest.raises(TooLarge):
        read(endless(), max_bytes=1000)


def test_content_of_other_fields_counts():
    def endless():
        yield b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\n'
        while True:
            yield b"x" * 10_000

    with pytest.raises(TooLarge):
        read(endless(), max_bytes=1000)


@pytest.mark.parametrize("boundary", ["", "x" * 71, "é"])
async def test_an_invalid_boundary_is_refused(boundary):
    with pytest.raises(BadRequest):
        MultipartReader(Request([], boundary), "file", 1)


async def test_what_aiohttp_writes_is_read():
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("note", "hello")
    form.add_field("file", b"\r\n--not the boundary\r\n", filename="a b ü.png", content_type="image/png")
    payload = form()

    class Writer:
        def __init__(self):
            self.raw = b""

        async def write(self, chunk):
            self.raw += chunk

    writer = Writer()
    await payload.write(writer)
    request = Request([writer.raw], payload.boundary)
    reader = MultipartReader(request, "file", 1 << 20)

    found = [(file.name, b"".join([chunk async for chunk in file.chunks])) async for file in reader.files()]

    assert found == [("a b ü.png", b"\r\n--not the boundary\r\n")]
