"""Attempts that failed, by key, and the waits that grow with them; kept in bounded memory or elsewhere."""

from collections import OrderedDict
from typing import Literal, NamedTuple

from hubbub.core import clock

Act = Literal["look", "fail", "ease", "clear"]

MOST = 50_000
FIRST_MS = 1000
LONGEST_MS = 15 * 60 * 1000
FORGET_MS = 60 * 60 * 1000  # after the last failure all are forgotten
KNOWN_MS = 30 * 24 * 60 * 60 * 1000  # and this long after a success that there was one
_DOUBLINGS = 20  # more than it takes to the longest


class Standing(NamedTuple):
    """What is known of a key: failures in a row, the time since the last one, whether one ever succeeded."""

    failures: int
    since_ms: int
    known: bool

    def wait_ms(self, free: int) -> int:
        """How long until the next attempt, if so many failures are free: 1 s, 2, 4, … up to 15 minutes."""
        more = self.failures - free
        if more <= 0:
            return 0
        wait = min(FIRST_MS << min(more - 1, _DOUBLINGS), LONGEST_MS)
        return max(0, wait - self.since_ms)


class Attempts:
    """The standing of each key; who was quiet for longest is forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[int, int, int | None]] = OrderedDict()

    def note(self, key: str, act: Act) -> Standing:
        """Note a failure, a success that takes one of them back, or one that clears all; or only look."""
        now = int(clock.monotonic() * 1000)
        failures, failed_at, known_at = self._kept.get(key, (0, now, None))
        if now - failed_at > FORGET_MS:
            failures = 0
        if known_at is not None and now - known_at > KNOWN_MS:
            known_at = None
        if act == "fail":
            failures, failed_at = failures + 1, now
        elif act == "ease":
            failures = max(0, failures - 1)
        elif act == "clear":
            failures, known_at = 0, now
        if act != "look":
            self._keep(key, (failures, failed_at, known_at))
        return Standing(failures, now - failed_at, known_at is not None)

    def _keep(self, key: str, of: tuple[int, int, int | None]) -> None:
        self._kept[key] = of
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
