"""Responses whose bodies are read or generated while they are sent."""

from collections.abc import AsyncIterator

from aiohttp import hdrs, web

from hubbub.core import clock


async def send_file(
    request: web.Request, chunks: AsyncIterator[bytes], content_type: str, name: str, extension: str
) -> web.StreamResponse:
    """Send a file for saving, `name` with today's date. Errors precede it as in `send_chunks`."""
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": f'attachment; filename="{name}-{clock.now():%Y-%m-%d}.{extension}"',
        "Cache-Control": "no-store",
    }
    return await send_chunks(request, web.StreamResponse(headers=headers), chunks)


async def send_chunks(
    request: web.Request, response: web.StreamResponse, chunks: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Send the body of a response in chunks. Errors of the first chunk precede the response."""
    first = await anext(chunks, b"")
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:  # aiohttp sends what is written, also after the headers of HEAD
        return response
    await response.write(first)
    async for chunk in chunks:
        await response.write(chunk)
    await response.write_eof()
    return response
