"""What an instance knows by heart: the users who are connected to it, and their standing in their rooms.

With it an ordinary message is accepted or refused without a query, and whoever comes back after a blink
costs none. It is kept true by the bus; because the bus may lose a signal, it is compared with the database
about once a second (`truth`), and every write that relied on it compares the room's `member_version` under
the room's lock (`appender`), so that a removed member gets nothing in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from hubbub.cluster.bus import AccountChanged, MemberChanged, MemberJoined, SessionEnded, Signal, UserHint
from hubbub.core import clock
from hubbub.core.limits import Bucket, Rate
from hubbub.models.truth import Seen
from hubbub.schemas.users import User
from hubbub.services.stays import Absence, Admitted, Stay

REPEATS_REMEMBERED = 64
LINGER_S = 60.0  # how long somebody without a socket is remembered
LINGERING = 20_000  # how many are
TRUSTED_S = 3.0  # without a comparison with the database; it comes several times as often


@dataclass(slots=True)
class Standing:
    """What a user is in a room, at the room's `version`, by the membership that began with entry `since`."""

    room_id: UUID
    kind: str
    role: str
    muted: bool
    version: int
    since: int = 0


@dataclass(slots=True)
class Card:
    """What is known of a room in which a resident is."""

    kind: str
    member_count: int
    users: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class Resident:
    """A user with a socket here, or with one until a moment ago."""

    user: User
    messages: Bucket
    version: int  # of the user's row, as of what is known here; likewise `marks`
    marks: int
    rooms: dict[UUID, Standing] = field(default_factory=dict)
    recent: dict[UUID, None] = field(default_factory=dict)  # client_ids, the oldest first
    sessions: dict[UUID, Stay] = field(default_factory=dict)
    sockets: int = 0
    loaded: bool = False  # whether `rooms` is complete
    marked_at: float = float("-inf")  # when the user last read or muted something, as far as is known here
    changes: int = 0  # counts what signals changed, so that a slower reading can tell that it is old

    def remember(self, client_id: UUID) -> None:
        """A message with this `client_id` was stored: asked again at once, it costs nothing."""
        self.recent[client_id] = None
        if len(self.recent) > REPEATS_REMEMBERED:
            del self.recent[next(iter(self.recent))]


class Residents:
    """The users who are connected here, or were a moment ago."""

    def __init__(self, message_rate: Rate | None) -> None:
        self._rate = message_rate
        self._users: dict[UUID, Resident] = {}
        self._gone: dict[UUID, float] = {}  # without a socket since then, in the order of going
        self.rooms: dict[UUID, Card] = {}
        self.checked_at = clock.monotonic()

    def __len__(self) -> int:
        """How many are connected."""
        return len(self._users) - len(self._gone)

    @property
    def trusted(self) -> bool:
        """Whether this was compared with the database a moment ago.

        Not so while that is away, nor right after the process stood still.
        """
        return clock.monotonic() - self.checked_at < TRUSTED_S

    def get(self, user_id: UUID) -> Resident | None:
        """The user, if their memberships are known."""
        resident = self._users.get(user_id)
        return resident if resident is not None and resident.loaded else None

    def any(self, user_id: UUID) -> Resident | None:
        """The user, however much is known of them."""
        return self._users.get(user_id)

    def present(self, user_id: UUID) -> bool:
        """Whether the user has a socket here."""
        return user_id in self._users and user_id not in self._gone

    # Coming and going.

    def enter(self, admitted: Admitted) -> Resident:
        """One more socket of this user; must be paired with `leave`."""
        user = admitted.user
        resident = self._users.get(user.id)
        if resident is None:
            bucket = Bucket(self._rate)
            resident = self._users[user.id] = Resident(user, bucket, admitted.version, admitted.marks)
        self._gone.pop(user.id, None)
        resident.sockets += 1
        # What changed between the admission and now is still to be found, by a comparison that begins now.
        resident.version = min(resident.version, admitted.version)
        resident.changes += 1
        if admitted.session_id not in resident.sessions:
            resident.sessions[admitted.session_id] = Stay(admitted.role, admitted.began_at)
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

    def _remove(self, resident: Resident) -> None:
        for room_id in list(resident.rooms):
            self._drop(resident, room_id)
        del self._users[resident.user.id]
        self._gone.pop(resident.user.id, None)

    def came_back(self, user_id: UUID, session_id: UUID) -> Absence | None:
        """Since when a socket of this session that comes back may have missed something; None: not known."""
        resident = self._users.get(user_id)
        stay = resident.sessions.get(session_id) if resident is not None else None
        return stay.came_back(resident.marked_at) if resident is not None and stay is not None else None

    # What is known.

    def seen(self) -> Iterator[Seen]:
        """Everybody, with the counters to compare."""
        for user_id, resident in self._users.items():
            yield Seen(user_id, resident.version, resident.marks)

    def learn(self, user_id: UUID, standing: Standing, member_count: int) -> None:
        """A membership as the database has it."""
        resident = self._users.get(user_id)
        if resident is None:
            return
        resident.rooms[standing.room_id] = standing
        card = self.rooms.get(standing.room_id)
        if card is None:
            card = self.rooms[standing.room_id] = Card(standing.kind, member_count)
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

    def _drop(self, resident: Resident, room_id: UUID) -> None:
        resident.rooms.pop(room_id, None)
        card = self.rooms.get(room_id)
        if card is not None:
            card.users.discard(resident.user.id)
            if not card.users:
                del self.rooms[room_id]

    # What the bus says.

    def hear(self, signal: Signal) -> None:
        """Keep what is known true. First listener of the bus: the others may rely on it."""
        match signal:
            case MemberJoined():
                self._joined(signal)
            case MemberChanged():
                self._changed(signal)
            case UserHint(event="read"):
                self._marked(signal.user_id)
            case SessionEnded():
                self._session_ended(signal)
            case AccountChanged():
                self._account(signal)

    def _joined(self, signal: MemberJoined) -> None:
        resident = self._users.get(signal.user_id)
        if resident is None or signal.room.my is None:
            return
        my = signal.room.my
        resident.changes += 1
        standing = Standing(
            signal.room_id, signal.room.kind, my.role, my.muted, signal.version, since=signal.seq
        )
        self.learn(signal.user_id, standing, signal.room.member_count)

    def _changed(self, signal: MemberChanged) -> None:
        if signal.ended:
            self.forget(signal.user_id, signal.room_id)
            return
        resident = self._users.get(signal.user_id)
        standing = resident.rooms.get(signal.room_id) if resident is not None else None
        if resident is None or standing is None:
            return
        resident.changes += 1
        standing.role = signal.role or standing.role
        if signal.muted is not None:
            standing.muted = signal.muted
            resident.marked_at = clock.monotonic()

    def _marked(self, user_id: UUID) -> None:
        if (resident := self._users.get(user_id)) is not None:
            resident.marks += 1  # as in the database: then there is nothing to find
            resident.marked_at = clock.monotonic()

    def _session_ended(self, signal: SessionEnded) -> None:
        resident = self._users.get(signal.user_id)
        if resident is None:
            return
        if signal.session_id is None:
            resident.sessions.clear()
        else:
            resident.sessions.pop(signal.session_id, None)
        if not resident.sessions and signal.user_id in self._gone:
            self._remove(resident)

    def _account(self, signal: AccountChanged) -> None:
        if (resident := self._users.get(signal.user.id)) is not None:
            resident.user = signal.user
            for stay in resident.sessions.values():
                stay.role = signal.role
