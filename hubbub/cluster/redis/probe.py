"""A round trip through one server, which proves that all earlier messages were received here."""

import asyncio
from collections import deque
from collections.abc import Callable

from hubbub.core import clock, metrics

PROBE_TIMEOUT_S = 0.25  # a connecting client waits no longer; Redis responds in a few milliseconds
MAX_PENDING_PROBES = 100
UNCERTAIN_S = 10.0  # after a lost probe that was followed by a received one: other messages may be lost, too


class Probe:
    """Publishes numbers on the channel of one subscriber. The server keeps their order among all messages.

    A number that is received proves that both connections work, and that all messages published before it
    were received. Calls of one turn of the event loop share a number.
    """

    def __init__(self, publish: Callable[[bytes], None]) -> None:
        self._publish = publish  # publishes on the subscriber's channel
        self._number = 0  # the last number that was published
        # The result of the number that is published at the end of this turn.
        self._next_result: asyncio.Future[bool] | None = None
        # Numbers that are not received yet: number, monotonic time, result. The oldest is first. While Redis
        # does not respond, at most four are added a second.
        self._pending: deque[tuple[int, float, asyncio.Future[bool]]] = deque(maxlen=MAX_PENDING_PROBES)
        self._uncertain_until = float("-inf")  # monotonic time until which the result is False

    async def is_current(self) -> bool:
        """Return whether all messages published before this call were received. False if it is uncertain."""
        now = clock.monotonic()
        overdue = bool(self._pending) and now - self._pending[0][1] > PROBE_TIMEOUT_S
        if self._next_result is None and not (overdue and now - self._pending[-1][1] < PROBE_TIMEOUT_S):
            self._next_result = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(self._send)
        if self._next_result is None or overdue or now < self._uncertain_until:
            return False  # a received number ends this state
        return await asyncio.shield(self._next_result)

    def _send(self) -> None:
        result, self._next_result = self._next_result, None
        if result is None:
            return
        self._number += 1
        self._pending.append((self._number, clock.monotonic(), result))
        self._publish(b"%d" % self._number)
        asyncio.get_running_loop().call_later(PROBE_TIMEOUT_S, _resolve, result, False)  # noqa: FBT003 - the result

    def on_heartbeat(self, payload: bytes) -> None:
        """Handle a message of the subscriber's own channel."""
        if not payload:
            return
        number = int(payload)
        while self._pending and self._pending[0][0] <= number:
            pending_number, _, result = self._pending.popleft()
            if pending_number < number:
                metrics.count("bus_probes_lost")
                self._uncertain_until = clock.monotonic() + UNCERTAIN_S
            _resolve(result, pending_number == number)

    def reset(self) -> None:
        """Resolve all probes with False after a reconnect: those of the old connections are lost."""
        while self._pending:
            _resolve(self._pending.popleft()[2], False)  # noqa: FBT003 - the result


def _resolve(future: "asyncio.Future[bool]", result: bool) -> None:  # noqa: FBT001 - the result
    if not future.done():
        future.set_result(result)
