"""Going down in waves, so that clients come back spread out."""

import asyncio
import logging
import random

from hubbub.realtime.connections import Connections

log = logging.getLogger(__name__)

WAVES = 10
CLOSED_PER_S = 200.0  # what an instance elsewhere takes in without trouble
RECONNECT_MS = 2000  # jitter; counts from the moment the socket closes


async def drain(connections: Connections, seconds: float) -> None:
    """Tell every socket, then close them in waves within half of `seconds`; a few sockets go at once."""
    everybody = list(connections.by_sid.values())
    if not everybody:
        return
    log.info("draining", extra={"connections": len(everybody)})
    spread = min(seconds / 2, len(everybody) / CLOSED_PER_S)
    for connection in everybody:
        wait_ms = random.randrange(RECONNECT_MS)  # noqa: S311 - jitter, not a secret
        connection.emit("server:draining", {"reconnect_in_ms": wait_ms})
    random.shuffle(everybody)
    size = -(-len(everybody) // WAVES)
    for start in range(0, len(everybody), size):
        for connection in everybody[start : start + size]:
            wait_ms = random.randrange(RECONNECT_MS)  # noqa: S311 - likewise
            connection.close("draining", "This instance is going down.", wait_ms)
        await asyncio.sleep(spread / WAVES)
    await _gone(connections, seconds / 2)


async def _gone(connections: Connections, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await connections.empty.wait()
    except TimeoutError:
        log.warning("sockets did not close in time", extra={"connections": len(connections)})
