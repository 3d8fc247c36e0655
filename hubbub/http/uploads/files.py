"""The files of uploads, at the root: access, caching, ranges (RFC 9110, 14) and headers for other sites."""

import re
from uuid import UUID

import msgspec
from aiohttp import hdrs, web

from hubbub.core.errors import NotFound
from hubbub.http.app_keys import STATIC_FILE, container_of
from hubbub.http.downloads import send_chunks
from hubbub.http.entity_tags import client_has
from hubbub.http.middleware import limits
from hubbub.http.middleware.auth import authenticate_token
from hubbub.services.uploads import files
from hubbub.services.uploads.files import PRIVATE_CACHE, AccessedFile, FileRequest, Signature

routes = web.RouteTableDef()

PUBLIC_CACHE = "public, max-age=86400"
REDIRECT_CACHE = "private, max-age=240"  # shorter than the URL of the storage is valid
# If a browser displays a file as a page, nothing in it runs.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@routes.get("/uploads/{upload_id}/{name}")
async def get_file(request: web.Request) -> web.StreamResponse:
    """Send a file, a part of it, or a redirect to the storage."""
    request[STATIC_FILE] = True
    container = container_of(request)
    file = await _access(request)
    headers = _headers(file)
    if client_has(request, headers[hdrs.ETAG]):
        return web.Response(status=304, headers=headers)
    if not file.is_public and (url := await files.storage_url(container, file)) is not None:
        moved = {hdrs.CACHE_CONTROL: REDIRECT_CACHE, "Cross-Origin-Resource-Policy": "cross-origin"}
        return web.Response(status=302, headers={**moved, hdrs.LOCATION: url})
    part = _requested_range(request, headers[hdrs.ETAG], file.row.size)
    if part is None:
        headers[hdrs.CONTENT_RANGE] = f"bytes */{file.row.size}"
        return web.Response(status=416, headers=headers)
    return await _send(request, file, headers, *part)


async def _access(request: web.Request) -> AccessedFile:
    """Return the file. A refusal counts for the IP address of the client, like that of a credential."""
    container, wanted = container_of(request), _file_request(request)
    signature = wanted.signature
    return await limits.limit_refused_access(
        request,
        lambda: files.access(container, wanted),
        has_signature=signature is not None,
        is_signed=signature is not None and container.url_signer.verify(wanted.upload_id, *signature),
    )


def _file_request(request: web.Request) -> FileRequest:
    try:
        upload_id = msgspec.convert(request.match_info["upload_id"], UUID)
    except msgspec.ValidationError:
        raise NotFound("File not found.") from None

    async def authenticate() -> UUID:
        return (await authenticate_token(request)).user.id

    signature = None
    if "s" in request.query or "e" in request.query:
        signature = Signature(request.query.get("e", ""), request.query.get("s", ""))
    has_token = hdrs.AUTHORIZATION in request.headers
    return FileRequest(upload_id, request.match_info["name"], signature, authenticate if has_token else None)


def _headers(file: AccessedFile) -> dict[str, str]:
    row = file.row
    is_text = row.content_type.startswith("text/")
    headers = {
        hdrs.CONTENT_TYPE: f"{row.content_type}; charset=utf-8" if is_text else row.content_type,
        hdrs.CONTENT_DISPOSITION: file.disposition,
        hdrs.ETAG: f'"{row.digest[:32]}"',
        hdrs.CACHE_CONTROL: PUBLIC_CACHE if file.is_public else PRIVATE_CACHE,
        hdrs.ACCEPT_RANGES: "bytes",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    }
    if file.is_public or file.is_signed:  # pages of other sites show it with <img>
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if file.is_public:
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
    else:
        headers[hdrs.VARY] = "Authorization, Origin"
    return headers


def _requested_range(request: web.Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of the requested part; None for a part that does not exist.

    The whole file if no part, several parts, or a part of another version is requested.
    """
    whole = (0, size)
    if request.headers.get(hdrs.IF_RANGE, etag) != etag:
        return whole
    found = _RANGE.fullmatch(request.headers.get(hdrs.RANGE, "").replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return whole
    if not found[1]:
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), int(found[2]) + 1 if found[2] else size
        if found[2] and end <= start:
            return whole  # not valid: ignored
    return (start, min(end, size)) if start < min(end, size) else None


async def _send(
    request: web.Request, file: AccessedFile, headers: dict[str, str], start: int, end: int
) -> web.StreamResponse:
    """Send the bytes. Errors of the first piece precede the response."""
    is_part = (start, end) != (0, file.row.size)
    headers[hdrs.CONTENT_LENGTH] = str(end - start)
    if is_part:
        headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{end - 1}/{file.row.size}"
    response = web.StreamResponse(status=206 if is_part else 200, headers=headers)
    if request.method == hdrs.METH_HEAD:
        await response.prepare(request)
        return response
    return await send_chunks(request, response, files.read(container_of(request), file, start, end))
