"""Work of one client, done in the order it came: a task only while there is some, and a brake."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from hubbub.core import tasks

PAUSE_ABOVE_STEPS, RESUME_BELOW_STEPS = (
    256,
    64,
)  # waiting steps at which the client is no longer, and again, read from


class FlowControl(Protocol):
    """Whatever reads from the client."""

    def pause(self) -> None:
        """Stop reading from the client, until each `pause` has had its `resume`."""

    def resume(self) -> None:
        """Undo one `pause`."""


class SerialQueue:
    """Steps that wait for the one before them."""

    __slots__ = ("_flow_control", "_paused", "_running", "_steps")

    def __init__(self, flow_control: FlowControl) -> None:
        self._flow_control = flow_control
        self._steps: deque[Callable[[], Awaitable[object]]] = deque()
        self._running = False
        self._paused = False

    def enqueue(self, step: Callable[[], Awaitable[object]]) -> None:
        """Run it after all that came before. A step must not raise: what does, ends in the log."""
        self._steps.append(step)
        if len(self._steps) > PAUSE_ABOVE_STEPS and not self._paused:
            self._paused = True
            self._flow_control.pause()
        if not self._running:
            self._running = True
            tasks.spawn(self._run(), name="events of a client")

    def clear(self) -> None:
        """Forget what waits."""
        self._steps.clear()

    async def _run(self) -> None:
        try:
            while self._steps:
                step = self._steps.popleft()
                if self._paused and len(self._steps) < RESUME_BELOW_STEPS:
                    self._paused = False
                    self._flow_control.resume()
                await step()
        finally:
            self._running = False
            if self._paused:
                self._paused = False
                self._flow_control.resume()
