"""Tracks which users type in which rooms: one state each, the same on all instances, that expires."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from hubbub.cluster.bus import Typing
from hubbub.core import clock

if TYPE_CHECKING:
    from hubbub.cluster.bus import Bus
    from hubbub.schemas.eventlog.entries import Entry


REPEAT_INTERVAL_S = 2.0  # between two starts of one user, on the bus and to sockets
TYPING_TTL_S = 6.0  # after the last start
TIMER_TOLERANCE_S = 0.002  # by which a timer may fire early
MAX_CLOCK_SKEW_US = 1_000_000  # between the clocks of two instances

EmitTyping = Callable[[UUID, UUID, bool], None]


class _EntryFields(msgspec.Struct):
    """The fields of an entry that end a state."""

    actor_id: UUID | None
    at: str


_decode_entry = msgspec.json.Decoder(_EntryFields).decode


def _to_us(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


class _TypingState:
    """The state of a user in a room. An ended state is kept for 6 s, for its counter."""

    __slots__ = (
        "counter",
        "due",
        "emit_due",
        "emitted",
        "emitted_at",
        "ended_at",
        "ended_counter",
        "published_at",
        "started_at",
        "timer",
        "typing",
        "unpublished_counter",
    )  # fmt: skip

    def __init__(self) -> None:
        self.counter = 0  # highest counter of all signals
        self.ended_counter = 0  # counter of the last end; starts before it are ignored
        self.typing = False  # whether the user types
        self.started_at = 0.0  # last start on any device that this instance received
        self.published_at = 0.0  # last signal of a start
        self.unpublished_counter = 0  # counter of a local start that is not published yet; 0: none
        self.emitted = False  # whether the sockets here received a start without an end
        self.emitted_at = float("-inf")  # when they last received a start
        self.emit_due = False  # whether they receive one when 2 s have passed
        self.ended_at = 0.0  # last end; like all times here monotonic
        self.due = float("inf")  # when `timer` fires
        self.timer: asyncio.TimerHandle | None = None  # the one timer of this state

    def next_due(self) -> float:
        """Return when something must be done if no signal arrives."""
        if not self.typing:
            return self.ended_at + TYPING_TTL_S
        due = self.started_at + TYPING_TTL_S
        if self.unpublished_counter:
            due = min(due, self.published_at + REPEAT_INTERVAL_S)
        return min(due, self.emitted_at + REPEAT_INTERVAL_S) if self.emit_due else due


class TypingTracker:
    """The states of the rooms with members on this instance, each with its own timer.

    Signals of starts and stops change a state on all instances. The entries of a message and of a departure
    end it on each instance that delivers them.
    """

    def __init__(self, bus: "Bus") -> None:
        self._bus = bus  # starts and stops are published to
        self._counter = 0  # highest counter that was used or received
        self.rooms: dict[UUID, dict[UUID, _TypingState]] = {}  # states by room and user
        # Sends `typing` to the sockets of a room on this instance.
        self.emit: EmitTyping = lambda _room_id, _user_id, _typing: None

    def start(self, room_id: UUID, user_id: UUID) -> None:
        """Record that the user types. Published at once if that is new, else at most every 2 s."""
        state = self._get(room_id, user_id)
        now = clock.monotonic()
        if state is None or not state.typing or now - state.published_at >= REPEAT_INTERVAL_S:
            self._publish(room_id, user_id, typing=True)
            return
        state.started_at = now
        if not state.unpublished_counter:
            state.unpublished_counter = self._next_counter()
            self._schedule(room_id, user_id, state, now)

    def stop(self, room_id: UUID, user_id: UUID) -> None:
        """Record that the user stopped on one device, which ends the state for all devices."""
        state = self._get(room_id, user_id)
        if state is None or state.typing:  # a start of another instance may not have arrived yet
            self._publish(room_id, user_id, typing=False)

    def _get(self, room_id: UUID, user_id: UUID) -> _TypingState | None:
        states = self.rooms.get(room_id)
        return states.get(user_id) if states is not None else None

    def _next_counter(self) -> int:
        """Return a counter above all received ones and the clock, so that a restart does not set it back."""
        self._counter = max(self._counter + 1, _to_us(clock.now()))
        return self._counter

    def _publish(self, room_id: UUID, user_id: UUID, *, typing: bool) -> None:
        self._bus.publish(Typing(room_id, user_id, self._next_counter(), typing))

    # Received by all instances.

    def on_signal(self, signal: Typing) -> None:
        """Apply a start or a stop of any instance, including this one.

        A stop older than the last signal is ignored.

        A start older than the last start still prolongs the state: two devices may start at the same moment.
        A start from before the last end is ignored.
        """
        states = self.rooms.setdefault(signal.room_id, {})
        state = states.get(signal.typist_id)
        if state is None:
            state = states[signal.typist_id] = _TypingState()
        elif signal.counter <= (state.ended_counter if signal.typing and state.typing else state.counter):
            return
        state.counter = max(state.counter, signal.counter)
        self._counter = max(self._counter, signal.counter)
        now = clock.monotonic()
        if signal.typing:
            started_at = now - signal.age_ms / 1000
            if state.started_at <= started_at:
                state.unpublished_counter = 0
            state.started_at = max(state.started_at, started_at) if state.typing else started_at
            state.published_at = now
            state.typing = True
            self._emit_start(signal.room_id, signal.typist_id, state, now)
        else:
            self._end(signal.room_id, signal.typist_id, state, now)
        self._schedule(signal.room_id, signal.typist_id, state, now)

    def on_entries(self, room_id: UUID, entries: Iterable["Entry"]) -> None:
        """End states by delivered entries of a room in `rooms`.

        A message and a departure end the user's state.
        """
        for entry in entries:
            user_id = entry.subject if entry.event == "member:left" else None
            if entry.event == "message:new":
                user_id = _decode_entry(entry.payload).actor_id
            if user_id is not None and user_id in self.rooms.get(room_id, ()):
                self._end_by_entry(
                    room_id, user_id, _to_us(datetime.fromisoformat(_decode_entry(entry.payload).at))
                )

    def _end_by_entry(self, room_id: UUID, user_id: UUID, at_us: int) -> None:
        """End a state, and ignore earlier starts that other instances publish late."""
        state = self._get(room_id, user_id)
        if state is None or at_us + MAX_CLOCK_SKEW_US < state.counter:
            return  # the entry is older than the start and was delivered late
        state.counter = max(state.counter, at_us)
        self._counter = max(self._counter, at_us)
        now = clock.monotonic()
        self._end(room_id, user_id, state, now)
        self._schedule(room_id, user_id, state, now)

    # Local to one instance.

    def _emit_start(self, room_id: UUID, user_id: UUID, state: _TypingState, now: float) -> None:
        """Emit a start, at most one in 2 s. An earlier one is delayed."""
        state.emit_due = now - state.emitted_at < REPEAT_INTERVAL_S - TIMER_TOLERANCE_S
        if not state.emit_due:
            state.emitted, state.emitted_at = True, now
            self.emit(room_id, user_id, True)  # noqa: FBT003 - the field of the event

    def _end(self, room_id: UUID, user_id: UUID, state: _TypingState, now: float) -> None:
        state.typing = state.emit_due = False
        state.unpublished_counter = 0
        state.ended_at, state.ended_counter = now, state.counter
        if state.emitted:
            state.emitted = False
            self.emit(room_id, user_id, False)  # noqa: FBT003 - the field of the event

    def _schedule(self, room_id: UUID, user_id: UUID, state: _TypingState, now: float) -> None:
        """Set the timer to the next due time. A timer that fires too early is set again then."""
        due = state.next_due()
        if state.timer is not None:
            if state.due <= due:
                return
            state.timer.cancel()
        state.due = due
        delay = max(due - now, TIMER_TOLERANCE_S)
        state.timer = asyncio.get_running_loop().call_later(delay, self._on_timer, room_id, user_id)

    def _on_timer(self, room_id: UUID, user_id: UUID) -> None:
        state = self._get(room_id, user_id)
        if state is None:
            return
        state.timer = None
        now = clock.monotonic() + TIMER_TOLERANCE_S
        if not state.typing and now >= state.ended_at + TYPING_TTL_S:
            del self.rooms[room_id][user_id]
            if not self.rooms[room_id]:
                del self.rooms[room_id]
            return
        if state.typing and now >= state.started_at + TYPING_TTL_S:
            self._end(room_id, user_id, state, now)
        if state.emit_due and now >= state.emitted_at + REPEAT_INTERVAL_S:
            self._emit_start(room_id, user_id, state, now)
        if state.unpublished_counter and now >= state.published_at + REPEAT_INTERVAL_S:
            counter, state.unpublished_counter = state.unpublished_counter, 0
            age_ms = int((clock.monotonic() - state.started_at) * 1000)
            self._bus.publish(Typing(room_id, user_id, counter, typing=True, age_ms=age_ms))
        self._schedule(room_id, user_id, state, now)
