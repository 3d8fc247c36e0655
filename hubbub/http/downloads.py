"""Files that are made while they are sent."""

from collections.abc import AsyncIterator

from aiohttp import web

from hubbub.core import clock


async def send(
    request: web.Request, pieces: AsyncIterator[bytes], kind: str, name: str, ending: str
) -> web.StreamResponse:
    """Send a file to be saved, `name` with today's date. What is refused is told before anything is sent."""
    first = await anext(pieces)
    headers = {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{name}-{clock.now():%Y-%m-%d}.{ending}"',
        "Cache-Control": "no-store",
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(first)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response
