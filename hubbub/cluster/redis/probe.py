"""A round trip through one server: whether all that was published before it has been received here."""

import asyncio
from collections import deque
from collections.abc import Callable

from hubbub.core import clock, metrics

ANSWER_S = 0.25  # a connecting client waits no longer; Redis answers in a few milliseconds
SILENT = 100
DOUBT_S = 10.0  # after a probe was lost and a later one was not: others may be lost likewise


class Probe:
    """Publishes numbers on the channel of one listener; the server keeps their order among all signals.

    A number that is received again proves that both connections work, and that nothing published before it is
    still to come. Calls of one turn of the event loop share a number.
    """

    def __init__(self, publish: Callable[[bytes], None]) -> None:
        self._publish = publish
        self._number = 0
        self._next: asyncio.Future[bool] | None = None
        # Without an answer, oldest first; while Redis is silent there are four a second at most.
        self._sent: deque[tuple[int, float, asyncio.Future[bool]]] = deque(maxlen=SILENT)
        self._doubtful_until = float("-inf")

    async def current(self) -> bool:
        """Whether all that was published before this call has been received; False if it is not certain."""
        now = clock.monotonic()
        silent = bool(self._sent) and now - self._sent[0][1] > ANSWER_S
        if self._next is None and not (silent and now - self._sent[-1][1] < ANSWER_S):
            self._next = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(self._send)
        if self._next is None or silent or now < self._doubtful_until:
            return False  # the number that was sent tells when this is over
        return await asyncio.shield(self._next)

    def _send(self) -> None:
        answer, self._next = self._next, None
        if answer is None:
            return
        self._number += 1
        self._sent.append((self._number, clock.monotonic(), answer))
        self._publish(b"%d" % self._number)
        asyncio.get_running_loop().call_later(ANSWER_S, _answer, answer, False)  # noqa: FBT003 - the result

    def on_heartbeat(self, payload: bytes) -> None:
        """A message of the listener's own channel has come."""
        if not payload:
            return
        number = int(payload)
        while self._sent and self._sent[0][0] <= number:
            sent, _, answer = self._sent.popleft()
            if sent < number:
                metrics.count("bus_probes_lost")
                self._doubtful_until = clock.monotonic() + DOUBT_S
            _answer(answer, sent == number)

    def reset(self) -> None:
        """The connections are new: what was sent through the old ones does not come back."""
        while self._sent:
            _answer(self._sent.popleft()[2], False)  # noqa: FBT003 - the result


def _answer(future: "asyncio.Future[bool]", result: bool) -> None:  # noqa: FBT001 - the result
    if not future.done():
        future.set_result(result)
