"""A TCP server of a test. When it ends, none of its connections and tasks stays open on any Python."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def run_tcp_server(
    handle: Handle, host: str = "127.0.0.1", *, socket: Path | None = None
) -> AsyncIterator[int]:
    """Call `handle` for each connection, which is closed afterwards. Yields the port; 0 for a Unix socket."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    if socket is None:
        server = await asyncio.start_server(serve, host, 0)
        port: int = server.sockets[0].getsockname()[1]
    else:
        server, port = await asyncio.start_unix_server(serve, socket), 0
    try:
        yield port
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # a closed transport closes its socket in the next turn of the event loop
