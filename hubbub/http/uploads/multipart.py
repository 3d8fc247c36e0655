"""Reads files from a multipart body, piece by piece (RFC 7578)."""

from collections.abc import AsyncIterator

from aiohttp import web
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from hubbub.core import metrics
from hubbub.http.paced_body import PacedBody
from hubbub.http.problems import BadRequest, UnsupportedMediaType
from hubbub.services.uploads.receiving import IncomingFile

FILE_FIELD, SEVERAL_FIELD = "file", "files"
MAX_FILES = 10  # of a request
MAX_PARTS = 20  # with fields that are no files
MAX_OVERHEAD_BYTES = 64 * 1024  # of a body, besides the files: boundaries, headers, other fields
MAX_HEADER_BYTES = 4096  # of a part
MAX_BOUNDARY_CHARS = 70  # RFC 2046, 5.1.1

_END = object()  # of a part


class MultipartReader:
    """The files of one field of a request, in the order in which they are sent.

    Each file must be read before the next one. `max_bytes` is of all files together.
    """

    def __init__(self, request: web.Request, field: str, max_bytes: int) -> None:
        self._body = PacedBody(request, max_bytes + MAX_OVERHEAD_BYTES)
        self._field = field
        self._parser = PushMultipartParser(
            _boundary(request),
            max_header_size=MAX_HEADER_BYTES,
            max_header_count=8,
            max_segment_count=MAX_PARTS,
        )
        self._events: list[object] = []  # parsed, and not read yet, the next one last

    async def files(self) -> AsyncIterator[IncomingFile]:
        """Yield the files. Raises BadRequest, TooLarge."""
        while (event := await self._next()) is not None:
            if not isinstance(event, MultipartSegment):
                continue  # content of another field, or of a file that was not read to its end
            if event.name == self._field:
                yield IncomingFile(event.filename, self._content())

    async def _content(self) -> AsyncIterator[bytes]:
        while True:
            event = await self._next()
            if not isinstance(event, bytes | bytearray):
                return  # the end of the part
            yield bytes(event)

    async def _next(self) -> object:
        """Return the next event; `_END` at the end of a part, None at the end of the body."""
        while not self._events:
            if self._parser.closed:
                return None
            self._parse(await self._read())
        return self._events.pop()

    def _parse(self, chunk: bytes) -> None:
        try:
            events = [_END if event is None else event for event in self._parser.parse(chunk)]
        except MultipartError:
            raise BadRequest("The body is not complete multipart/form-data.") from None
        self._events = events[::-1]

    async def _read(self) -> bytes:
        """Return the next piece of the body; nothing at its end."""
        chunk = await self._body.read()
        metrics.count("upload_bytes_received", by=len(chunk))
        return chunk


def _boundary(request: web.Request) -> str:
    """Return the boundary of a body. Raises UnsupportedMediaType, BadRequest."""
    if request.content_type != "multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data.")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise BadRequest("Content-Encoding is not supported for files.")
    options = parse_options_header(request.headers.get("Content-Type", ""))[1]
    boundary = str(options.get("boundary", ""))
    if not boundary or len(boundary) > MAX_BOUNDARY_CHARS or not boundary.isascii():
        raise BadRequest("The header Content-Type lacks a valid boundary.")
    return boundary
