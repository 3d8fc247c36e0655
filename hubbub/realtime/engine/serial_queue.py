"""Runs the steps of one client in order, with flow control; its task exists only while steps wait."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from hubbub.core import tasks

PAUSE_ABOVE_STEPS = 256  # waiting steps above which the client is not read
RESUME_BELOW_STEPS = 64  # waiting steps below which it is read again


class FlowControl(Protocol):
    """Whatever reads from the client."""

    def pause(self) -> None:
        """Stop reading from the client, until each `pause` has had its `resume`."""

    def resume(self) -> None:
        """Undo one `pause`."""


class SerialQueue:
    """Runs steps one after the other."""

    __slots__ = ("_flow_control", "_paused", "_running", "_steps")

    def __init__(self, flow_control: FlowControl) -> None:
        self._flow_control = flow_control  # pauses the client
        self._steps: deque[Callable[[], Awaitable[object]]] = deque()  # steps that wait, the oldest first
        self._running = False  # whether the task exists
        self._paused = False  # whether this queue paused the client

    def enqueue(self, step: Callable[[], Awaitable[object]]) -> None:
        """Run a step after all earlier ones. A step must not raise: `tasks.spawn` logs an exception."""
        self._steps.append(step)
        if len(self._steps) > PAUSE_ABOVE_STEPS and not self._paused:
            self._paused = True
            self._flow_control.pause()
        if not self._running:
            self._running = True
            tasks.spawn(self._run(), name="events of a client")

    def clear(self) -> None:
        """Drop the waiting steps."""
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
