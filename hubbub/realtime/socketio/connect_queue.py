"""The queue of CONNECTs that cannot be handled yet (docs/decisions/0013-waiting-connects.md)."""

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
from hubbub.ratelimit.single_key import SingleKeyLimiter

if TYPE_CHECKING:
    from hubbub.realtime.engine.timers import Timer, Timers
    from hubbub.realtime.socketio.connect_request import ConnectRequest
    from hubbub.realtime.socketio.namespace import NamespaceClient

log = logging.getLogger(__name__)

DEFAULT_MAX_WAIT_S = 10.0  # in the queue
PLACE_TTL_S = 30.0  # for which a session keeps its place after it left the queue
MAX_SAVED_PLACES = 20_000  # sessions with saved places; the one that left first is dropped
MAX_QUEUE_ENTRIES = 20_000
MAX_QUEUE_BYTES = 32 * 1024 * 1024  # of all waiting requests
PROBE_INTERVAL_S = 0.5  # between two attempts while a store is unavailable
RUN_INTERVAL_S = 0.01  # between two runs of the queue, each of which admits several entries
# CONNECTs between their admission and `ready`. When a query returns, as many tasks may take a step in one
# turn of the event loop, so this limits by how much a crowd delays everything else.
MAX_IN_PROGRESS = 128
RUN_BUDGET_S = 0.002  # of one run; the next one follows in the next turn of the event loop
MAX_REMOVED_ENTRIES = 1000  # removed entries in the heap before it is rebuilt
QUEUE_LOG_INTERVAL_S = 1.0  # between two log lines about the queue


def _always_available() -> bool:
    return True


class AdmissionLimits(NamedTuple):
    """Limits for the admission of CONNECTs."""

    per_s: int  # CONNECTs that are admitted per second
    per_user: int  # CONNECTs of one user that may wait
    # Returns whether the stores that a CONNECT needs respond, according to their last probes.
    available: Callable[[], bool] = _always_available
    max_wait_s: float = DEFAULT_MAX_WAIT_S


class WaitingConnect:
    """A CONNECT in the queue."""

    __slots__ = ("client", "ends_at", "place", "request", "size", "timer")

    def __init__(self, client: "NamespaceClient", request: "ConnectRequest", ends_at: float) -> None:
        self.client = client
        self.request = request  # its verified content
        self.ends_at = ends_at  # monotonic time at which it stops waiting
        self.place = 0.0  # monotonic time by which the queue is ordered: of the first request of its session
        self.size = 0  # bytes of the packed request
        self.timer: Timer | None = None  # evicts it at `ends_at`; None: it does not wait


class ConnectQueue:
    """Calls `admit` for entries in the order of their places, or `close` when their time is over."""

    def __init__(
        self,
        limits: AdmissionLimits,
        timers: "Timers",
        admit: Callable[[WaitingConnect], None],
        close: Callable[[WaitingConnect], None],
    ) -> None:
        self._limits = limits
        self._timers = timers
        self._admit = admit  # called for an entry whose turn has come
        self._close = close  # called for an entry that stops waiting
        per_s = limits.per_s
        self._limiter = SingleKeyLimiter(Rate(max(1, per_s // 10), per_s))  # limits the admissions per second
        self._heap: list[tuple[float, int, WaitingConnect]] = []  # place, sequence number, entry
        self._sequence = count()  # orders entries with the same place
        self._by_user: dict[UUID, dict[WaitingConnect, None]] = {}  # the waiting entries, the oldest first
        self._in_progress = 0  # admitted CONNECTs that are not finished
        self._waiting_count = 0
        self._waiting_bytes = 0  # sum of the sizes of the waiting entries
        # By session: the places of entries that left the queue, in order, and when the last one left.
        self._places: OrderedDict[UUID, tuple[list[float], float]] = OrderedDict()
        self._run_timer: Timer | None = None  # the next run of the queue
        self._suspended = False  # whether a store is unavailable: one entry at a time probes it
        self._probing = False  # whether such an entry is admitted and not finished
        self._draining = False
        self._logged_at = float("-inf")  # monotonic time of the last log line
        self._closed_count = 0  # closed entries since the last log line
        metrics.gauge("connects_waiting", lambda: self._waiting_count)

    def __len__(self) -> int:
        return self._waiting_count

    # Methods that are called for each CONNECT.

    def acquire(self) -> bool:
        """FAST PATH: return whether a CONNECT is admitted at once. Paired with `release`."""
        if self._waiting_count or self._suspended or self._draining or self._in_progress >= MAX_IN_PROGRESS:
            return False
        if not self._limits.available() or self._limiter.acquire():
            return False
        self._in_progress += 1
        return True

    def release(self) -> None:
        """Record that an admitted CONNECT is finished: refused, postponed or with its `ready`."""
        self._in_progress -= 1
        self._schedule(0)

    def enqueue(self, entry: WaitingConnect) -> None:
        """Add an entry to the queue. Close it if its time is over, or the queue is full or drains."""
        now = clock.monotonic()
        entry.size = entry.request.pack()
        entry.place = self._claim_place(entry.request.session_id, now)
        seconds = entry.ends_at - now
        if self._draining or seconds <= 0:
            self._close_entry(entry, "draining" if self._draining else "expired")
            return
        if self._waiting_count >= MAX_QUEUE_ENTRIES or self._waiting_bytes + entry.size > MAX_QUEUE_BYTES:
            self._close_entry(entry, "full")
            return
        self._insert(entry, seconds)
        metrics.count("connects_queued")
        self._log("connects wait in the queue")
        self._schedule(RUN_INTERVAL_S)

    def discard(self, entry: WaitingConnect) -> None:
        """Remove an entry whose client has ended. Its session keeps its place. Safe to call twice."""
        if self._remove(entry):
            self._save_place(entry)

    def on_connect_finished(self, *, available: bool) -> None:
        """Record that an admitted CONNECT was decided, or failed because a store is unavailable."""
        if not available:
            self._suspended, self._probing = True, False
            self._schedule(PROBE_INTERVAL_S)
        elif self._probing:
            self._suspended = self._probing = False
            if self._run_timer is not None:
                self._run_timer.cancel()
                self._run_timer = None
            self._schedule(0)

    def drain(self) -> None:
        """Close all entries, and each later one."""
        self._draining = True
        for entries in list(self._by_user.values()):
            for entry in list(entries):
                self._evict(entry, "draining")

    # Entries.

    def _insert(self, entry: WaitingConnect, seconds: float) -> None:
        own = self._by_user.setdefault(entry.request.user_id, {})
        if len(own) >= self._limits.per_user:
            self._evict(next(iter(own)), "user")
            own = self._by_user.setdefault(entry.request.user_id, {})
        own[entry] = None
        self._waiting_count += 1
        self._waiting_bytes += entry.size
        entry.timer = self._timers.after(seconds, lambda: self._evict(entry, "expired"))
        heapq.heappush(self._heap, (entry.place, next(self._sequence), entry))

    def _remove(self, entry: WaitingConnect) -> bool:
        """Remove an entry. Return whether it was in the queue. The heap drops it later."""
        if entry.timer is None:
            return False
        entry.timer.cancel()
        entry.timer = None
        self._waiting_count -= 1
        self._waiting_bytes -= entry.size
        own = self._by_user[entry.request.user_id]
        del own[entry]
        if not own:
            del self._by_user[entry.request.user_id]
        if len(self._heap) > 2 * self._waiting_count + MAX_REMOVED_ENTRIES:
            self._heap = [each for each in self._heap if each[2].timer is not None]
            heapq.heapify(self._heap)
        return True

    def _evict(self, entry: WaitingConnect, reason: str) -> None:
        if self._remove(entry):
            self._save_place(entry)
            self._close_entry(entry, reason)

    def _close_entry(self, entry: WaitingConnect, reason: str) -> None:
        metrics.count("connects_removed", reason)
        self._closed_count += 1
        self._log("transports of waiting connects are closed")
        self._close(entry)

    # Places.

    def _claim_place(self, session_id: UUID, now: float) -> float:
        """Return the saved place of a session that left the queue recently, or a new place.

        A place is used once. Further sockets of a waiting session get new places. With the same place, a
        session that always has waiting sockets would always be first.
        """
        saved, left_at = self._places.get(session_id, ([], now))
        if not saved or now - left_at > PLACE_TTL_S:
            return now
        place = saved.pop(0)
        if not saved:
            del self._places[session_id]
        return place

    def _save_place(self, entry: WaitingConnect) -> None:
        now, places, session_id = clock.monotonic(), self._places, entry.request.session_id
        saved, left_at = places.get(session_id, ([], now))
        if now - left_at > PLACE_TTL_S:
            saved = []
        insort(saved, entry.place)
        del saved[self._limits.per_user :]
        places[session_id] = (saved, now)
        places.move_to_end(session_id)
        while places:
            oldest = next(iter(places))
            if len(places) <= MAX_SAVED_PLACES and now - places[oldest][1] <= PLACE_TTL_S:
                break
            del places[oldest]

    # Runs.

    def _schedule(self, seconds: float) -> None:
        if self._run_timer is None and self._waiting_count:
            self._run_timer = self._timers.after(seconds, self._run)

    def _run(self) -> None:
        self._run_timer = None
        if not self._limits.available():
            self._suspended = True
        if self._suspended:
            if not self._probing and self._limits.available():
                self._probing = True  # set first: the CONNECT may be decided before `_admit_first` returns
                if not self._admit_first():
                    self._probing = False
            self._schedule(PROBE_INTERVAL_S)
            return
        ends_at = clock.monotonic() + RUN_BUDGET_S
        while self._waiting_count and self._in_progress < MAX_IN_PROGRESS:
            if wait_ms := self._limiter.acquire():
                self._schedule(max(RUN_INTERVAL_S, wait_ms / 1000))
                return
            self._admit_first()
            if clock.monotonic() >= ends_at:
                self._schedule(0)
                return

    def _admit_first(self) -> bool:
        """Admit the entry with the first place. Return False if none waits."""
        while self._heap:
            entry = heapq.heappop(self._heap)[2]
            if self._remove(entry):
                self._in_progress += 1
                self._admit(entry)
                return True
        return False

    def _log(self, message: str) -> None:
        """Write at most one line a second."""
        now = clock.monotonic()
        if now - self._logged_at >= QUEUE_LOG_INTERVAL_S:
            self._logged_at = now
            fields = {
                "waiting": self._waiting_count,
                "closed": self._closed_count,
                "unavailable": self._suspended,
            }
            log.info(message, extra=fields)
            self._closed_count = 0
