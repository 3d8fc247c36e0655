"""What an instance knows by heart: the users who are connected to it, and their standing in their rooms.

Ordinary messages and reconnects cost no query. The bus keeps it true; about once a second it is compared with
the database (`truth`), and a write compares the room's `member_version` under the room's lock (`appender`).
"""

from collections.abc import Iterator
from uuid import UUID

from hubbub.cluster import bus as signals
from hubbub.core import clock
from hubbub.queries.sync.change_counters import KnownUser
from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.token_bucket import TokenBucket
from hubbub.services.instance.cached_user import CachedMembership, CachedRoom, CachedUser
from hubbub.services.instance.session_cache import Absence, AuthenticatedSession, CachedSession

LINGER_S = 60.0  # how long somebody without a socket is remembered
LINGERING = 20_000  # how many are
DOUBT_S = 10.0  # after a loss: others are probable
TRUSTED_S = 3.0  # without a comparison with the database; it comes several times as often


class MembershipCache:
    """The users who are connected here, or were a moment ago."""

    def __init__(self, message_rate: Rate | None, bus: signals.Bus) -> None:
        self._rate = message_rate
        self._bus = bus
        self._users: dict[UUID, CachedUser] = {}
        self._gone: dict[UUID, float] = {}  # without a socket since then, in the order of going
        self.rooms: dict[UUID, CachedRoom] = {}
        self.checked_at = clock.monotonic()
        self._lost_at = float("-inf")  # when signals were, or may have been, lost

    def __len__(self) -> int:
        """How many are connected."""
        return len(self._users) - len(self._gone)

    @property
    def trusted(self) -> bool:
        """Whether this was compared with the database a moment ago, and the process did not stand still."""
        return clock.monotonic() - self.checked_at < TRUSTED_S

    @property
    def certain(self) -> bool:
        """Whether, besides, no signal was lost lately: what was received by now is all there is."""
        return self.trusted and clock.monotonic() - self._lost_at > DOUBT_S

    def note_loss(self) -> None:
        """Signals were lost, or may have been."""
        self._lost_at = clock.monotonic()

    def get(self, user_id: UUID) -> CachedUser | None:
        """The user, if their memberships are known."""
        resident = self._users.get(user_id)
        return resident if resident is not None and resident.loaded else None

    def any(self, user_id: UUID) -> CachedUser | None:
        """The user, however much is known of them."""
        return self._users.get(user_id)

    def present(self, user_id: UUID) -> bool:
        """Whether the user has a socket here."""
        return user_id in self._users and user_id not in self._gone

    # Coming and going.

    def enter(self, admitted: AuthenticatedSession) -> CachedUser:
        """One more socket of this user; must be paired with `leave`."""
        user = admitted.user
        resident = self._users.get(user.id)
        if resident is None:
            resident = CachedUser(user, TokenBucket(self._rate), admitted.version, admitted.marks)
            self._users[user.id] = resident
            self._bus.follow_user(user.id)  # for as long as anything is remembered
        self._gone.pop(user.id, None)
        resident.sockets += 1
        # What changed between the admission and now is still to be found, by a comparison that begins now.
        resident.version = min(resident.version, admitted.version)
        resident.changes += 1
        if admitted.session_id not in resident.sessions:
            resident.sessions[admitted.session_id] = CachedSession(admitted.role, admitted.began_at)
        return resident

    def leave(self, user_id: UUID, session_id: UUID) -> None:
        """One socket less. The last one takes the user's knowledge with it, in a while."""
        resident = self._users.get(user_id)
        if resident is None:
            return
        resident.sockets -= 1
        if (stay := resident.sessions.get(session_id)) is not None:
            stay.left()
        if resident.sockets > 0:
            return
        if resident.loaded and resident.sessions:
            self._gone[user_id] = clock.monotonic()
        else:
            self._remove(resident)

    def tidy(self) -> None:
        """Forget who is gone for long."""
        now = clock.monotonic()
        for user_id, left_at in list(self._gone.items()):
            if now - left_at < LINGER_S and len(self._gone) <= LINGERING:
                break
            self._remove(self._users[user_id])

    def reset(self) -> None:
        """Forget everything but which sockets there are: it was read in a history that is no more."""
        self.forget_absent()
        for resident in self._users.values():
            for room_id in list(resident.rooms):
                self._drop(resident, room_id)
            resident.sessions.clear()
            resident.recent.clear()
            resident.loaded = False
            resident.changes += 1

    def compare_all(self) -> None:
        """Forget who has no socket here, and have everything else compared with the database."""
        self.forget_absent()
        for resident in self._users.values():
            resident.recent.clear()
            resident.version = -1

    def forget_absent(self) -> None:
        """Forget who has no socket here."""
        for user_id in list(self._gone):
            self._remove(self._users[user_id])

    def _remove(self, resident: CachedUser) -> None:
        for room_id in list(resident.rooms):
            self._drop(resident, room_id)
        del self._users[resident.user.id]
        self._bus.unfollow_user(resident.user.id)
        self._gone.pop(resident.user.id, None)

    def came_back(self, user_id: UUID, session_id: UUID) -> Absence | None:
        """Since when a socket of this session that comes back may have missed something; None: not known."""
        resident = self._users.get(user_id)
        stay = resident.sessions.get(session_id) if resident is not None else None
        return stay.came_back(resident.marked_at) if resident is not None and stay is not None else None

    # What is known.

    def seen(self) -> Iterator[KnownUser]:
        """Everybody, with the counters to compare."""
        for user_id, resident in self._users.items():
            yield KnownUser(user_id, resident.version, resident.marks)

    def learn(self, user_id: UUID, standing: CachedMembership, member_count: int) -> None:
        """A membership as the database has it."""
        resident = self._users.get(user_id)
        if resident is None:
            return
        resident.rooms[standing.room_id] = standing
        card = self.rooms.setdefault(standing.room_id, CachedRoom(standing.kind, member_count))
        card.member_count = member_count
        card.users.add(user_id)

    def forget(self, user_id: UUID, room_id: UUID) -> None:
        """The membership is over."""
        if (resident := self._users.get(user_id)) is not None:
            resident.changes += 1
            self._drop(resident, room_id)

    def ended(self, user_id: UUID, room_id: UUID, seq: int) -> bool:
        """The entry `seq` ended a membership of the user: are they out, or in again since?"""
        resident = self._users.get(user_id)
        standing = resident.rooms.get(room_id) if resident is not None else None
        if resident is None or standing is None:
            return True
        if standing.since > seq:
            return False
        self.forget(user_id, room_id)
        resident.version = -1  # they may be in again for all that is known here: to be compared
        return True

    def counted(self, room_id: UUID, member_count: int) -> None:
        """How many members a room has now; asked for once a second, which is exact enough for audiences."""
        if (card := self.rooms.get(room_id)) is not None:
            card.member_count = member_count

    def _drop(self, resident: CachedUser, room_id: UUID) -> None:
        resident.rooms.pop(room_id, None)
        card = self.rooms.get(room_id)
        if card is not None:
            card.users.discard(resident.user.id)
            if not card.users:
                del self.rooms[room_id]

    # What the bus says.

    def knows(self, signal: signals.MemberJoined) -> bool:
        """Whether this membership is known already: the database was quicker than the signal."""
        standing = self._standing(signal.user_id, signal.room_id)
        return standing is not None and standing.since >= signal.seq

    def _standing(self, user_id: UUID, room_id: UUID) -> CachedMembership | None:
        resident = self._users.get(user_id)
        return resident.rooms.get(room_id) if resident is not None else None

    def hear(self, signal: signals.Signal) -> None:
        """Keep what is known true. First listener of the bus: the others may rely on it."""
        match signal:
            case signals.MemberJoined():
                self._joined(signal)
            case signals.MemberChanged():
                self._changed(signal)
            case signals.UserHint(event="read"):
                self._marked(signal.user_id)
            case signals.SessionEnded():
                self._session_ended(signal)
            case signals.AccountChanged():
                self._account(signal)
            case signals.SignalsLost():
                self.note_loss()

    def _joined(self, signal: signals.MemberJoined) -> None:
        resident = self._users.get(signal.user_id)
        if resident is None or signal.room.my is None or self.knows(signal):
            return
        my = signal.room.my
        resident.changes += 1
        standing = CachedMembership(
            signal.room_id, signal.room.kind, my.role, my.muted, signal.version, since=signal.seq
        )
        self.learn(signal.user_id, standing, signal.room.member_count)

    def _changed(self, signal: signals.MemberChanged) -> None:
        resident = self._users.get(signal.user_id)
        standing = self._standing(signal.user_id, signal.room_id)
        if signal.ended:
            if standing is None or signal.seq is None or standing.since <= signal.seq:
                self.forget(signal.user_id, signal.room_id)
        elif resident is not None and standing is not None:
            self._change(resident, standing, signal)

    def _change(
        self, resident: CachedUser, standing: CachedMembership, signal: signals.MemberChanged
    ) -> None:
        resident.changes += 1
        standing.role = signal.role or standing.role
        if signal.muted is not None:
            standing.muted = signal.muted
            resident.marked_at = clock.monotonic()

    def _marked(self, user_id: UUID) -> None:
        if (resident := self._users.get(user_id)) is not None:
            resident.marks += 1  # as in the database: then there is nothing to find
            resident.marked_at = clock.monotonic()

    def _session_ended(self, signal: signals.SessionEnded) -> None:
        resident = self._users.get(signal.user_id)
        if resident is None:
            return
        for session_id in [signal.session_id] if signal.session_id else list(resident.sessions):
            resident.sessions.pop(session_id, None)
        if not resident.sessions and signal.user_id in self._gone:
            self._remove(resident)

    def _account(self, signal: signals.AccountChanged) -> None:
        if (resident := self._users.get(signal.user.id)) is not None:
            resident.user = signal.user
            for stay in resident.sessions.values():
                stay.role = signal.role
