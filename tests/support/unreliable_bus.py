"""A bus that loses and reorders signals."""

import random
from typing import TYPE_CHECKING

from hubbub.cluster.bus import EntriesAppended, Signal
from hubbub.cluster.memory import MemoryBus

if TYPE_CHECKING:
    from collections.abc import Callable


class UnreliableBus(MemoryBus):
    """Drops some signals about entries, and holds others back until a later one has passed."""

    def __init__(self, seed: int, loss_rate: float, delay_rate: float) -> None:
        super().__init__()
        self._random = random.Random(seed)
        self._loss_rate = loss_rate
        self._delay_rate = delay_rate
        self._delayed: list[Signal] = []
        self.losses = 0

    def publish(self, signal: Signal) -> None:
        if isinstance(signal, EntriesAppended):
            chance = self._random.random()
            if chance < self._loss_rate:
                self.losses += 1
                return
            if chance < self._loss_rate + self._delay_rate:
                self._delayed.append(signal)
                return
        super().publish(signal)
        while self._delayed and self._random.random() < 0.5:
            super().publish(self._delayed.pop(self._random.randrange(len(self._delayed))))


class DroppingBus(MemoryBus):
    """Drops the signals that a test selects."""

    def __init__(self) -> None:
        super().__init__()
        self.should_drop: Callable[[Signal], bool] = lambda _: False
        self.losses = 0

    def publish(self, signal: Signal) -> None:
        if self.should_drop(signal):
            self.losses += 1
        else:
            super().publish(signal)
