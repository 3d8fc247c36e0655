"""A bus as bad as a bus may be: it loses and reorders."""

import random
from typing import TYPE_CHECKING

from hubbub.cluster.bus import EntriesAppended, Signal
from hubbub.cluster.memory import MemoryBus

if TYPE_CHECKING:
    from collections.abc import Callable


class UnreliableBus(MemoryBus):
    """Loses some signals about entries for good, and holds others back until a later one passed them."""

    def __init__(self, seed: int, lost: float, held: float) -> None:
        super().__init__()
        self._random = random.Random(seed)
        self._lost = lost
        self._held_share = held
        self._held: list[Signal] = []
        self.losses = 0

    def publish(self, signal: Signal) -> None:
        if isinstance(signal, EntriesAppended):
            chance = self._random.random()
            if chance < self._lost:
                self.losses += 1
                return
            if chance < self._lost + self._held_share:
                self._held.append(signal)
                return
        super().publish(signal)
        while self._held and self._random.random() < 0.5:
            super().publish(self._held.pop(self._random.randrange(len(self._held))))


class LosingBus(MemoryBus):
    """Loses what it is told to lose."""

    def __init__(self) -> None:
        super().__init__()
        self.loses: Callable[[Signal], bool] = lambda _: False
        self.losses = 0

    def publish(self, signal: Signal) -> None:
        if self.loses(signal):
            self.losses += 1
        else:
            super().publish(signal)
