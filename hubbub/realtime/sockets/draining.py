"""Closes sockets in waves, so that clients reconnect over a period of time."""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence

from hubbub.core import clock
from hubbub.core.batching import slices
from hubbub.realtime.sockets.connections import Connection, Connections
from hubbub.schemas.events import ServerDraining
from hubbub.schemas.sync.connection import CloseCode

log = logging.getLogger(__name__)

WAVE_COUNT = 10
MAX_CLOSES_PER_S = 200.0  # connects that another instance accepts without trouble
MAX_RECONNECT_DELAY_MS = 2000  # jitter, from the close of the socket
ACK_WAIT_S = 0.5  # for a wave to wait for the acks of its events
ACK_POLL_INTERVAL_S = 0.01
SHUTDOWN_MESSAGE = "This instance is shutting down."


async def drain(connections: Connections, timeout: float) -> None:
    """Send `server:draining` to every socket, then close all in waves within `timeout` seconds.

    A few sockets are closed at once. An earlier event gets its ack before its socket closes, unless that
    takes longer than ACK_WAIT_S.
    """
    deadline = clock.monotonic() + timeout
    sockets = list(connections.by_sid.values())
    if not sockets:
        return
    log.info("draining", extra={"connections": len(sockets)})
    reconnect_delays_ms = {each.sid: random.randrange(MAX_RECONNECT_DELAY_MS) for each in sockets}  # noqa: S311 - jitter
    for connection in sockets:
        connection.emit(ServerDraining(reconnect_in_ms=reconnect_delays_ms[connection.sid]))
    await _close_in_waves(sockets, reconnect_delays_ms, deadline, SHUTDOWN_MESSAGE)
    await _close_remaining(connections, deadline)


async def close_in_waves(sockets: Sequence[Connection], duration: float, message: str) -> None:
    """Close sockets in waves within `duration` seconds, with the code `draining`. Others may connect."""
    reconnect_delays_ms = {each.sid: random.randrange(MAX_RECONNECT_DELAY_MS) for each in sockets}  # noqa: S311 - jitter
    await _close_in_waves(list(sockets), reconnect_delays_ms, clock.monotonic() + duration, message)


async def _close_in_waves(
    sockets: list[Connection], reconnect_delays_ms: Mapping[str, int], deadline: float, message: str
) -> None:
    random.shuffle(sockets)
    pause = min((deadline - clock.monotonic()) / 2, len(sockets) / MAX_CLOSES_PER_S) / WAVE_COUNT
    size = max(1, -(-len(sockets) // WAVE_COUNT))
    for wave in slices(sockets, size):
        await _await_acks(wave, min(ACK_WAIT_S, deadline - clock.monotonic()))
        for connection in wave:
            connection.close(CloseCode.DRAINING, message, reconnect_delays_ms[connection.sid])
        await asyncio.sleep(max(0.0, pause))


async def _await_acks(wave: Sequence[Connection], timeout: float) -> None:
    deadline = clock.monotonic() + timeout
    while clock.monotonic() < deadline and any(  # noqa: ASYNC110 - an event per socket would cost more
        each.busy and not each.closed for each in wave
    ):
        await asyncio.sleep(ACK_POLL_INTERVAL_S)


async def _close_remaining(connections: Connections, deadline: float) -> None:
    """Wait for the last socket, and close those whose connect was in progress."""
    while connections.by_sid and clock.monotonic() < deadline:
        for connection in list(connections.by_sid.values()):
            reconnect_delay_ms = random.randrange(MAX_RECONNECT_DELAY_MS)  # noqa: S311 - likewise
            connection.close(CloseCode.DRAINING, SHUTDOWN_MESSAGE, reconnect_delay_ms)
        try:
            async with asyncio.timeout(0.2):
                await connections.empty.wait()
        except TimeoutError:
            continue
    if connections.by_sid:
        log.warning("sockets did not close in time", extra={"connections": len(connections)})
