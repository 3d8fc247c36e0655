"""The queue of CONNECTs that can't be accepted yet (docs/decisions/0013-waiting-connects.md)."""

import heapq
import logging
from bisect import insort
from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from hubbub.core import clock, metrics
from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.token_bucket import TokenBucket

if TYPE_CHECKING:
    from hubbub.realtime.engine.timers import Timer, Timers
    from hubbub.realtime.socketio.connect_request import ConnectRequest
    from hubbub.realtime.socketio.manager import NamespaceClient

log = logging.getLogger(__name__)

WAIT_S = 10.0
PLACE_S = 30.0  # that a session keeps its place after it left
PLACES = 20_000  # that are kept; the one that left first is dropped
ENTRIES = 20_000
BYTES = 32 * 1024 * 1024
PROBE_S = 0.5  # between two attempts while a store is unavailable
STEP_S = 0.01  # between two turns of the queue: several entries a turn, not a turn for each
STALE = 1000  # removed entries that may lie in the heap before it is rebuilt
LOG_EVERY_S = 1.0


def _always() -> bool:
    return True


class AdmissionLimits(NamedTuple):
    """`per_s` connects a second are accepted; of one user at most `per_user` wait."""

    per_s: int
    per_user: int
    available: Callable[[], bool] = (
        _always  # whether the stores that a connect needs respond, as far as known
    )
    wait_s: float = WAIT_S


class Entry:
    """One CONNECT that waits, until `ends_at`; `first_at` is its place."""

    __slots__ = ("ends_at", "first_at", "link", "request", "size", "timer")

    def __init__(self, link: "NamespaceClient", request: "ConnectRequest", ends_at: float) -> None:
        self.link = link
        self.request = request
        self.ends_at = ends_at
        self.first_at = 0.0
        self.size = 0
        self.timer: Timer | None = None  # None: it does not wait


class ConnectQueue:
    """Hands entries to `admit` in the order of their places, or to `close` when their time is over."""

    def __init__(
        self,
        limits: AdmissionLimits,
        timers: "Timers",
        admit: Callable[[Entry], None],
        close: Callable[[Entry], None],
    ) -> None:
        self._limits = limits
        self._timers = timers
        self._admit = admit
        self._close = close
        per_s = limits.per_s
        self._bucket = TokenBucket(Rate(max(1, per_s // 10), per_s))
        self._heap: list[tuple[float, int, Entry]] = []
        self._numbers = count()
        self._of_user: dict[UUID, dict[Entry, None]] = {}  # the waiting entries, the oldest first
        self._waiting = 0
        self._bytes = 0
        # Of sessions: the places that were left, the first one first, and when the last one was.
        self._places: OrderedDict[UUID, tuple[list[float], float]] = OrderedDict()
        self._turn: Timer | None = None
        self._stopped = False  # a store is unavailable: one entry at a time tries it
        self._probing = False
        self._draining = False
        self._logged_at = float("-inf")
        self._closed = 0  # since the last log line
        metrics.gauge("connects_waiting", lambda: self._waiting)

    def __len__(self) -> int:
        return self._waiting

    # What is called for each CONNECT.

    def acquire(self) -> bool:
        """FAST PATH: whether a CONNECT can be admitted at once."""
        if self._waiting or self._stopped or self._draining or not self._limits.available():
            return False
        return not self._bucket.acquire()

    def wait(self, entry: Entry) -> None:
        """Let an entry wait for its turn; close it if its time is over, or the queue is full or drains."""
        now = clock.monotonic()
        entry.size = entry.request.pack()
        entry.first_at = self._place(entry.request.session_id, now)
        seconds = entry.ends_at - now
        if self._draining or seconds <= 0:
            self._drop(entry, "draining" if self._draining else "expired")
            return
        if self._waiting >= ENTRIES or self._bytes + entry.size > BYTES:
            self._drop(entry, "full")
            return
        self._insert(entry, seconds)
        metrics.count("connects_queued")
        self._log("connects wait in the queue")
        self._schedule(STEP_S)

    def leave(self, entry: Entry) -> None:
        """Remove an entry whose client is gone; its session keeps its place. Safe to call twice."""
        if self._remove(entry):
            self._keep_place(entry)

    def finished(self, *, available: bool) -> None:
        """An admitted CONNECT was answered, or failed because a store is unavailable."""
        if not available:
            self._stopped, self._probing = True, False
            self._schedule(PROBE_S)
        elif self._probing:
            self._stopped = self._probing = False
            if self._turn is not None:
                self._turn.cancel()
                self._turn = None
            self._schedule(0)

    def drain(self) -> None:
        """Close all entries, and from now on each that comes."""
        self._draining = True
        for entries in list(self._of_user.values()):
            for entry in list(entries):
                self._expel(entry, "draining")

    # Entries come and go.

    def _insert(self, entry: Entry, seconds: float) -> None:
        own = self._of_user.setdefault(entry.request.user_id, {})
        if len(own) >= self._limits.per_user:
            self._expel(next(iter(own)), "user")
            own = self._of_user.setdefault(entry.request.user_id, {})
        own[entry] = None
        self._waiting += 1
        self._bytes += entry.size
        entry.timer = self._timers.after(seconds, lambda: self._expel(entry, "expired"))
        heapq.heappush(self._heap, (entry.first_at, next(self._numbers), entry))

    def _remove(self, entry: Entry) -> bool:
        """Whether it waited until now. The heap drops it later."""
        if entry.timer is None:
            return False
        entry.timer.cancel()
        entry.timer = None
        self._waiting -= 1
        self._bytes -= entry.size
        own = self._of_user[entry.request.user_id]
        del own[entry]
        if not own:
            del self._of_user[entry.request.user_id]
        if len(self._heap) > 2 * self._waiting + STALE:
            self._heap = [each for each in self._heap if each[2].timer is not None]
            heapq.heapify(self._heap)
        return True

    def _expel(self, entry: Entry, reason: str) -> None:
        if self._remove(entry):
            self._keep_place(entry)
            self._drop(entry, reason)

    def _drop(self, entry: Entry, reason: str) -> None:
        metrics.count("connects_removed", reason)
        self._closed += 1
        self._log("transports of waiting connects are closed")
        self._close(entry)

    # Places.

    def _place(self, session_id: UUID, now: float) -> float:
        """The place of a session that left the queue a moment ago, or a new one.

        A place is used once. Further sockets of a session that waits get new places: with the same one, a
        session that always has some waiting would always be first.
        """
        kept, left_at = self._places.get(session_id, ([], now))
        if not kept or now - left_at > PLACE_S:
            return now
        first_at = kept.pop(0)
        if not kept:
            del self._places[session_id]
        return first_at

    def _keep_place(self, entry: Entry) -> None:
        now, places, session_id = clock.monotonic(), self._places, entry.request.session_id
        kept, left_at = places.get(session_id, ([], now))
        if now - left_at > PLACE_S:
            kept = []
        insort(kept, entry.first_at)
        del kept[self._limits.per_user :]
        places[session_id] = (kept, now)
        places.move_to_end(session_id)
        while places:
            oldest = next(iter(places))
            if len(places) <= PLACES and now - places[oldest][1] <= PLACE_S:
                break
            del places[oldest]

    # Turns.

    def _schedule(self, seconds: float) -> None:
        if self._turn is None and self._waiting:
            self._turn = self._timers.after(seconds, self._run)

    def _run(self) -> None:
        self._turn = None
        if not self._limits.available():
            self._stopped = True
        if self._stopped:
            if not self._probing and self._limits.available():
                self._probing = self._admit_first()
            self._schedule(PROBE_S)
            return
        wait_ms = 0
        while self._waiting and not (wait_ms := self._bucket.acquire()):
            self._admit_first()
        self._schedule(max(STEP_S, wait_ms / 1000))

    def _admit_first(self) -> bool:
        """Admit the entry whose session asked first. False: none waits."""
        while self._heap:
            entry = heapq.heappop(self._heap)[2]
            if self._remove(entry):
                self._admit(entry)
                return True
        return False

    def _log(self, what: str) -> None:
        """One line a second at most."""
        now = clock.monotonic()
        if now - self._logged_at >= LOG_EVERY_S:
            self._logged_at = now
            found = {"waiting": self._waiting, "closed": self._closed, "unavailable": self._stopped}
            log.info(what, extra=found)
            self._closed = 0
