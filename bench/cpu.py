"""CPU time of groups of processes, sampled while they run, so that any part of a run can be evaluated."""

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

PERIOD_S = 0.1  # between two samples
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class CpuMeter:
    """Samples the CPU time of processes and their descendants. Use it as a context."""

    def __init__(self, groups: Mapping[str, Sequence[int]]) -> None:
        self.groups = groups
        self._times: list[float] = []
        self._samples: dict[str, list[float]] = {name: [] for name in groups}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._sample()

    def used_s(self, group: str, start: float, end: float) -> float:
        """Return the CPU seconds of a group between two times of the monotonic clock."""
        values = self._samples[group]
        return interpolate(self._times, values, end) - interpolate(self._times, values, start)

    def _run(self) -> None:
        while not self._stopped.wait(PERIOD_S):
            self._sample()

    def _sample(self) -> None:
        self._times.append(time.monotonic())
        for name, pids in self.groups.items():
            self._samples[name].append(sum(tree_cpu_s(pid) for pid in pids))


def interpolate(times: Sequence[float], values: Sequence[float], at: float) -> float:
    """Return the value at a time between two samples, or that of the first or last one outside of all."""
    index = bisect_left(times, at)
    if index == 0:
        return values[0]
    if index == len(times):
        return values[-1]
    share = (at - times[index - 1]) / (times[index] - times[index - 1])
    return values[index - 1] + share * (values[index] - values[index - 1])


def tree_cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process and its descendants, also of those that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended: its parent counts it
        return 0.0
    own = sum(int(field) for field in fields[11:15])  # user and system time; the same of ended children
    return own / _TICKS_PER_S + sum(tree_cpu_s(int(child)) for child in children)
