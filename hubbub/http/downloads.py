"""Files that are generated while they are sent."""

from collections.abc import AsyncIterator

from aiohttp import web

from hubbub.core import clock


async def send_file(
    request: web.Request, chunks: AsyncIterator[bytes], content_type: str, name: str, extension: str
) -> web.StreamResponse:
    """Send a file for saving, `name` with today's date. Errors of the first chunk precede the response."""
    first = await anext(chunks)
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": f'attachment; filename="{name}-{clock.now():%Y-%m-%d}.{extension}"',
        "Cache-Control": "no-store",
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(first)
    async for chunk in chunks:
        await response.write(chunk)
    await response.write_eof()
    return response
