"""Going down in waves, so that clients come back spread out."""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence

from hubbub.core import clock
from hubbub.realtime.chat.connections import Connection, Connections

log = logging.getLogger(__name__)

WAVES = 10
CLOSED_PER_S = 200.0  # what an instance elsewhere takes in without trouble
RECONNECT_MS = 2000  # jitter; counts from the moment the socket closes
ANSWER_S = 0.5  # that a wave waits for the answers to what its clients asked
STEP_S = 0.01
GOING_DOWN = "This instance is going down."


async def drain(connections: Connections, seconds: float) -> None:
    """Tell every socket, then close them in waves, all within `seconds`; a few sockets go at once.

    What a client asked before is answered before its socket closes, unless that takes long.
    """
    ends = clock.monotonic() + seconds
    everybody = list(connections.by_sid.values())
    if not everybody:
        return
    log.info("draining", extra={"connections": len(everybody)})
    waits = {each.sid: random.randrange(RECONNECT_MS) for each in everybody}  # noqa: S311 - jitter
    for connection in everybody:
        connection.emit("server:draining", {"reconnect_in_ms": waits[connection.sid]})
    await _close_in_waves(everybody, waits, ends, GOING_DOWN)
    await _gone(connections, ends)


async def close_in_waves(sockets: Sequence[Connection], seconds: float, message: str) -> None:
    """Close sockets in waves within `seconds`, with the code `draining`; others may connect meanwhile."""
    waits = {each.sid: random.randrange(RECONNECT_MS) for each in sockets}  # noqa: S311 - jitter
    await _close_in_waves(list(sockets), waits, clock.monotonic() + seconds, message)


async def _close_in_waves(
    sockets: list[Connection], waits: Mapping[str, int], ends: float, message: str
) -> None:
    random.shuffle(sockets)
    pause = min((ends - clock.monotonic()) / 2, len(sockets) / CLOSED_PER_S) / WAVES
    size = max(1, -(-len(sockets) // WAVES))
    for start in range(0, len(sockets), size):
        wave = sockets[start : start + size]
        await _answered(wave, min(ANSWER_S, ends - clock.monotonic()))
        for connection in wave:
            connection.close("draining", message, waits[connection.sid])
        await asyncio.sleep(max(0.0, pause))


async def _answered(wave: Sequence[Connection], seconds: float) -> None:
    ends = clock.monotonic() + seconds
    while clock.monotonic() < ends and any(  # noqa: ASYNC110 - a socket has no event for it: there are many
        each.busy and not each.gone for each in wave
    ):
        await asyncio.sleep(STEP_S)


async def _gone(connections: Connections, ends: float) -> None:
    """Wait for the last one, and close those who were on their way in."""
    while connections.by_sid and clock.monotonic() < ends:
        for connection in list(connections.by_sid.values()):
            wait_ms = random.randrange(RECONNECT_MS)  # noqa: S311 - likewise
            connection.close("draining", GOING_DOWN, wait_ms)
        try:
            async with asyncio.timeout(0.2):
                await connections.empty.wait()
        except TimeoutError:
            continue
    if connections.by_sid:
        log.warning("sockets did not close in time", extra={"connections": len(connections)})
